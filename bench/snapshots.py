"""Error of the ensemble that one run gives, over that of a single model, on long-tailed digits.

Data, net, rate, loss and optimizer as in `bench/digits.py`, new splits, tails and nets per seed. The single model is 600 steps of one-cycle.
The one run goes on for half as many steps in two tails, each with new weights in the last block and the classifier (`fit_tails`), so its cost
is 1.5 times the single model's and its first member is that very model. The 540 test images are halved at random: one half decides whether
the ensemble is used or its best member (`ensemble_or_best`), the other gives the errors, 1 - balanced accuracy; then the halves change
places, and the mean of both counts. Beside them a single model of the same 900 steps. Tails were settled on other seeds.
"""
import contextlib, functools, io, tempfile
from pathlib import Path

from bench.digits import as_images, digits_learner, long_tail
from bench.harness import bench, mean_se, result

seeds = range(8)

def learner(seed):
    "The Learner of `bench/digits.py`, with a folder of its own"
    from fastclf.optimizer import fused_adamw
    learn = digits_learner(seed, fused_adamw)
    learn.path = Path(tempfile.mkdtemp())
    return learn

@functools.cache
def preds(seed, epochs=120, lr=8e-3):
    "`Preds` of the test images by the members of the one run, the first of which is the single model, and by a single model of the same cost"
    import torch
    from fastai.basics import DataLoader
    from fastclf.learner import predict
    from fastclf.fit import fit_recipe
    from fastclf.tails import fit_tails
    torch.set_num_threads(1)
    x_test,y_test = long_tail(seed)[2:]
    test = DataLoader(list(zip(as_images(x_test), torch.tensor(y_test))), bs=540)
    with contextlib.redirect_stdout(io.StringIO()):
        run = fit_tails(one := learner(seed), epochs, lr, renew=3, monitor=None)
        fit_recipe(long := learner(seed), epochs*3//2, lr, monitor=None)
        return predict(one, test, run.snapshots),predict(long, test)

def errors(seed):
    "Errors of the single model, the one-run ensemble, the longer single model, all members, and how often the ensemble was used"
    import numpy as np
    from fastclf.ensemble import ensemble, ensemble_or_best
    from fastclf.metrics import scores
    members,long = preds(seed)
    halves = np.array_split(np.random.default_rng(seed).permutation(540), 2)
    error = lambda p: 1-scores(p)['balanced_accuracy']
    res = []
    for a,b in (halves, halves[::-1]):
        used = ensemble_or_best([p[a] for p in members])
        test = [p[b] for p in members]
        res.append([error(test[0]), error(ensemble([test[i] for i in used])), error(long[b]), error(ensemble(test)), len(used)>1])
    return np.mean(res, 0)

@bench('ensemble_error')
def ensemble_error():
    "One-run ensemble over the single model, error on the test part"
    import numpy as np
    got = np.array([errors(o) for o in seeds])
    single,used,long,every,share = got.mean(0)
    change,se = mean_se(100*(got[:,1]-got[:,0]))
    return [result('ensemble_error', used/single, .95, 'lower', 'single model, error', round(single, 4), len(seeds), '', points=round(change, 2), se=round(se, 2),
        ours=round(used, 4), cost=1.5, longer_single=round(long, 4), all_members=round(every, 4), ensemble_used=round(share, 3))]
