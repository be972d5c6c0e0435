"""Peak memory of what is done with predictions of 63,680 titles by 632 classes (154 MB), in fresh processes.

The predictions themselves count: what is given and what comes back are the least that can be held. Also the pass of a Learner that makes
them, from its logits on.
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
from fastclf.preds import Preds, align_preds, load_preds, preds_from_csv, save_preds
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
