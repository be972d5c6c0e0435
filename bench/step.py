"What a training step costs beside a plain loop with the same optimizer"
from .harness import bench, cpu_times, result

bs,width,k,layers,steps = 16,32,10,4,300

def _batches():
    import torch
    g = torch.Generator().manual_seed(0)
    return [(torch.randn(bs, width, generator=g), torch.randint(0, k, (bs,), generator=g)) for _ in range(steps)]

def _model():
    import torch
    from torch import nn
    torch.manual_seed(0)
    return nn.Sequential(*[o for _ in range(layers) for o in (nn.Linear(width, width), nn.ReLU())], nn.Linear(width, k))

class _Ready:
    "The cheapest loader a Learner takes: it yields batches that are ready"
    def __init__(self, batches): self.batches,self.dataset,self.n,self.bs = batches,range(len(batches)*bs),len(batches)*bs,bs
    def __len__(self): return len(self.batches)
    def __iter__(self): return iter(self.batches)

def _plain(batches, groups=True):
    "A plain loop with torch's fused AdamW; with `groups` the biases are left out of the decay, as a Learner does"
    import torch, torch.nn.functional as F
    model = _model().train()
    ps = list(model.parameters())
    if groups: ps = [dict(params=[p for p in ps if p.ndim>1]), dict(params=[p for p in ps if p.ndim==1], weight_decay=0.)]
    opt = torch.optim.AdamW(ps, lr=1e-3, weight_decay=.01, fused=True)
    def run():
        for xb,yb in batches:
            F.cross_entropy(model(xb), yb).backward()
            opt.step()
            opt.zero_grad()
    return run

def _learner(batches, cls, opt_func, loss):
    "One epoch of a Learner with its recorder, without bar and log"
    from fastai.callback.progress import ProgressCallback
    from fastai.data.core import DataLoaders
    from fastai.learner import noop
    learn = cls(DataLoaders(_Ready(batches), _Ready(batches[:1]), device='cpu'), _model(), loss_func=loss, opt_func=opt_func)
    learn.remove_cb(ProgressCallback)
    learn.logger = noop
    return lambda: learn.fit(1, 1e-3)

@bench('step_overhead')
def step_overhead():
    "A step of a tiny net through our Learner, as a multiple of a plain loop with the same fused optimizer"
    import torch
    from fastai.learner import Learner
    from fastai.losses import CrossEntropyLossFlat
    from fastai.optimizer import Adam
    from fastclf.lean import LeanLearner
    from fastclf.losses import CrossEntropy
    from fastclf.optimizer import fused_adamw
    torch.set_num_threads(1)
    b = _batches()
    t = cpu_times(9, plain=_plain(b), one_group=_plain(b, False), ours=_learner(b, LeanLearner, fused_adamw, CrossEntropy()),
        fastai_fused=_learner(b, Learner, fused_adamw, CrossEntropy()), fastai=_learner(b, Learner, Adam, CrossEntropyLossFlat()))
    us = {o:round(v/steps*1e6, 1) for o,v in t.items()}
    return [result('step_overhead', t['ours']/t['plain'], 1.45, 'lower', "plain loop, torch's fused AdamW, us a step", us['plain'], steps, 'times',
        ours_us=us['ours'], plain_one_group_us=us['one_group'], over_one_group=round(t['ours']/t['one_group'], 3),
        fastai_us=us['fastai'], fastai_with_our_optimizer_us=us['fastai_fused'])]
