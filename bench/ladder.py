"""What helps on rare classes: twelve ways to train the same net on long-tailed digits, balanced accuracy and cost.

Data, net, steps and rate as in `bench/digits.py`, a new split, tail and net per seed, the same for all. The first rungs change one thing about
plain cross-entropy; the last four start from the balanced softmax, the usual correction. Cost is CPU time over that of cross-entropy. The peer
is plain cross-entropy, seed by seed; the value is the balanced softmax's gain over it, in points. Post-hoc adjustment is that of the plain model
with tau 1; EMA's decay is 0.99, 600 steps being few; snapshots are four cosine cycles in the same steps, their probabilities averaged.
"""
import contextlib, io, tempfile, time
from pathlib import Path

from bench.digits import as_images, digits_learner, long_tail
from bench.harness import bench, mean_se, result

def fitted(seed, loss, mix=None, cbs=None, cycles=None, last=None, epochs=120, lr=8e-3):
    "A trained Learner and the files of its cycles; `loss` is a name and options for `loss_for`, `last` makes the last layer"
    from fastclf.all import DeferredWeights, fit_recipe, fit_snapshots, fused_adamw, loss_for
    name,kwargs = loss
    learn = digits_learner(seed, fused_adamw, lambda counts: loss_for(name, counts, **kwargs), mix)
    if last is not None: learn.model[-1] = last()
    learn.path,cbs = Path(tempfile.mkdtemp()),[*(cbs or []), *([DeferredWeights()] if learn.loss_func.deferred else [])]
    with contextlib.redirect_stdout(io.StringIO()), learn.no_mbar():
        if cycles: return learn,fit_snapshots(learn, epochs, cycles, lr, monitor=None, cbs=cbs).snapshots
        fit_recipe(learn, epochs, lr, monitor=None, cbs=cbs)
    return learn,None

def test_probs(learn, seed, files=None):
    "Probabilities of the test images; the mean over `files` of weights"
    import torch
    from fastclf.state import load_weights
    x,res = as_images(long_tail(seed)[2]),0
    for f in files or [None]:
        if f is not None: load_weights(learn.model, f)
        with torch.no_grad(): res = res+learn.model.eval()(x).softmax(1).numpy()
    return res

def rungs():
    "Name of a rung -> arguments of `fitted`"
    from fastclf.all import EMA, SAM, CosineLinear
    ce,soft = ('cross_entropy',{}),('balanced_softmax',{})
    full = ('weighted',dict(how='balanced'))
    return {'cross-entropy': dict(loss=ce), 'focal': dict(loss=('focal',{})), 'balanced weights': dict(loss=full),
        'weights, deferred': dict(loss=('cross_entropy_drw',{})), 'oversampling': dict(loss=ce, mix='balanced'), 'square-root sampling': dict(loss=ce, mix='sqrt'),
        'balanced softmax': dict(loss=soft), 'LDAM-DRW': dict(loss=('ldam_drw',{}), last=lambda: CosineLinear(64, 10)),
        'balanced softmax, SAM': dict(loss=soft, cbs=lambda: [SAM()]), 'balanced softmax, EMA': dict(loss=soft, cbs=lambda: [EMA(.99)]),
        'balanced softmax, 4 snapshots': dict(loss=soft, cycles=4)}

def climb(seed):
    "Balanced accuracy and CPU seconds of each rung"
    import numpy as np, torch
    from sklearn.metrics import balanced_accuracy_score
    torch.set_num_threads(1)
    y,y_test,res = long_tail(seed)[1],long_tail(seed)[3],{}
    score = lambda p: balanced_accuracy_score(y_test, p.argmax(1))
    for name,kwargs in rungs().items():
        start = time.process_time()
        if 'cbs' in kwargs: kwargs = kwargs | dict(cbs=kwargs['cbs']())
        learn,files = fitted(seed, **kwargs)
        cost = time.process_time()-start
        probs = test_probs(learn, seed, files)
        res[name] = score(probs),cost
        if name=='cross-entropy': res['post-hoc adjustment'] = score(probs/np.bincount(y)),cost
    return res

@bench('digits_ladder')
def digits_ladder(seeds=range(8)):
    "Balanced softmax over cross-entropy, all rungs beside it"
    got = [climb(o) for o in seeds]
    base = [o['cross-entropy'] for o in got]
    def row(name):
        (score,se),(gain,gain_se) = mean_se([o[name][0] for o in got]),mean_se([100*(o[name][0]-b[0]) for o,b in zip(got, base)])
        cost = sum(o[name][1] for o in got)/sum(b[1] for b in base)
        return {k:round(float(v), 4) for k,v in dict(score=score, se=se, gain=gain, gain_se=gain_se, cost=cost).items()}
    table = {k:row(k) for k in got[0]}
    best = table['balanced softmax']
    return [result('digits_ladder', best['gain'], 0, 'higher', 'cross-entropy, balanced accuracy', table['cross-entropy']['score'], len(got), 'points', se=best['gain_se'], rungs=table)]
