"""Peak memory of what is done with predictions of 63,680 titles by 632 classes (154 MB), in fresh processes.

`preds_memory`: making, keeping and joining them, and the pass of a Learner from its logits on. The predictions themselves count: what is given
and what comes back are the least that can be held. `after_memory`: every adjustment, ensemble, table and list that is made of them, with one
label per item or with several; what is given does not count, what comes back does.
"""
from bench.harness import bench, in_process, peak_mb, result

n,k = 63_680,632
held = n*k*4/2**20

start = '''
import gc, numpy as np, tempfile, torch
from pathlib import Path
from bench.interpret import fake
from fastclf.joined import concat_preds, mean_preds, oof_preds
from fastclf.learner import predict
from fastclf.preds import Preds, align_preds, load_preds, save_preds
torch.set_num_threads(1)
folder = Path(tempfile.mkdtemp())
def new(n, seed=0): return Preds(*fake(n, {k}, seed))
def learner(n):
    from fastai.basics import DataLoaders, Learner
    from fastai.data.load import DataLoader
    ds = list(zip(torch.randn(n, 16), torch.randint(0, {k}, (n,))))
    return Learner(DataLoaders(DataLoader(ds, bs=512), DataLoader(ds, bs=512)), torch.nn.Linear(16, {k}), loss_func=torch.nn.CrossEntropyLoss())
def shuffled(n): return np.random.default_rng(0).permutation(n)
def work(n):
    {given}
    return lambda: {code}
work(600)()
gc.collect()
'''

jobs = dict(
    save=('p = new(n)', "save_preds(p, folder/'p')"),
    load=("save_preds(new(n), folder/'p')", "load_preds(folder/'p')"),
    concat=('p = new(n)\n    parts = [p[:n//2], p[n//2:]]', 'concat_preds(parts)'),
    out_of_fold=('p = new(n)\n    parts = [p[i::5] for i in range(5)]', 'oof_preds(parts)'),
    align=('p = new(n)\n    q = p[shuffled(n)]', 'align_preds([p, q])'),
    mean_of_5=('p = new(n)', 'mean_preds(p for _ in range(5))'),
    predict=('learn = learner(n)', 'predict(learn)'))

def peak(given, code):
    "MB at the peak, what is given and what comes back included; imports and a small warm-up are not"
    return peak_mb(start.format(k=k, given=given, code=code), f'work({n})()')

@bench('preds_memory')
def preds_memory():
    "The worst of the jobs, as a multiple of the predictions"
    mb = {o:round(peak(*v), 1) for o,v in jobs.items()}
    seconds = in_process(start.format(k=k, given=jobs['save'][0], code=jobs['save'][1])+f"import time\nf = work({n})\nt = time.process_time()\nf()\nload_preds(folder/'p')\nprint(time.process_time()-t)")
    return [result('preds_memory', max(mb.values())/held, 3.5, 'lower', 'the predictions themselves', f'{held:.0f} MB', n, 'times', k=k, mb=mb, save_and_load_cpu_seconds=round(seconds, 2))]

later = '''
import ctypes, gc, json, time, warnings
import matplotlib.pyplot as plt, numpy as np, torch
from dataclasses import replace
from bench.interpret import fake
from fastclf.abstain import answers_table, choose_abstention, plot_risk_coverage
from fastclf.adjust import choose_tau, estimated_shift, logit_adjustment
from fastclf.adjustment import crossfit
from fastclf.blend import fit_blend, fit_stack, greedy_blend
from fastclf.calibrate import calibrate, plot_reliability
from fastclf.compare import compare_preds
from fastclf.conformal import conformal_sets, coverage_table
from fastclf.curation import curation_plan, pair_plan
from fastclf.diversity import diversity_table
from fastclf.ensemble import ensemble, ensemble_table
from fastclf.labelissues import label_issues, loss_issues
from fastclf.nextlabels import next_labels
from fastclf.preds import Preds, row_blocks
from fastclf.thresholds import choose_thresholds, thresholds_table
from fastclf.yardstick import score_draws
warnings.simplefilter('ignore')
torch.set_num_threads(1)
def new(n, seed=0):
    probs,targs = fake(n, {k}, seed)
    for r in row_blocks(*probs.shape):
        probs[r] **= 12
        probs[r] /= probs[r].sum(1, keepdims=True)
    return Preds(probs, targs)
def tags(n, seed=0):
    rng,p = np.random.default_rng(seed),fake(n, {k}, seed)[0]
    for r in row_blocks(*p.shape): p[r] = (p[r]/p[r].max(1, keepdims=True))**30
    return Preds(p, np.concatenate([rng.random(p[r].shape, dtype=np.float32)<.8*p[r] for r in row_blocks(*p.shape)]).view(np.int8))
def members(make, n): # of one truth
    ps = [make(n, seed) for seed in range(3)]
    return [replace(o, targs=ps[0].targs, loss=None) for o in ps]
def counts(p): return np.bincount(p.targs, minlength={k})+1
def mb(key): return [int(l.split()[1])/1024 for l in open('/proc/self/status') if l.startswith(key)][0]
def cost(code, data):
    gc.collect()
    ctypes.CDLL('libc.so.6').malloc_trim(0)
    open('/proc/self/clear_refs', 'w').write('5')
    before,t = mb('VmRSS'),time.process_time()
    res = eval(code, globals()|data)
    t = time.process_time()-t
    plt.close('all')
    return round(mb('VmHWM')-before, 1),round(t, 1)
def given(n): return dict({given})
jobs,small = {jobs},given(600)
for code in jobs.values(): cost(code, small)
data = given({n})
print(json.dumps(dict((o,cost(code, data)) for o,code in jobs.items())))
'''

one,two,three,four = 'p=new(n)','p=tags(n)','ps=members(new, n)','ps=members(tags, n)' # what is given
after_jobs = {
    'logit adjustment':(one, 'logit_adjustment(p.vocab, counts(p))(p)'), 'tau':(one, 'choose_tau(p, counts(p))'), 'estimated shift':(one, 'estimated_shift(p, counts(p))(p)'),
    'offsets':(one, 'choose_thresholds(p)(p)'), 'thresholds, labels':(two, 'thresholds_table(p, choose_thresholds(p))'),
    'temperature':(one, 'calibrate(p)(p)'), 'vector':(one, "calibrate(p, 'vector')(p)"), 'vector, labels':(two, "calibrate(p, 'vector')(p)"), 'thresholds, labels, crossfitted':(two, 'crossfit(p, choose_thresholds, n_folds=2)'),
    'temperature, crossfitted':(one, 'crossfit(p, calibrate)'), 'reliability':(one, 'plot_reliability(p)'), 'reliability, labels':(two, 'plot_reliability(p)'),
    'conformal':(one, 'coverage_table(conformal_sets(p), p)'), 'conformal by class':(one, 'coverage_table(conformal_sets(p, by_class=True), p)'),
    'conformal, labels':(two, 'coverage_table(conformal_sets(p, by_class=True), p)'),
    'abstention':(one, 'answers_table(choose_abstention(p), p), plot_risk_coverage(p)'), 'abstention, labels':(two, 'answers_table(choose_abstention(p), p), plot_risk_coverage(p)'),
    'mean':(three, 'ensemble(ps)'), 'geometric':(three, "ensemble(ps, how='geometric')"), 'rank':(three, "ensemble(ps, how='rank')"),
    'mean, labels':(four, 'ensemble(ps)'), 'weighted':(three, 'fit_blend(ps)(ps)'), 'greedy':(three, 'greedy_blend(ps, steps=3)(ps)'),
    'stack':(three, 'fit_stack(ps)(ps)'), 'ensemble table':(three, 'ensemble_table(ps)'), 'diversity':(three, 'diversity_table(ps)'),
    'diversity, labels':(four, 'diversity_table(ps)'), 'comparison':(three, 'compare_preds(*ps[:2])'),
    'comparison, labels':(four, 'compare_preds(*ps[:2])'), 'resampled scores':(one, 'score_draws(p)'), 'resampled scores, labels':(two, 'score_draws(p)'),
    'label issues':(one, 'label_issues(p)'), 'label issues, labels':(two, 'label_issues(p)'), 'top losses as issues, labels':(two, 'loss_issues(p, 1000)'),
    'curation':(one, 'curation_plan(p), pair_plan(p)'), 'curation, labels':(two, 'curation_plan(p)'),
    'next labels':(one, "next_labels(p), next_labels(p, by='entropy'), next_labels(p, classes=['0','1'])"), 'next labels, labels':(two, "next_labels(p), next_labels(p, classes='0')")}

@bench('after_memory')
def after_memory():
    "The worst of the jobs, as a multiple of the predictions of one model; a process for each thing that is given"
    costs = {}
    for given in (one,two,three,four):
        found = in_process(later.format(n=n, k=k, given=given, jobs={o:code for o,(g,code) in after_jobs.items() if g==given}))
        for o,(mb,secs) in found.items(): print(f'{o}: {mb:.0f} MB, {secs} s', flush=True)
        costs |= found
    mb,secs = ({o:costs[o][i] for o in after_jobs} for i in (0,1))
    return [result('after_memory', max(mb.values())/held, 2.5, 'lower', 'the predictions of one model', f'{held:.0f} MB', n, 'times', k=k, mb=mb, cpu_seconds=secs)]
