"""Balanced accuracy on long-tailed digits under the mixes that an epoch can be drawn in.

Data, net, steps and rate as in `bench/digits.py`; the loss is cross-entropy in all, so that the mix is the only correction. The peer is the
natural mix, seed by seed. Also shown: the logit-adjusted loss on the natural mix, which corrects without drawing anything twice. Once with
batch norm, whose statistics the few images of a rare class take over when they are drawn often, and once with group norm.
"""
import contextlib, io

from bench.digits import long_tail, net
from bench.harness import bench, mean_se, result

seeds,mixes = range(8),('natural','sqrt','balanced','progressive','deferred')

def group_net():
    "The net of `bench/digits.py` with group norm"
    from torch import nn
    conv = lambda i,o,stride=1: [nn.Conv2d(i, o, 3, padding=1, stride=stride), nn.GroupNorm(8, o), nn.ReLU()]
    return nn.Sequential(*conv(1, 24), *conv(24, 48, 2), *conv(48, 64), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(.1), nn.Linear(64, 10))

def mix_score(seed, mix, net, adjusted=False, epochs=120, lr=8e-3, bs=64):
    "Balanced accuracy on the test part of a net trained on `mix`"
    import numpy as np, torch
    from fastai.basics import DataLoader, DataLoaders, Learner, set_seed
    from sklearn.metrics import balanced_accuracy_score
    from fastclf.data.sampler import MixSchedule, sampled
    from fastclf.losses import CrossEntropy, LogitAdjusted
    from fastclf.optimizer import fused_adamw
    from fastclf.recipe import fit_recipe
    torch.set_num_threads(1)
    x,y,x_test,y_test = long_tail(seed)
    images = lambda x: torch.tensor(x).view(-1, 1, 8, 8)
    items = list(zip(images(x), torch.tensor(y)))
    set_seed(seed)
    dls = DataLoaders(DataLoader(items, bs=bs, shuffle=True, drop_last=True), DataLoader(items[:1], bs=bs), device='cpu')
    dls.vocab = [str(i) for i in range(10)]
    loss = LogitAdjusted(np.bincount(y)/len(y)) if adjusted else CrossEntropy()
    learn = Learner(sampled(dls, mix), net(), loss, opt_func=fused_adamw, cbs=MixSchedule())
    with contextlib.redirect_stdout(io.StringIO()), learn.no_mbar(): fit_recipe(learn, epochs, lr, monitor=None)
    with torch.no_grad(): pred = learn.model.eval()(images(x_test)).argmax(1).numpy()
    return balanced_accuracy_score(y_test, pred)

def compared(name, net):
    "Deferred balance over the natural mix, in points, and the other mixes beside it"
    got = {o:[mix_score(s, o, net) for s in seeds] for o in mixes}
    got['natural, adjusted loss'] = [mix_score(s, 'natural', net, True) for s in seeds]
    gains = {o:mean_se([100*(a-b) for a,b in zip(v, got['natural'])]) for o,v in got.items() if o!='natural'}
    return result(name, gains['deferred'][0], 0, 'higher', 'natural mix, balanced accuracy', round(mean_se(got['natural'])[0], 4), len(seeds), 'points',
        se=round(gains['deferred'][1], 2), scores={o:[round(float(x), 4) for x in mean_se(v)] for o,v in got.items()},
        gains={o:[round(float(x), 2) for x in v] for o,v in gains.items()})

@bench('digits_mixes')
def digits_mixes(): return [compared('digits_mixes', net)]

@bench('digits_mixes_groupnorm')
def digits_mixes_groupnorm(): return [compared('digits_mixes_groupnorm', group_net)]
