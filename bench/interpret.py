"""Time and memory of the confusion matrix, the losses and the items with the highest losses, from predictions that exist.

fastai's `ClassificationInterpretation` asks the model again for every view. To measure the interpretation alone, its `get_preds` is
replaced by one that hands out the predictions at once; inference and holding the predictions count for neither side.
"""
from bench.harness import bench, cpu_times, in_process, peak_mb, result

peer = 'fastai ClassificationInterpretation, inference taken out'

def fake(n, k, seed=0):
    "Random probabilities `(n,k)` in float32, made a few rows at a time, and targets `(n,)` that agree with 3 in 4 of them"
    import numpy as np
    rng = np.random.default_rng(seed)
    targs,probs = rng.integers(0, k, n),np.empty((n,k), np.float32)
    for i in range(0, n, 2000):
        rows = slice(i, i+2000)
        rng.random(out=probs[rows], dtype=np.float32)
        m = len(probs[rows])
        probs[i+np.arange(m), np.where(rng.random(m)<.75, targs[rows], rng.integers(0, k, m))] += 1
        probs[rows] /= probs[rows].sum(1, keepdims=True)
    return probs,targs

def ours(probs, targs):
    "Losses, confusion matrix, most confused pairs and the 20 highest losses"
    from fastclf.confusion import confusion_table, most_confused
    from fastclf.interpret import top_losses
    from fastclf.preds import Preds
    p = Preds(probs, targs)
    return confusion_table(p).to_numpy(),most_confused(p, 20)['count'].tolist(),top_losses(p, 20).loss.tolist()

class Stub:
    "What fastai's interpretation needs of a Learner and of a DataLoader"
    def __init__(self, probs, targs):
        import torch
        from fastai.data.transforms import CategoryMap
        self.probs,self.targs,self.vocab = torch.as_tensor(probs),torch.as_tensor(targs),CategoryMap(list(range(probs.shape[1])), sort=False)
    def get_preds(self, with_loss=False, **kwargs):
        "Losses too, or decoded too, as fastai's Learner hands them out"
        if not with_loss: return self.probs,self.targs,self.probs.argmax(1)
        return None,None,-self.probs[range(len(self.targs)),self.targs].log()

def fastais(probs, targs):
    "The same by fastai"
    from fastai.interpret import ClassificationInterpretation
    stub = Stub(probs, targs)
    interp = ClassificationInterpretation.from_learner(stub, dl=stub)
    return interp.confusion_matrix(),[c for *_,c in interp.most_confused()][:20],interp.top_losses(20)[0].tolist()

def check_equal(a, b):
    "Raise unless both ways give the same"
    import numpy as np
    if not ((a[0]==b[0]).all() and a[1]==b[1] and np.allclose(a[2], b[2], atol=1e-4)): raise AssertionError('the two ways of interpretation do not agree')

@bench('interpret_time')
def interpret_time(n=20_000, k=150, rounds=5):
    "CPU time of both in interleaved rounds"
    import torch
    torch.set_num_threads(1)
    data = fake(n, k)
    check_equal(ours(*data), fastais(*data))
    t = cpu_times(rounds, ours=lambda: ours(*data), peer=lambda: fastais(*data))
    return [result('interpret_time', t['peer']/t['ours'], 10, 'higher', peer, f"{t['peer']:.2f} s against {t['ours']:.4f} s", n, 'x', k=k, rounds=rounds)]

setup = '''
from bench.interpret import fake, ours, fastais
import gc, torch
torch.set_num_threads(1)
small = fake(500, 10)
{name}(*small)
data = fake({n}, {k})
gc.collect()
'''

def traced_mb(n, k):
    "Peak of what Python and numpy allocate in `ours`, in MB: finer than resident memory, which grows by pages"
    code = "import tracemalloc\ntracemalloc.start()\nours(*data)\nprint(tracemalloc.get_traced_memory()[1]/2**20)"
    return in_process(setup.format(name='ours', n=n, k=k)+code)

@bench('interpret_memory')
def interpret_memory(n=20_000, k=150):
    "Peak memory of both above the predictions, in fresh processes; ours is the larger of resident and traced memory"
    theirs = peak_mb(setup.format(name='fastais', n=n, k=k), 'fastais(*data)')
    resident,traced = peak_mb(setup.format(name='ours', n=n, k=k), 'ours(*data)'),traced_mb(n, k)
    mine = max(resident, traced)
    return [result('interpret_memory', theirs/mine, 500, 'higher', peer, f'{theirs:.0f} MB against {mine:.1f} MB', n, 'x', k=k, resident_mb=round(resident, 2), traced_mb=round(traced, 2))]

titles = '''
from fastclf.confusion import confused_groups, confusion_table, most_confused, plot_confusion, plot_confusion_map
from fastclf.interpret import class_report, plot_class_f1, top_losses
from fastclf.preds import Preds
from fastclf.scoring import score_table
import matplotlib.pyplot as plt, time
def look(data):
    p = Preds(*data)
    res = score_table(p),class_report(p),confusion_table(p),most_confused(p, 20),confused_groups(p),top_losses(p, 100)
    pictures = plot_class_f1(res[1]),plot_confusion(p),plot_confusion_map(p)
    plt.close('all')
look(small)
del data
gc.collect()
'''

@bench('interpret_titles')
def interpret_titles(n=63_680, k=632):
    "Peak memory of a whole look (scores and classes with errors, AUC, matrix, pairs, groups, top losses, pictures), the predictions themselves included"
    start = setup.format(name='ours', n=100, k=k)+titles
    total = peak_mb(start, f'data = fake({n}, {k})\nlook(data)')
    secs = in_process(start+f"data = fake({n}, {k})\nt = time.process_time()\nlook(data)\nprint(time.process_time()-t)")
    held = n*k*4/2**20
    note = f'would need {n*k*k*9/1e9:.0f} GB'
    return [result('interpret_titles', total, 200, 'lower', 'fastai ClassificationInterpretation', note, n, 'MB', k=k, predictions_mb=round(held, 1), cpu_seconds=round(secs, 2))]

@bench('interpret_boot')
def interpret_boot(n=50_000, k=100, n_boot=1000, rounds=3):
    "CPU seconds of the resampled counts per class from which all bootstrap intervals follow, against resampling the items"
    import numpy as np
    from fastclf.metrics import boot_counts
    rng = np.random.default_rng(0)
    targs = rng.integers(0, k, n)
    d = np.where(rng.random(n)<.75, targs, rng.integers(0, k, n))
    def plain(m=20):
        for _ in range(m):
            i = rng.integers(0, n, n)
            t,p = targs[i],d[i]
            for o in (t,p,t[t==p]): np.bincount(o, minlength=k)
    t = cpu_times(rounds, ours=lambda: boot_counts([d], targs, k, n_boot), peer=plain)
    note = f"{t['peer']*n_boot/20:.1f} s"
    return [result('interpret_boot', t['ours'], 1, 'lower', 'the same with numpy, resampling the items', note, n, 's', k=k, n_boot=n_boot, rounds=rounds)]

labels = '''
from bench.interpret import fake
from fastclf.report import report
from fastclf.preds import Preds
import gc, numpy as np
def make(n, k):
    p = fake(n, k)[0]
    p = (p/p.max(1, keepdims=True))**30
    return Preds(p, (np.random.default_rng(1).random((n,k), dtype=np.float32)<.8*p).astype(np.int8))
report(make(300, 40))
p = make({n}, {k})
gc.collect()
'''

@bench('interpret_labels')
def interpret_labels(n=63_680, k=632):
    "Peak memory of a whole report on several labels per item, above the predictions and their targets"
    peak = peak_mb(labels.format(n=n, k=k), 'report(p)')
    return [result('interpret_labels', peak, 200, 'lower', '0/1 targets and decisions as int64', f'{2*n*k*8/2**20:.0f} MB', n, 'MB', k=k)]
