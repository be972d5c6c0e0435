"What a step of Ranger and AdamW costs on torch's fused kernels, and whether it is the same step"
from .harness import bench, cpu_times, result

net,steps = 'resnet18',40

def _params(tiny=False):
    "The parameters of a ResNet-18 with gradients; `tiny` cuts each side to 2, so that only the calls cost"
    import torch
    from timm import create_model
    g = torch.Generator().manual_seed(0)
    with torch.device('meta'): shapes = [o.shape for o in create_model(net, num_classes=10).parameters()]
    shapes = [[min(o, 2) for o in s] if tiny else s for s in shapes]
    ps = [torch.nn.Parameter(torch.randn(*s, generator=g)) for s in shapes]
    for p in ps: p.grad = torch.randn(p.shape, generator=g)*1e-3
    return ps

def _many(step, n):
    def _f():
        for _ in range(n): step()
    return _f

def _times(tiny, n):
    "Milliseconds of a step of each optimizer, past RAdam's first steps"
    import torch
    from fastai.optimizer import Adam, ranger
    from fastclf.optimizer import fused_adamw, fused_ranger
    torch.set_num_threads(1)
    opts = dict(ranger=fused_ranger(_params(tiny), lr=1e-3), adamw=fused_adamw(_params(tiny), lr=1e-3), fastai_ranger=ranger(_params(tiny), lr=1e-3),
        fastai_adam=Adam(_params(tiny), lr=1e-3), torch_adamw=torch.optim.AdamW(_params(tiny), lr=1e-3, fused=True))
    return {k:round(v/n*1e3, 4) for k,v in cpu_times(9, **{k:_many(o.step, n) for k,o in opts.items()}).items()}

@bench('ranger_dispatch', 'ranger_real', 'ranger_fused')
def optimizer_steps():
    "A step over ResNet-18's parameters, one thread: tiny tensors and real sizes, against fastai and torch's fused AdamW"
    tiny,real = _times(True, 30),_times(False, 6)
    peer,dearer = "torch.optim.AdamW(fused=True), ms a step",max((tiny,real), key=lambda t: t['ranger']/t['torch_adamw'])
    faster = [result(f'ranger_{k}', t['fastai_ranger']/t['ranger'], target, 'higher', 'fastai ranger, ms a step', t['fastai_ranger'], 62, 'times', ms=t)
        for k,t,target in (('dispatch',tiny,6),('real',real,3))]
    return faster + [result('ranger_fused', dearer['ranger']/dearer['torch_adamw'], 1.25, 'lower', peer, dearer['torch_adamw'], 62, 'times',
        tiny=round(tiny['ranger']/tiny['torch_adamw'], 3), real=round(real['ranger']/real['torch_adamw'], 3), adamw_tiny=round(tiny['adamw']/tiny['torch_adamw'], 3),
        adamw_real=round(real['adamw']/real['torch_adamw'], 3))]

@bench('ranger_equal')
def same_steps():
    "Largest difference of any weight over 40 steps with the same gradients, rates and momenta moving: Ranger and AdamW against fastai's"
    import torch
    from fastai.optimizer import Adam, ranger
    from fastclf.optimizer import fused_adamw, fused_ranger
    def _worst(ours, theirs):
        sets,g,worst = [_params(True), _params(True)],torch.Generator().manual_seed(1),0.
        opts = [f(ps, lr=1e-2) for f,ps in zip((ours,theirs), sets)]
        for t in range(steps):
            for p,q in zip(*sets): p.grad,q.grad = (o := torch.randn(p.shape, generator=g)),o.clone()
            for o in opts:
                o.set_hypers(lr=1e-2*(1-t/steps), mom=.95-.002*t)
                o.step()
            worst = max(worst, *(float((p-q).detach().abs().max()) for p,q in zip(*sets)))
        return worst
    r,a = _worst(fused_ranger, ranger),_worst(fused_adamw, Adam)
    return [dict(result('ranger_equal', r, 1e-5, 'lower', 'fastai ranger, steps', steps, steps, 'largest difference', adamw=a), value=r)]
