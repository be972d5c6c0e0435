"Runs that are killed go on bit-equal; two seeded runs are equal; a dropped Learner's memory comes back. `bench/resume.py` has the full count of kills"
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))
from bench.harness import in_process
from bench.resume import killed_run, plans, run_in_fork

@pytest.mark.parametrize('kind,nw', [('text',0), ('text_groups',0), ('crops',0), ('text',2)])
def test_killed_runs_end_bit_equal(kind, nw, tmp_path):
    "kill -9 between two batches, in validation and in the middle of a write"
    ref,_ = run_in_fork(kind, nw, tmp_path/'ref')
    for i,plan in enumerate(plans(3, seed=nw+1, kinds=('step','validation','write'))):
        res = killed_run(kind, nw, tmp_path/f'run{i}', plan)
        assert res['killed'], f'{plan} killed nothing'
        assert res['result']==ref, f'{kind}, {nw} workers, {plan}: another result'

def test_killed_in_the_run_that_resumes(tmp_path):
    "Killed twice, the second time after it went on"
    ref,_ = run_in_fork('text', 0, tmp_path/'ref')
    for at in (5,9): assert run_in_fork('text', 0, tmp_path/'run', dict(kind='step', event='after_step', at=at))[0] is None
    assert run_in_fork('text', 0, tmp_path/'run')[0]==ref

learner = '''
import gc, json
import torch
from fastai.basics import *
from fastclf.core import free_memory
from fastclf.lean import LeanLearner
def mb(): return [int(l.split()[1])/1024 for l in open('/proc/self/status') if l.startswith('VmRSS')][0]
def make():
    dls = DataLoaders.from_dsets([(torch.rand(8), torch.rand(8))]*8, [(torch.rand(8), torch.rand(8))]*8, bs=8)
    learn = LeanLearner(dls, nn.Sequential(nn.Linear(8,8), *[nn.Linear(256,256) for _ in range(600)]), MSELossFlat())
    learn.opt = Adam(learn.model.parameters(), 1e-3)
    for p in learn.model.parameters(): learn.opt.state[p]['avg'] = torch.ones_like(p)
    return learn
gc.disable()
before = mb()
learn = make()
held = mb()
del learn
dropped = mb()
free_memory()
print(json.dumps([before, held, dropped, mb()]))
'''

@pytest.mark.skipif(sys.platform!='linux', reason='reads /proc')
def test_a_dropped_learner_leaves_memory():
    "del alone gives nothing back, free_memory nine tenths"
    before,held,dropped,freed = in_process(learner)
    assert held-before>250
    assert dropped-before>.9*(held-before)
    assert freed-before<.1*(held-before)
