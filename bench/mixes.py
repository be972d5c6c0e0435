"""Balanced accuracy on long-tailed digits under the mixes that an epoch can be drawn in.

Data, net, steps and rate as in `bench/digits.py`; the loss is cross-entropy in all, so that the mix is the only correction. The peer is the
natural mix, seed by seed. Also shown: the logit-adjusted loss on the natural mix, which corrects without drawing anything twice. Once with
batch norm, whose statistics the few images of a rare class take over when they are drawn often, and once with group norm.
"""
from bench.digits import net_score
from bench.harness import bench, mean_se, result

seeds,mixes = range(8),('natural','sqrt','balanced','progressive','deferred')

def group_norm(channels):
    "Eight groups"
    from torch import nn
    return nn.GroupNorm(8, channels)

def mix_score(seed, mix, norm, adjusted=False, epochs=120, lr=8e-3):
    "Balanced accuracy on the test part of a net trained on `mix`"
    from fastclf.losses import CrossEntropy, LogitAdjusted
    from fastclf.optimizer import fused_adamw
    from fastclf.fit import fit_recipe
    return net_score(seed, lambda learn: fit_recipe(learn, epochs, lr, monitor=None), fused_adamw, mix=mix, norm=norm,
        loss=lambda counts: LogitAdjusted(counts/counts.sum()) if adjusted else CrossEntropy())

def compared(name, norm=None):
    "Deferred balance over the natural mix, in points, and the other mixes beside it"
    got = {o:[mix_score(s, o, norm) for s in seeds] for o in mixes}
    got['natural, adjusted loss'] = [mix_score(s, 'natural', norm, True) for s in seeds]
    gains = {o:mean_se([100*(a-b) for a,b in zip(v, got['natural'])]) for o,v in got.items() if o!='natural'}
    return result(name, gains['deferred'][0], 0, 'higher', 'natural mix, balanced accuracy', round(mean_se(got['natural'])[0], 4), len(seeds), 'points',
        se=round(gains['deferred'][1], 2), scores={o:[round(float(x), 4) for x in mean_se(v)] for o,v in got.items()},
        gains={o:[round(float(x), 2) for x in v] for o,v in gains.items()})

@bench('digits_mixes')
def digits_mixes(): return [compared('digits_mixes')]

@bench('digits_mixes_groupnorm')
def digits_mixes_groupnorm(): return [compared('digits_mixes_groupnorm', group_norm)]
