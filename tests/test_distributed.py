"Two CPU processes train one model: every item once, and the numbers of one process"
import json, os, subprocess, sys
from pathlib import Path

import pytest

pytest.importorskip('accelerate')

script = '''
import json, random, sys, tempfile, warnings
import numpy as np, pandas as pd, torch
from torch import nn
from fastai.basics import *
from fastai.callback.schedule import *
from fastclf.callback.guard import Guard
from fastclf.callback.log import JsonLog
from fastclf.callback.snapshot import KeepBest
from fastclf.builder import class_learner
from fastclf.data.examples import toy_texts
from fastclf.data.sampler import sampled
from fastclf.distributed import several_gpus
from fastclf.learner import history, predict, wrap_learner
from fastclf.lean import LeanLearner
from fastclf.losses import CrossEntropy
from fastclf.metrics import *
from fastclf.text.data import text_dls
from fastclf.text.learner import text_classifier
out = Path(sys.argv[1])
rank,ranks = rank_distrib(),max(num_distrib(), 1)
res = {}

class Seen(Callback):
    "Which items this process trains on, per epoch"
    def before_fit(self): self.items,self.ys = [],[]
    def before_train(self): self.items.append([]), self.ys.append([])
    def before_batch(self):
        if self.training:
            self.items[-1] += self.x[:,-1].int().tolist()
            self.ys[-1] += self.y.tolist()

def toy(n=101, bs=16, sampler=None, seed=0):
    g = torch.Generator().manual_seed(0)
    x = torch.cat([torch.randn(n, 3, generator=g), torch.arange(n)[:,None].float()], 1)
    y = (x[:,0]>.8).long()
    items = list(zip(x, y))
    dls = DataLoaders(DataLoader(items, bs=bs//ranks, shuffle=True, drop_last=True), DataLoader(items, bs=10, device='cpu'))
    dls.vocab = ['a','b']
    if sampler: dls = sampled(dls, sampler)
    dls.train.rng = random.Random(seed+rank)
    torch.manual_seed(5+rank)
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.f = nn.Sequential(nn.Linear(3,8), nn.ReLU(), nn.Linear(8,2))
        def forward(self, x): return self.f(x[:,:3])
    return class_learner(dls, Net(), loss=CrossEntropy(), opt_func=SGD, path=out)

def weights(learn): return torch.cat([o.flatten() for o in learn.model.state_dict().values()]).tolist()

torch.manual_seed(0)
learn = toy()
seen = Seen()
with several_gpus(learn):
    learn.fit_one_cycle(2, .1, cbs=[seen, Guard(), JsonLog(), KeepBest('accuracy', load=False)])
    inside = predict(learn)
    train = predict(learn, 'train')
    gp = learn.get_preds()
res['items'],res['losses'] = seen.items,history(learn)[['train_loss','valid_loss','accuracy','balanced_accuracy_score','f1_score']].values.tolist()
res['weights'],res['len'] = weights(learn),len(learn.dls.train)
plain = predict(learn)
res['valid'] = [float(o) for o in learn.validate()]
res['same'] = [bool(np.allclose(inside.probs, plain.probs, atol=1e-6)), bool((inside.targs==plain.targs).all()), bool(np.allclose(gp[0], plain.probs, atol=1e-6)),
    bool(np.allclose(train.probs, plain.probs, atol=1e-6)), type(learn.model).__name__=='Net', type(learn.dls.train).__name__]

learn,seen = toy(sampler='deferred'),Seen()
with several_gpus(learn): learn.fit(4, .1, cbs=seen)
res['shares'] = [float(np.mean(o)) for o in seen.ys]

df = toy_texts(n=90, k=2)
dls = text_dls(df, 'text', 'label', bs=8)
dls.one_batch()
learn = class_learner(dls, nn.Sequential(nn.EmbeddingBag(5000, 4, padding_idx=dls.tokenizer.pad), nn.Linear(4,2)), path=out, loss=CrossEntropy())
rows = []
learn.add_cb(type('Rows', (Callback,), dict(before_batch=lambda self: rows.append(hash(tuple(map(tuple, self.x.tolist())))) if self.training else None))())
with several_gpus(learn):
    learn.fit(1, .01)
    a = predict(learn)
    t = predict(learn, df.head(11))
b,tb = predict(learn),predict(learn, df.head(11))
res['text'] = dict(n=len(rows), rows=rows, same=[bool(np.allclose(p.probs, q.probs, atol=1e-6)) and bool((p.targs==q.targs).all()) for p,q in ((a,b), (t,tb))], log=sorted(o.name for o in out.iterdir()))
(out/f'rank{rank}.json').write_text(json.dumps(res))
'''

two_processes = sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc_per_node', '2'

def _launch(folder, script, launcher, *args):
    "The finished process of `script`, which writes into `folder`"
    (folder/'job.py').write_text(script)
    env = dict(os.environ, OMP_NUM_THREADS='1', PYTHONHASHSEED='0', IN_TEST='1', PYTHONPATH=str(Path(__file__).parent.parent))
    return subprocess.run([*launcher, str(folder/'job.py'), str(folder), *args], capture_output=True, text=True, env=env, timeout=100)

def _run(folder, launcher, script=script, args=()):
    "What each process has written"
    folder.mkdir(exist_ok=True)
    got = _launch(folder, script, launcher, *args)
    assert not got.returncode, got.stderr[-6000:]
    return [json.loads(o.read_text()) for o in sorted(folder.glob('rank*.json'))]

@pytest.fixture(scope='module')
def runs(tmp_path_factory):
    "One process, and two: their results"
    d = tmp_path_factory.mktemp('ranks')
    two = _run(d/'two', two_processes)
    one = _run(d/'one', [sys.executable])
    return one[0],two

def test_every_item_once(runs):
    one,two = runs
    for a,b,whole in zip(*(o['items'] for o in two), one['items']):
        assert len(a)==len(b)==48 and not set(a)&set(b) and len(set(a+b))==96
        assert [i for j in range(0, 48, 8) for i in a[j:j+8]+b[j:j+8]]==whole

def test_numbers_of_one_process(runs):
    one,two = runs
    assert two[0]['weights']==two[1]['weights'] and two[0]['losses']==two[1]['losses']
    assert max(abs(p-q) for p,q in zip(two[0]['weights'], one['weights']))<1e-5
    assert all(abs(p-q)<1e-4 for a,b in zip(two[0]['losses'], one['losses']) for p,q in zip(a, b))
    assert all(abs(p-q)<1e-5 for p,q in zip(two[0]['losses'][-1][1:], two[0]['valid']))

def test_predictions_are_whole_and_in_order(runs):
    for o in runs[1]: assert o['same']==[True]*5+['DataLoader'] and o['text']['same']==[True]*2

def test_sampler_hears_of_the_epochs(runs):
    for o in runs[1]: assert max(o['shares'][:3])<.35 and abs(o['shares'][3]-.5)<.1

def test_texts_are_not_repeated(runs):
    a,b = (o['text'] for o in runs[1])
    assert a['n']==b['n']>2 and not set(a['rows'])&set(b['rows'])

def test_first_process_writes(runs):
    names = runs[1][0]['text']['log']
    assert names.count('log.jsonl')==1 and 'models' in names

broken = '''
import json, os, random, signal, sys, time
from fastai.basics import *
from fastai.callback.schedule import *
from fastclf.builder import class_learner
from fastclf.callback.resume import Resume
from fastclf.callback.snapshot import KeepBest, Snapshot, StopEarly
from fastclf.distributed import several_gpus
from fastclf.learner import history
from fastclf.losses import CrossEntropy
out,last = Path(sys.argv[1]),int(sys.argv[2])
rank = rank_distrib()

class Die(Callback):
    "Kill the second process when the first has written a point that the second has not"
    order = 100
    def after_batch(self):
        if not (self.training and rank and self.train_iter==last): return
        time.sleep(1)
        os.kill(os.getpid(), signal.SIGKILL)

torch.manual_seed(5+rank)
x = torch.randn(101, 4, generator=torch.Generator().manual_seed(0))
items = list(zip(x, (x[:,0]>.8).long()))
dls = DataLoaders(DataLoader(items, bs=8, shuffle=True, drop_last=True), DataLoader(items, bs=10, device='cpu'))
dls.vocab = ['a','b']
dls.train.rng = random.Random(1+rank)
net = nn.Sequential(nn.Linear(4,16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(.3), nn.Linear(16,2))
learn = class_learner(dls, net, loss=CrossEntropy(), path=out)
best,snap = KeepBest(),Snapshot(2, folder=out/'kept')
cbs = [Resume('run', every=2), best, snap, StopEarly('accuracy', 3), Die()]
with several_gpus(learn):
    for n in (2,3): learn.fit_one_cycle(n, .01, cbs=cbs)
res = dict(weights=torch.cat([o.flatten().float() for o in learn.model.state_dict().values()]).tolist(), files=[o.name for o in [best.file, *snap.paths]],
    rows=history(learn).drop(columns='seconds').values.tolist(), all=sorted(str(o.relative_to(out)) for o in out.rglob('*.safetensors') if o.parent.name in ('kept','models')))
(out/f'rank{rank}.json').write_text(json.dumps(res))
'''

def test_killed_processes_go_on_together(tmp_path):
    "Of two processes one is killed a point behind the other; typed again, both end with the weights and records of a run without the kill"
    whole = _run(tmp_path/'whole', two_processes, broken, ['-1'])
    assert whole[0]['weights']==whole[1]['weights']
    assert whole[0]['all']==['kept/stage1.safetensors','kept/stage2.safetensors','kept/stage3.safetensors','kept/stage4.safetensors','models/best.safetensors']
    d = tmp_path/'killed'
    d.mkdir()
    assert _launch(d, broken, two_processes, '16').returncode
    points = [sorted(o.name for o in f.glob('point*')) for f in (d/'run', d/'run'/'process2')]
    assert points[0][0]==points[1][-1] and points[0][-1]>points[1][-1]
    got = _launch(d, broken, two_processes, '-1')
    assert not got.returncode and got.stdout.count('resuming run: fit 2, epoch 3, 2 batches done')==1, got.stderr[-6000:]
    assert [json.loads((d/f'rank{i}.json').read_text()) for i in (0,1)]==whole
