"""Time and memory of drawing the item indices of a weighted epoch, against fastai's `WeightedDL` and a plain shuffle by torch.

The data: `n` items of 632 classes in a long tail, drawn balanced. Ours is `get_idxs` of the loader that `sampled` gives, the peer's is
`get_idxs` of a `WeightedDL` with weights 1 over the size of the class. All on one thread.
"""
from bench.harness import bench, cpu_times, in_process, result

peer = 'fastai WeightedDL.get_idxs'

def labels(n, k=632, seed=0):
    "Class indices `(n,)` with class shares that fall as rank ** -0.8"
    import numpy as np
    p = 1/np.arange(1, k+1)**.8
    return np.random.default_rng(seed).choice(k, n, p=p/p.sum()).astype(np.int32)

def our_loader(n):
    "A loader over `range(n)` drawn balanced"
    from fastai.data.core import DataLoaders, TfmdDL
    from fastclf.data.sampler import sampled
    dl = TfmdDL(range(n), bs=64, shuffle=True, num_workers=0)
    dl.targs = labels(n)
    dls = DataLoaders(dl, dl)
    dls.vocab = [str(i) for i in range(632)]
    return sampled(dls, 'balanced').train

def fastai_loader(n):
    "The same by fastai"
    import numpy as np
    from fastai.callback.data import WeightedDL
    y = labels(n)
    return WeightedDL(range(n), bs=64, wgts=(1/np.maximum(np.bincount(y), 1))[y], shuffle=True, num_workers=0)

def check_balanced(idxs, n):
    "Raise unless every class comes `n/632` times, to one"
    import numpy as np
    got = np.bincount(labels(n)[idxs], minlength=632)
    if len(idxs)!=n or got.min()<n//632 or got.max()>-(-n//632): raise AssertionError(f'the draw is not balanced: {got.min()} to {got.max()} items a class')

def against_fastai(name, n, target, rounds):
    "CPU time of one epoch's indices, both ways, in interleaved rounds"
    import torch
    torch.set_num_threads(1)
    ours,theirs = our_loader(n),fastai_loader(n)
    check_balanced(ours.get_idxs(), n)
    t = cpu_times(rounds, ours=ours.get_idxs, peer=theirs.get_idxs)
    ns = {k:v/n*1e9 for k,v in t.items()}
    return [result(name, t['peer']/t['ours'], target, 'higher', peer, f"{ns['peer']:.0f} ns against {ns['ours']:.1f} ns an index", n, 'x', k=632, rounds=rounds)]

@bench('index_draw_1e6')
def index_draw_1e6(): return against_fastai('index_draw_1e6', 10**6, 15, 9)

@bench('index_draw_1e7')
def index_draw_1e7(): return against_fastai('index_draw_1e7', 10**7, 40, 3)

@bench('index_draw_randperm')
def index_draw_randperm(n=10**6, rounds=25):
    "CPU time of one balanced epoch's indices against a shuffle of as many"
    import torch
    torch.set_num_threads(1)
    ours = our_loader(n)
    check_balanced(ours.get_idxs(), n)
    t = cpu_times(rounds, ours=ours.get_idxs, peer=lambda: torch.randperm(n))
    ns = {k:v/n*1e9 for k,v in t.items()}
    return [result('index_draw_randperm', t['ours']/t['peer'], 1.6, 'lower', 'torch.randperm', f"{ns['peer']:.1f} ns, ours {ns['ours']:.1f} ns an index", n, 'x', k=632, rounds=rounds)]

held = '''
import ctypes, gc, json
from bench.draws import our_loader, fastai_loader
dl = {name}({n})
small = {name}(1000).get_idxs()
def rss():
    gc.collect()
    ctypes.CDLL('libc.so.6').malloc_trim(0)
    return int(open('/proc/self/statm').read().split()[1])*4096
before = rss()
idxs = dl.get_idxs()
epoch = (rss()-before)/{n}
import numpy as np
arrays = lambda o: o.nbytes if isinstance(o, np.ndarray) else sum(map(arrays, vars(o).values())) if type(o).__name__=='EpochDraw' else 0
print(json.dumps([sum(map(arrays, [v for k,v in vars(dl).items() if k!='targs']))/{n}, epoch]))
'''

@bench('index_bytes')
def index_bytes(n=10**7):
    "Bytes per index that the loader keeps for drawing, and that an epoch's indices take (resident memory without what is free in the heap); the larger of the two counts"
    (o,e),(po,pe) = (in_process(held.format(name=f, n=n)) for f in ('our_loader','fastai_loader'))
    return [result('index_bytes', max(o, e), 4.8, 'lower', 'fastai WeightedDL', f'{max(po, pe):.1f} bytes', n, 'bytes', kept=round(o, 2), epoch=round(e, 2), peer_kept=round(po, 2), peer_epoch=round(pe, 2))]
