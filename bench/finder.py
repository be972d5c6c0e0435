"What a rate finder costs beside its training steps"
from .harness import bench, cpu_times, result

n_it,bs,parts = 8,4,12

class _Ready:
    "The cheapest loader a Learner takes: it yields batches that are ready"
    def __init__(self, batches): self.batches,self.dataset,self.n,self.bs = batches,range(len(batches)*bs),len(batches)*bs,bs
    def __len__(self): return len(self.batches)
    def __iter__(self): return iter(self.batches)

def _net(torch):
    "12.6 M weights, of which the forward pass reads few, so that the steps hide as little as possible"
    class Wide(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.wide = torch.nn.ParameterList([torch.nn.Parameter(torch.randn(1024, 1024)*.01) for _ in range(parts)])
            self.last = torch.nn.Linear(8, 3)
        def forward(self, x): return self.last(x)+0*sum(w[0,0] for w in self.wide)
    return Wide()

def _learner(folder, opt_func):
    "A Learner without bar and log that has been fitted for one epoch"
    import torch
    from fastai.callback.progress import ProgressCallback
    from fastai.data.core import DataLoaders
    from fastai.learner import Learner, noop
    from fastai.losses import CrossEntropyLossFlat
    batches = [(torch.randn(bs, 8), torch.randint(0, 3, (bs,))) for _ in range(n_it)]
    learn = Learner(DataLoaders(_Ready(batches), _Ready(batches[:1]), device='cpu'), _net(torch), loss_func=CrossEntropyLossFlat(), opt_func=opt_func, path=folder)
    learn.remove_cb(ProgressCallback)
    learn.logger = noop
    learn.fit(1, 1e-6)
    return learn

def _copies(learn):
    "Weights and momentum copied there and back, which no finder that trains in place can do without"
    import torch
    ts = [o.detach() for p in learn.model.parameters() for o in (p, *[v for v in learn.opt.state[p].values() if isinstance(v, torch.Tensor)])]
    def _f():
        for o,kept in [(o, o.clone()) for o in ts]: o.copy_(kept)
    return _f

def _fixed(fresh, folder):
    "CPU milliseconds of both finders beyond those of a fit of as many batches, and of the copies alone"
    from functools import partial
    from fastai.callback.core import Callback, CancelValidException
    from fastai.optimizer import SGD
    from fastclf.finder import find_lr
    class NoValid(Callback):
        def before_validate(self): raise CancelValidException
    learn = _learner(folder, partial(SGD, mom=.9))
    def run(f):
        def _f():
            if fresh:
                learn.opt = None
                for p in learn.model.parameters(): p.grad = None
            f()
        return _f
    t = cpu_times(15, steps=run(lambda: learn.fit(1, 1e-6, cbs=NoValid())), ours=run(lambda: find_lr(learn, num_it=n_it)),
        fastai=run(lambda: learn.lr_find(num_it=n_it, stop_div=False, show_plot=False)), copies=_copies(learn))
    return {k:round((t[k]-(0 if k=='copies' else t['steps']))*1e3, 1) for k in ('ours','fastai','copies')}

@bench('finder_cost')
def finder_cost():
    "Fixed cost of the rate finder for 12.6 M weights: CPU time beyond that of a fit of as many batches, neither draws a picture"
    import tempfile, torch
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as d: used,new = [_fixed(fresh, d) for fresh in (False,True)]
    return [result('finder_cost', used['fastai']/used['ours'], 20, 'higher', "fastai lr_find after a fit with momentum, ms", used['fastai'], 15, 'times',
        ours_ms=used['ours'], copies_alone_ms=used['copies'], new_learner_fastai_ms=new['fastai'], new_learner_ours_ms=new['ours'])]
