"""Planted faults and what `diagnose` says: is the cause that was planted its first or second finding, and is it silent on healthy runs?

Two embedded sets: digits (600 images of 8 x 8 as 64 numbers, 10 classes) and docstrings (3,000 texts of 5 libraries as TF-IDF of 300
words); 400 items each for validation and test; a small net with batch norm. A fault changes the data, the net or the fit; a healthy
run is the same without it, at a constant rate, under one cycle, wider, with more dropout or with smaller batches. The thresholds were set on
the seeds `tuned`; what is reported comes from `seeds`, that is from other splits, other nets and other planted items. Seeds 200 to 202 were
measured first (hits 0.983, no alarm); then real fits of images, texts and tables under the library's recipes showed false alarms that these small
nets do not, and the rules were changed, so the second result comes from fresh seeds, 300 to 302. Then fits with several labels showed that a
fresh loss was taken for a fault and that overfitting was missed. The rules were changed on seeds 0, 300 and 301 and on such fits; 400 to 402
(hits 0.977, no alarm) were measured before the last of these changes, so the third result comes from fresh seeds again, 500 to 502.

`diagnose` gets the Learner (with the callbacks of the fit) and a test part, and counts `weight>=.5` as an alarm. `by_fault` of a result holds, for
each fault, the hits on each set, and those from curves and predictions alone.
"""
import contextlib, functools, io, warnings
from types import SimpleNamespace

import numpy as np

from bench.harness import bench, peak_mb, result

tuned,seeds = range(2),range(500,503)

@functools.cache
def data(name):
    "Inputs `(n,d)` float32 and classes `(n,)` of a whole set, class names"
    if name=='digits':
        from sklearn.datasets import load_digits
        x,y = load_digits(return_X_y=True)
        return x.astype(np.float32)/16,y,[str(i) for i in range(10)]
    from sklearn.feature_extraction.text import TfidfVectorizer
    from fastclf.data.examples import docstrings_frame
    libs = ['matplotlib','pandas','scipy','sklearn','torch']
    df = docstrings_frame()
    df = df[df.label.isin(libs)].drop_duplicates('text').groupby('label').sample(1200, random_state=0)
    x = TfidfVectorizer(max_features=300, sublinear_tf=True).fit_transform(df.text).toarray().astype(np.float32)*np.sqrt(300, dtype=np.float32)
    first = np.sort(np.unique(x, axis=0, return_index=True)[1]) # texts that differ in rarer words only are one item to the net
    return x[first],df.label.map(libs.index).to_numpy()[first],libs

def plan(name, seed):
    "Parts, net and fit of a healthy run"
    from fastclf.optimizer import fused_adamw
    x,y,vocab = data(name)
    rng = np.random.default_rng(seed)
    idxs,n = rng.permutation(len(x)),dict(digits=600, docstrings=3000)[name]
    parts = [SimpleNamespace(x=x[i].copy(), y=y[i].copy()) for i in np.split(idxs[:n+800], [n, n+400])]
    fit = dict(digits=dict(lr=3e-3, epochs=12, dropout=.1, bs=32), docstrings=dict(lr=2e-3, epochs=6, dropout=.5, bs=64))[name]
    return SimpleNamespace(name=name, seed=seed, rng=rng, train=parts[0], valid=parts[1], test=parts[2], vocab=vocab, width=64, shuffle=True,
        wd=.01, opt=fused_adamw, cbs=[], net=lambda m: m, one_cycle=False, groups=None, norm=True, **fit)

def net(p):
    "Two hidden layers"
    from torch import nn
    ws,mods = [p.train.x.shape[1], p.width, p.width],[]
    for a,b in zip(ws, ws[1:]): mods += [nn.Linear(a, b)] + ([nn.BatchNorm1d(b)] if p.norm else []) + [nn.ReLU(), nn.Dropout(p.dropout)]
    return nn.Sequential(*mods, nn.Linear(ws[-1], len(p.vocab)))

def learner(p):
    "The Learner of a plan, with a history"
    import torch
    from fastai.basics import DataLoader, DataLoaders, accuracy, set_seed
    from fastclf.lean import LeanLearner
    from fastclf.losses import CrossEntropy
    from fastclf.learner import History
    set_seed(p.seed)
    items = lambda o: list(zip(torch.tensor(o.x), torch.tensor(o.y)))
    train = DataLoader(items(p.train), bs=p.bs, shuffle=p.shuffle, drop_last=p.shuffle)
    dls = DataLoaders(train, *(DataLoader(items(o), bs=200) for o in (p.valid,p.test)), device='cpu')
    dls.vocab = p.vocab
    return LeanLearner(dls, p.net(net(p)), CrossEntropy(), opt_func=p.opt, metrics=accuracy, wd=p.wd, cbs=[History()])

def trained(p):
    "The Learner of a plan, fitted"
    import importlib
    importlib.import_module('fastai.callback.schedule')
    learn = learner(p)
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(), learn.no_mbar(), learn.no_logging():
        warnings.simplefilter('ignore')
        (learn.fit_one_cycle if p.one_cycle else learn.fit)(p.epochs, p.lr, cbs=p.cbs)
    return learn

# --- faults: each changes a plan; its name is followed by the cause that must be found

faults = {}

def fault(cause):
    "Register a fault and the cause that must be found"
    def _f(f):
        faults[f.__name__] = (cause,f)
        return f
    return _f

@fault('rate too high')
def rate_high(p): p.lr *= 100

@fault('rate too low')
def rate_low(p): p.lr /= 100

@fault('rate too high')
def diverged(p):
    from fastclf.optimizer import fused_sgd
    p.opt,p.lr,p.norm = fused_sgd,100.,False

@fault('label noise')
def noise_20(p):
    for o in (p.train, p.valid, p.test):
        hit = p.rng.random(len(o.y))<.2
        o.y[hit] = (o.y[hit]+p.rng.integers(1, len(p.vocab), hit.sum()))%len(p.vocab)

@fault('labels unrelated')
def labels_shuffled(p):
    for o in (p.train, p.valid, p.test): o.y = p.rng.permutation(o.y)

@fault('label order')
def labels_renamed(p): p.valid.y = (p.valid.y+1)%len(p.vocab)

@fault('leak')
def leak(p):
    for o in (p.train, p.valid): o.x[:,0] = o.y*(1/len(p.vocab)) if p.name=='digits' else o.y

@fault('duplicates')
def duplicates(p):
    i = p.rng.choice(len(p.train.y), len(p.valid.y)//2, replace=False)
    p.valid.x[:len(i)],p.valid.y[:len(i)] = p.train.x[i],p.train.y[i]

@fault('validation differs')
def valid_shares(p):
    i = np.flatnonzero(p.valid.y<len(p.vocab)//2)
    p.valid.x,p.valid.y = p.valid.x[i],p.valid.y[i]

@fault('validation differs')
def valid_shifted(p): p.valid.x = p.valid.x[:,::-1].copy() if p.name=='docstrings' else 1-p.valid.x

@fault('frozen')
def frozen_body(p):
    def f(m):
        for o in list(m)[:-1]:
            for q in o.parameters(): q.requires_grad_(False)
        return m
    p.net,p.norm,p.width = f,True,16

@fault('input scale')
def unscaled(p):
    p.norm = False
    for o in (p.train, p.valid, p.test): o.x = o.x*255+1000

@fault('dead units')
def dead_start(p):
    def f(m):
        m[0].bias.data.fill_(-100)
        return m
    p.net,p.norm = f,False

@fault('too small')
def small_net(p): p.width = 2

@fault('class missing')
def class_missing(p):
    i = p.train.y!=3
    p.train.x,p.train.y = p.train.x[i],p.train.y[i]

@fault('plateau overwritten')
def plateau_idle(p):
    from fastai.callback.tracker import ReduceLROnPlateau
    p.cbs,p.one_cycle = [ReduceLROnPlateau(patience=2)],True

@fault('too few epochs')
def few_epochs(p): p.epochs = 1

@fault('batch too large')
def batch_large(p): p.bs = len(p.train.y)

@fault('batch too small')
def batch_small(p): p.bs,p.epochs = 2,max(2, p.epochs//4)

@fault('not shuffled')
def sorted_items(p):
    order = np.argsort(p.train.y, kind='stable')
    p.train.x,p.train.y,p.shuffle = p.train.x[order],p.train.y[order],False

@fault('dropout')
def much_dropout(p): p.dropout = .95

@fault('weight decay')
def much_decay(p): p.wd = 50.

@fault('last layer')
def last_zero(p):
    def f(m):
        for q in m[-1].parameters(): q.requires_grad_(False).mul_(1e-6)
        return m
    p.net = f

@fault('constant inputs')
def constant(p):
    for o in (p.train, p.valid, p.test): o.x[:] = o.x[0]

@fault('probabilities in the loss')
def two_softmax(p):
    from torch import nn
    p.net = lambda m: m.append(nn.Softmax(1))

@fault('overfit')
def little_data(p): p.train.x,p.train.y,p.epochs,p.dropout,p.width,p.bs = p.train.x[:60],p.train.y[:60],60,0.,128,16

@fault('tail')
def long_tail(p):
    few = np.arange(len(p.vocab))>=len(p.vocab)//2
    n = np.where(few, 3, 10_000)
    i = np.concatenate([np.flatnonzero(p.train.y==c)[:n[c]] for c in range(len(p.vocab))])
    p.train.x,p.train.y = p.train.x[i],p.train.y[i]

@fault('evaluation differs')
def frozen_norm(p):
    def f(m):
        for o in m:
            if hasattr(o, 'momentum'): o.momentum = 1e-5
        return m
    p.net = f
    for o in (p.train, p.valid, p.test): o.x = o.x*3+2

@fault('two names')
def two_names(p):
    p.vocab = p.vocab+['twin']
    for o in (p.train, p.valid, p.test):
        i = np.flatnonzero(o.y==2)
        o.y[p.rng.permutation(i)[:len(i)//2]] = len(p.vocab)-1

# --- healthy runs

def same(p): pass
def one_cycle(p): p.one_cycle = True
def wider(p): p.width = 128
def more_dropout(p): p.dropout = min(.6, p.dropout+.2)
def smaller_batch(p): p.bs //= 2
healthy = [same, one_cycle, wider, more_dropout, smaller_batch]

# --- the measure

def diagnosed(name, change, seed):
    "What `diagnose` says of one run: causes of its alarms in order, and those from curves and predictions alone"
    from fastclf.diagnose import diagnose
    from fastclf.learner import history, predict
    p = plan(name, seed)
    change(p)
    learn = trained(p)
    try: parts = {o:predict(learn, o) for o in ('train','valid','test')}
    except ValueError: parts = {} # the weights are not finite
    alarms = lambda t: t.finding[t.weight>=.5].tolist()
    return alarms(diagnose(learn, **parts, cbs=p.cbs)),alarms(diagnose(history(learn), **parts))

def runs(seeds=seeds, names=('digits','docstrings')):
    "A row per run: set, fault ('' if healthy), seed, hit, alarms, and the same without the Learner"
    rows = []
    for seed in seeds:
        for name in names:
            for change in [*healthy, *(f for _,f in faults.values())]:
                cause = faults.get(change.__name__, ('',))[0]
                found,less = diagnosed(name, change, seed)
                hits = dict(hit=cause in found[:2], found=found, hit_less=cause in less[:2], found_less=less)
                rows.append(dict(data=name, run=change.__name__, cause=cause, seed=seed, **hits))
                print(f"{name} {seed} {change.__name__}: {cause or 'healthy'} | {', '.join(found) or 'nothing'}", flush=True)
    return rows

def summary(rows):
    "The two results, with what was missed"
    bad,well = [o for o in rows if o['cause']],[o for o in rows if not o['cause']]
    mean = lambda rs, f: float(np.mean([f(o) for o in rs]))
    missed = sorted({f"{o['data']}/{o['run']}" for o in bad if not o['hit']})
    of = lambda f, key: ' '.join(f"{d} {sum(o[key] for o in bad if o['run']==f and o['data']==d)}" for d in sorted({o['data'] for o in bad}))
    extra = dict(seeds=sorted({o['seed'] for o in rows}), faults=len(faults))
    by_fault = {f:[of(f, 'hit'), of(f, 'hit_less')] for f in faults}
    return [result('diagnosis_hits', mean(bad, lambda o: o['hit']), .9, 'higher', 'the same from curves and predictions alone', round(mean(bad, lambda o: o['hit_less']), 4), len(bad), 'share', missed=missed, by_fault=by_fault, **extra),
        result('diagnosis_alarms', mean(well, lambda o: bool(o['found'])), .05, 'lower', 'the same from curves and predictions alone', round(mean(well, lambda o: bool(o['found_less'])), 4), len(well), 'share', **extra)]

@bench('diagnosis_hits', 'diagnosis_alarms')
def diagnosis():
    "Share of planted faults whose cause is the first or second finding, and of healthy runs with an alarm"
    return summary(runs())

# --- memory

setup = '''
import gc, pandas as pd
from bench.interpret import fake
from fastclf.diagnose import diagnose
from fastclf.preds import Preds
curves = pd.DataFrame(dict(train_loss=[2.,1.,.6,.5,.4], valid_loss=[2.,1.2,.9,.8,.8]))
small = Preds(*fake(700, 20))
diagnose(curves, small, small, small)
parts = [Preds(*fake({n}, {k}, i)) for i in range(3)]
gc.collect()
'''

@bench('diagnosis_memory')
def diagnosis_memory(n=63_680, k=632):
    "Peak of resident memory that a diagnosis of three parts adds, as multiples of the predictions of one"
    one = n*k*4/2**20
    mb = peak_mb(setup.format(n=n, k=k), "diagnose(curves, *parts)")
    return [result('diagnosis_memory', mb/one, 3, 'lower', 'predictions of one part, float32', f'{one:.0f} MB; added {mb:.0f} MB', n, 'x', k=k, parts=3)]
