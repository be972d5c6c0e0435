"The command runs the quickstart on the user's own images and texts"
import json

import pytest

from fastclf.all import digits_frame, load_preds, toy_texts
from fastclf.cli import main

scores = {'n','accuracy','balanced_accuracy','macro_f1','log_loss','seed','seconds'}

@pytest.fixture(autouse=True)
def few_epochs(monkeypatch): monkeypatch.setenv('IN_TEST', '1')

def checked(out, task, n):
    "The metrics of a run that must have left everything"
    assert 'Quickstart' in (out/'quickstart.html').read_text()
    assert json.loads((out/'quickstart.ipynb').read_text())['cells']
    report = out/'report'/task
    m = json.loads((report/'metrics.json').read_text())
    assert scores <= set(m['model']) and scores <= set(m['baseline']) and 'fastai' in m['versions']
    assert m['model']['n']==m['baseline']['n']==n
    assert len(load_preds(report/'preds.npz'))==n
    for o in ('*.csv','*.png','*.safetensors'): assert list(report.glob(o)), o
    return m

def test_own_images(tmp_path, capsys):
    df,folder = digits_frame(head=40, ir=4, test=5)
    df.rename(columns=dict(file='picture', label='digit', split='part')).to_csv(tmp_path/'labels.csv', index=False)
    assert main(['demo','--images',str(folder),'--labels',str(tmp_path/'labels.csv'),'--file','picture','--label','digit','--split','part','--out',str(tmp_path/'out')]) is None
    checked(tmp_path/'out', 'images', 50)
    assert not (tmp_path/'out/report/texts').exists()
    assert 'macro_f1' in capsys.readouterr().out

def test_own_texts(tmp_path):
    toy_texts(n=300, k=3, seed=0).rename(columns=dict(text='title', label='category')).to_csv(tmp_path/'t.csv', index=False)
    assert main(['demo','--texts',str(tmp_path/'t.csv'),'--text','title','--label','category','--out',str(tmp_path/'out')]) is None
    m = checked(tmp_path/'out', 'texts', 60)
    assert m['baseline']['accuracy']>.9

def test_failing_cell_is_shown(tmp_path):
    "A misspelt column ends in one error that names it, and what was run is kept"
    toy_texts(n=60, k=3, seed=0).to_csv(tmp_path/'t.csv', index=False)
    err = main(['demo','--texts',str(tmp_path/'t.csv'),'--label','lable','--out',str(tmp_path/'out')])
    assert 'lable' in err and (tmp_path/'out/quickstart.html').exists()
