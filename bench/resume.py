"Runs that are killed with kill -9 and typed again: are they bit-equal to the run that was not killed?"
import hashlib, json, os, random, signal, tempfile, time, warnings
from importlib import import_module
from pathlib import Path

from .harness import bench, result

n_kills = 54

def _image_dls(path, nw, crops=False):
    "45 images; with `crops` each is cut at random by the process that loads it, else the batch by the main process"
    from fastclf.vision.batch import CropFlip
    from fastclf.vision.data import vision_dls
    import numpy as np, pandas as pd
    from PIL import Image
    folder = path/'images'
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for i in range(60):
        if not (folder/f'{i}.png').exists(): Image.fromarray((rng.random((12,12,3))*120+i%3*60).astype('u1')).save(folder/f'{i}.png')
    df = pd.DataFrame(dict(file=[f'{i}.png' for i in range(60)], label=[f'c{i%3}' for i in range(60)]))
    from fastai.vision.augment import RandomResizedCrop
    how = dict(item_tfms=RandomResizedCrop(10, min_scale=.4)) if crops else dict(size=12, batch_tfms=CropFlip(10), cache=False)
    return vision_dls(df, 'file', 'label', folder, (range(45),range(45,60)), bs=4, num_workers=nw, sampler='sqrt', device='cpu', **how)

def _text_dls(path, nw):
    from fastclf.text.data import text_dls
    import numpy as np, pandas as pd
    rng = np.random.default_rng(0)
    texts = [' '.join(rng.choice(list('abcdefgh'), rng.integers(3,30)))+' xyz'[i%3] for i in range(80)]
    df = pd.DataFrame(dict(text=texts, label=[f'c{i%3}' for i in range(80)]))
    return text_dls(df, 'text', 'label', (range(60),range(60,80)), bs=5, device='cpu', num_workers=nw)

def _net(kind, dls):
    from torch import nn
    if kind.startswith('text'): return nn.Sequential(nn.EmbeddingBag(len(dls.tokenizer.vocab), 8), nn.LayerNorm(8), nn.Dropout(.2), nn.Linear(8,3))
    return nn.Sequential(nn.Conv2d(3,6,3,2), nn.BatchNorm2d(6), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(.2), nn.Linear(6,3))

def _killer(plan):
    "A callback that kills the process at the place that `plan` names"
    from fastai.callback.core import Callback
    class Killer(Callback):
        "Kill this process when an event has come so many times in training, or in validation"
        order = 70
        def __init__(self): self.left = dict(plan or {}).get('at', 0)
        def at(self, name):
            if plan is None or plan.get('event')!=name or self.learn.training==(plan['kind']=='validation'): return
            self.learn.killer.left -= 1
            if self.learn.killer.left==0: os.kill(os.getpid(), signal.SIGKILL)
        def before_batch(self): self.at('before_batch')
        def after_pred(self): self.at('after_pred')
        def after_step(self): self.at('after_step')
        def after_batch(self): self.at('after_batch')
    return Killer()

def _broken_disk(at):
    "From now on, the `at`th state that is written kills the process when half of it is on the disk"
    import safetensors.torch as st
    whole,n = st.save_file,[0]
    def save_file(tensors, file, metadata=None):
        n[0] += 'point' in str(file)
        if n[0]<at: return whole(tensors, file, metadata=metadata)
        data = st.save(tensors, metadata=metadata)
        Path(file).write_bytes(data[:len(data)//2])
        os.kill(os.getpid(), signal.SIGKILL)
    st.save_file = save_file

def run(kind, nw, path, plan=None):
    "The run, as a cell would type it: build, fit in two phases ('text_groups': a step for two to three batches); a digest of all that it leaves"
    import torch
    from fastai.callback.mixup import MixUp
    from fastai.learner import noop
    from fastai.losses import CrossEntropyLossFlat
    from fastai.metrics import accuracy
    from fastai.torch_core import set_seed
    from fastclf.all import History, LeanLearner, Snapshot, fit_phases, fused_ranger
    from fastclf.callback.accumulate import Accumulate
    from fastclf.callback.resume import Resume
    torch.set_num_threads(1)
    set_seed(7)
    dls = _text_dls(path.parent, nw) if kind.startswith('text') else _image_dls(path.parent, nw, kind=='crops')
    learn = LeanLearner(dls, _net(kind, dls), CrossEntropyLossFlat(), opt_func=fused_ranger, path=path, cbs=History)
    learn.metrics,learn.logger,learn.create_mbar = [accuracy],noop,False
    if plan and plan['kind']=='write': _broken_disk(plan['at'])
    cbs = [Resume('points', every=2), _killer(plan), *{'text':[], 'text_groups':[Accumulate(12)]}.get(kind, [MixUp(.4)])]
    res = fit_phases(learn, [(None,2,2e-2),(None,1,1e-2)], monitor='accuracy', snap=Snapshot(), cbs=cbs)
    return digest(learn, res)

def digest(learn, res):
    "Hashes of weights, optimizer, records, files and random states"
    import torch
    from fastclf.state import _read
    h = lambda *ts: hashlib.sha256(b''.join(torch.as_tensor(t).detach().double().cpu().numpy().tobytes() for t in ts)).hexdigest()[:16]
    opt = [v for p in learn.opt.param_lists.concat() for v in learn.opt.state[p].values()]
    files = [h(*_read(f).values()) for f in [res.best, *res.snapshots]]
    hist = res.history.drop(columns='seconds').to_dict('list')
    return dict(weights=h(*learn.model.state_dict().values()), opt=h(*opt), losses=h(*learn.recorder.losses), lrs=h(learn.recorder.lrs), files=files,
        history=hashlib.sha256(repr(hist).encode()).hexdigest()[:16], rows=len(res.history), note=res.note, rng=h(torch.get_rng_state()), py=random.random())

def run_in_fork(kind, nw, path, plan=None, kill_after=None):
    "Run in a forked process: its result, or None if it was killed, and the seconds it took"
    for o in ('fastclf.all','fastclf.callback.resume','fastai.callback.mixup','fastai.vision.augment'): import_module(o) # once, not in each fork
    out,t = path.parent/f'{path.name}.json',time.time()
    pid = os.fork()
    if pid==0:
        try:
            warnings.simplefilter('ignore')
            log = os.open(path.parent/f'{path.name}.log', os.O_WRONLY|os.O_CREAT|os.O_TRUNC)
            os.dup2(log, 1), os.dup2(log, 2)
            out.write_text(json.dumps(run(kind, nw, path, plan)))
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
        finally: os._exit(0)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(pid, signal.SIGKILL)
    _,status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status): return None,time.time()-t
    if os.waitstatus_to_exitcode(status): raise RuntimeError((path.parent/f'{path.name}.log').read_text()[-2000:])
    return json.loads(out.read_text()),time.time()-t

def plans(n, seed, kinds=('step','time','validation','write')):
    "Places to kill at"
    rng = random.Random(seed)
    for i in range(n):
        kind = kinds[i%len(kinds)]
        yield dict(step=lambda: dict(kind=kind, event=rng.choice('before_batch after_pred after_step after_batch'.split()), at=rng.randint(1,33)),
            validation=lambda: dict(kind=kind, event='after_pred', at=rng.randint(1,4)), write=lambda: dict(kind=kind, at=rng.randint(1,14)),
            time=lambda: dict(kind=kind, share=rng.random()))[kind]()

def killed_run(kind, nw, path, plan, seconds=None):
    "A run that is killed as `plan` says, and typed again until it ends: result and number of kills"
    path.parent.mkdir(parents=True, exist_ok=True)
    res,_ = run_in_fork(kind, nw, path, plan, plan['share']*seconds if plan['kind']=='time' else None)
    killed = res is None
    if killed: res,_ = run_in_fork(kind, nw, path)
    return dict(result=res, killed=killed)

@bench('resume_exact')
def resume_exact():
    "Share of killed runs that end bit-equal to the one that was not killed"
    seen,equal,seed,by = 0,0,0,{}
    with tempfile.TemporaryDirectory() as d:
        for i,(kind,nw) in enumerate((kind, nw) for kind in ('image','crops','text') for nw in (0,2)):
            d0 = Path(d)/f'{kind}{nw}'
            d0.mkdir()
            ref,seconds = run_in_fork(kind, nw, d0/'ref')
            for j,plan in enumerate(plans(n_kills//6, seed=i)):
                res = killed_run(kind, nw, d0/f'run{j}', plan, seconds)
                if not res['killed']: continue
                ok = res['result']==ref
                seen,equal = seen+1,equal+ok
                by.setdefault(plan['kind'], []).append(int(ok))
                if not ok: print(kind, nw, plan, {k:(v,ref[k]) for k,v in res['result'].items() if v!=ref[k]})
    return [result('resume_exact', equal/seen, 1, 'higher', 'kills survived bit-equal / kills', f'{equal}/{seen}', seen, '', **{f'in_{k}':f'{sum(v)}/{len(v)}' for k,v in by.items()})]
