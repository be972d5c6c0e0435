"Planted faults of bench/diagnosis.py on digits, fits that are healthy in ways that look odd, and every call that a finding tells the user to try"
import ast, contextlib, io, re, sys, warnings
from pathlib import Path

import numpy as np, pytest
from torch import nn

sys.path.insert(0, str(Path(__file__).parent.parent))
from bench.diagnosis import diagnosed, faults, same
from fastclf.datacauses import data_rules
from fastclf.fitcauses import fit_rules
from fastclf.symptoms import Seen

@pytest.mark.parametrize('name', ['rate_low', 'labels_shuffled', 'frozen_body', 'class_missing'])
def test_planted(name):
    cause,change = faults[name]
    assert cause in diagnosed('digits', change, 7)[0][:2]

def test_healthy(): assert diagnosed('digits', same, 7)[0]==[]

# --- what is told to try

trial = lambda same, high: {0.:1., .01:.9, .1:.5, 1.:same, 10.:high, 100.:high, 1000.:9.}
base = dict(train_left=.7, valid_left=.7, lr=.01, epochs=2, steps=100, own_base=2., zero_loss=2., train_base=2., valid_base=2., valid_over_chance=20.,
    train_over_chance=20., train_accuracy=.6, valid_accuracy=.6, train_loss=1., valid_loss=1., train_n=100, train_k=10, valid_k=10,
    valid_last=1., valid_best=1., train_last=1.)
unseen = {k:v for k,v in base.items() if k=='train_last' or not k.startswith('train')} # without the training predictions
cases = [
    dict(distinct=1, looked_at=9), dict(finite=False), dict(input_mean=1000., input_std=200.), dict(telling=1.), dict(doubles=.5, repeats=0.),
    dict(doubles=.5, repeats=.5), dict(neighbours=1., by_chance=.1), dict(renamed=.95, valid_accuracy=.1),
    dict(valid_over_chance=0., train_valid_accuracy_gap=.5), dict(valid_contradicted=.3, valid_second=.1, renamed=.6),
    dict(told=0., told_se=.1, twins=['1','2']), dict(missing=['3']), dict(n_rare=2, rare_n=50, common_recall=.9, rare_recall=.1),
    dict(n_rare=2, rare_n=50, common_recall=.9, rare_recall=.1, corrected='sampler'), dict(weakest=[('1', .1, 50)]), dict(shift=2., shift_ratio=9.),
    dict(train_valid_shares_v=.5, train_valid_shares_z=20.), dict(valid_test_accuracy_z=9., valid_test_accuracy_gap=.3, test_accuracy=.3),
    dict(train_valid_accuracy_z=-9., train_valid_accuracy_gap=-.3), dict(bad_epochs=1), dict(train_last=9.), dict(trial=trial(1.2, 9.)),
    dict(trial=trial(9., 9.)), dict(trial=trial(.99, .5)), dict(epochs=8, valid_falling=.2), dict(epochs=8, lr_moves=True, trial=trial(.5, .9)),
    dict(plateau_idle=True), dict(steps_per_epoch=1., bs=600), dict(bs=2, has_norm=True), dict(valid_wobble=.9),
    dict(train_falling=.1, valid_falling=0., valid_best_epoch=1, epochs=9, train_valid_accuracy_gap=.02), dict(stopped='ended'),
    dict(train_left=.5, train_falling=0., valid_falling=0.), dict(norms=[1.]*30+[999.]), dict(norms=[1e-9]*30), dict(body_frozen=1.), dict(head=0.),
    dict(dead=1., train_left=1., dead_layer='0'), dict(narrowest=2, n_weights=10), dict(norm_gap=3., batch_loss=.1, eval_loss=3.1),
    dict(outputs_sum_to_1=True), dict(decayed=.5, wd=50.), dict(dropout=.9), dict(train_last=1.5),
    dict(train_left=.01, train_valid_accuracy_gap=.3, train_valid_accuracy_z=9.), dict(first_loss=99.), dict(train_left=1., valid_over_chance=0.),
    dict(several=True, n_silent=9, n_labels=10, silent_auc=.8, macro_f1=.1), dict(epochs=9, valid_left=.95),
    dict(epochs=9, valid_last=3., valid_best_epoch=3, train_falling=.1)]

def remedies():
    "Each cause with what it tells the user to try, from numbers that set off every rule"
    found = [f(Seen(b|c)) for b in (base, unseen) for c in cases for f in [*data_rules, *fit_rules]]
    return {(o['finding'],o['try']) for o in found if o}

def calls(text):
    "The calls in a sentence: a dotted name and its brackets"
    for m in re.finditer(r'(?<![\w.(])[A-Za-z_][\w.]*\(', text):
        for end in range(m.end(), len(text)+1):
            with contextlib.suppress(SyntaxError):
                yield ast.unparse(ast.parse(text[m.start():end], mode='eval'))
                break

def test_every_rule_is_set_off():
    "The cases above reach each rule, so that no remedy escapes"
    for f in [*data_rules, *fit_rules]: assert any(f(Seen(b|c)) for b in (base, unseen) for c in cases), f.__name__

def test_every_finding_has_a_call():
    for cause,text in remedies(): assert list(calls(text)), (cause, text)

@pytest.fixture(scope='module')
def names(tmp_path_factory):
    "What a user has at hand: everything of the library, a frame, a Learner that was fitted, predictions"
    import fastclf.all as lib
    from fastai.callback.training import GradientClip
    warnings.simplefilter('ignore')
    df,folder = lib.digits_frame(ir=2, head=12, test=6)
    df['text'] = [f'this is item {i%50} of the class {o}' for i,o in enumerate(df.label)]
    body = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    splits = lib.stratified_split(df.label, valid=.3)
    dls = lib.vision_dls(df, 'file', 'label', folder, splits, size=8, bs=16, n_channels=1)
    learn = lib.vision_classifier(dls, body, pretrained=False, path=tmp_path_factory.mktemp('m'), normalize=False)
    with learn.no_bar(), learn.no_logging(): learn.fit(1, 1e-3)
    valid,priors = lib.predict(learn),lib.dls_mix(learn.dls)
    env = dict(vars(lib), GradientClip=GradientClip, df=df, items='text', labels='label', label='label', path=folder, learn=learn, valid=valid, priors=priors,
        counts=np.bincount(df.label.astype(int)), splits=splits, groups=np.arange(len(df)), table=valid.frame(probs=True).drop(columns=['id','pred','prob','loss']))
    return env

def test_every_call_runs(names):
    "No remedy names what does not exist, or gives it what it does not take"
    failed = {}
    for call in sorted({c for _,text in remedies() for c in calls(text)}):
        with contextlib.redirect_stdout(io.StringIO()), names['learn'].no_bar():
            try: eval(call, dict(names))
            except Exception as e: failed[call] = f'{type(e).__name__}: {e}'
    assert not failed, failed
