"""What an ensemble gains by where its members come from and how they are combined, on long-tailed digits, paired by seed.

Data, steps, rate, loss and optimizer as in `bench/digits.py`; a new split, tail and net per seed, the same for all. Four members each:
snapshots, the ends of four cosine cycles in the steps of one fit; seeds, four starts and orders of items; folds, each trained on three
quarters; architectures, the convolutional net, the same with group norm, a wider and a fully connected one. The 540 test images are halved
at random: one half fits weights and stacks, chooses members and the best one, the other scores; then the halves change places, and the mean
of both counts. The peer is the best member as the first half chose it. `soup` averages the weights of the snapshots.
"""
import contextlib, io, tempfile

import numpy as np

from bench.digits import as_images, long_tail, net
from bench.harness import bench, mean_se, result

seeds,epochs,lr = range(8),120,8e-3

def nets():
    "Functions that make the four architectures"
    from torch import nn
    conv = lambda i,o,stride=1: [nn.Conv2d(i, o, 3, padding=1, stride=stride), nn.BatchNorm2d(o), nn.ReLU()]
    wide = lambda: nn.Sequential(*conv(1, 64), *conv(64, 96, 2), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(.1), nn.Linear(384, 10))
    flat = lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 256), nn.BatchNorm1d(256), nn.ReLU(), nn.Dropout(.3), nn.Linear(256, 10))
    return [net, lambda: net(lambda c: nn.GroupNorm(8, c)), wide, flat]

def learner(x, y, make, seed):
    "A Learner on these images"
    import torch
    from fastai.basics import DataLoader, DataLoaders, Learner, set_seed
    from fastclf.losses import choose_loss
    from fastclf.optimizer import fused_adamw
    items = list(zip(as_images(x), torch.tensor(y)))
    set_seed(seed)
    dls = DataLoaders(DataLoader(items, bs=64, shuffle=True, drop_last=True), DataLoader(items[:1], bs=64), device='cpu')
    dls.vocab = [str(i) for i in range(10)]
    return Learner(dls, make(), choose_loss(np.bincount(y, minlength=10))[0], opt_func=fused_adamw, path=tempfile.mkdtemp())

def members(seed):
    "Source -> four `Preds` of the test images, and the `Preds` of the soups made with either half: halves, sources, soups"
    import torch
    from fastai.basics import DataLoader
    from fastclf.all import fit_recipe, fit_snapshots, kfold_splits, predict, soup
    torch.set_num_threads(1)
    x,y,x_test,y_test = long_tail(seed)
    loader = lambda rows: DataLoader(list(zip(as_images(x_test[rows]), torch.tensor(y_test[rows]))), bs=540)
    halves,every = np.array_split(np.random.default_rng(seed).permutation(540), 2),loader(np.arange(540))
    def one(x, y, make, seed):
        learn = learner(x, y, make, seed)
        with learn.no_mbar(): fit_recipe(learn, round(epochs*(331//64)/max(len(y)//64, 1)), lr, monitor=None)
        return predict(learn, every)
    with contextlib.redirect_stdout(io.StringIO()):
        first = one(x, y, net, seed)
        res = dict(seeds=[first, *(one(x, y, net, seed+100*i) for i in (1,2,3))])
        res['folds'] = [one(x[o.train], y[o.train], net, seed) for o in kfold_splits(y, 4, seed=seed)]
        res['architectures'] = [first, *(one(x, y, make, seed) for make in nets()[1:])]
        learn = learner(x, y, net, seed)
        with learn.no_mbar(): files = fit_snapshots(learn, epochs, 4, lr, monitor=None).snapshots
        res['snapshots'] = predict(learn, every, files)
        soups = [predict(learn, every, soup(learn, files, loader(h)).file)[0] for h in halves]
    return halves,res,soups

def ways(preds):
    "Way to combine -> function of the members, fitted on `preds`"
    from functools import partial
    from fastclf.all import ensemble, fit_blend, fit_stack, greedy_blend
    plain = {o:partial(ensemble, how=o) for o in ('mean','geometric','rank')}
    return plain | dict(weighted=fit_blend(preds), stack=fit_stack(preds), greedy=greedy_blend(preds, 'balanced_accuracy'))

def scored(seed):
    "(source, way) -> balanced accuracy; the ways 'single', the first member, and 'best' are among them; disagreement of the members"
    from fastclf.all import scores
    halves,sources,soups = members(seed)
    got,acc = {},lambda p: scores(p)['balanced_accuracy']
    for s,preds in sources.items():
        for a,b,cooked in ((*halves,soups[0]),(*halves[::-1],soups[1])):
            fit,test = [p[a] for p in preds],[p[b] for p in preds]
            row = dict(single=acc(test[0]), best=acc(test[int(np.argmax([acc(p) for p in fit]))])) | {o:acc(f(test)) for o,f in ways(fit).items()}
            if s=='snapshots': row['soup'] = acc(cooked[b])
            row['disagreement'] = np.mean([(p.decoded!=q.decoded).mean() for i,p in enumerate(test) for q in test[:i]])
            for o,v in row.items(): got.setdefault((s,o), []).append(v)
    return {o:np.mean(v) for o,v in got.items()}

@bench('ensemble_members')
def ensemble_members():
    "Points of the mean of four seeds over their best member; all sources and ways beside"
    rows = [scored(s) for s in seeds]
    table = {}
    for s,o in rows[0]:
        v = np.array([r[s,o] for r in rows])
        d = {} if o in ('best','disagreement') else dict(over_best=[round(float(x), 2) for x in mean_se([100*(r[s,o]-r[s,'best']) for r in rows])])
        table.setdefault(s, {})[o] = dict(mean=round(float(v.mean()), 4)) | d
    for s,t in table.items(): print(s, t)
    main = table['seeds']['mean']
    return [result('ensemble_members', main['over_best'][0], 0, 'higher', 'best of four seeds, balanced accuracy', table['seeds']['best']['mean'], len(rows), 'points',
        se=main['over_best'][1], table=table)]
