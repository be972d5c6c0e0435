"What is exported, how, and what importing it costs"
import importlib, json, pkgutil, re, subprocess, sys
from pathlib import Path

import fastclf

root = Path(__file__).parent.parent
modules = [m.name for m in pkgutil.walk_packages(fastclf.__path__, 'fastclf.') if not m.ispkg and m.name not in ('fastclf.all','fastclf._modidx')]

def exported(): return {n:m for m in modules for n in importlib.import_module(m).__all__}

def test_no_name_of_fastai_or_fastcore():
    "A star import of ours must not take a name away from fastai, whatever the order of the imports"
    theirs = set()
    for m in ('fastai.vision.all','fastai.text.all','fastai.tabular.all','fastcore.all'): theirs |= set(dir(importlib.import_module(m)))
    # a module's name is no export: `fastai.callback.progress` and our `fastclf.preds` may both be seen as attributes
    clash = {n:m for n,m in exported().items() if n in theirs}
    assert not clash

def test_each_name_once():
    seen = {}
    for m in modules:
        for n in importlib.import_module(m).__all__: seen.setdefault(n, []).append(m)
    assert not {n:ms for n,ms in seen.items() if len(ms)>1}

def test_all_has_every_module():
    text = (root/'fastclf/all.py').read_text()
    assert not [m for m in modules if m!='fastclf.cli' and f'from {m} import *' not in text]

def test_public_names_are_documented():
    bad = [n for n,m in exported().items() if callable(o := getattr(importlib.import_module(m), n)) and not (o.__doc__ or '').strip()]
    assert not bad

def test_nothing_executes_on_load():
    "No pickle is written or read; torch.load only with weights_only"
    for f in (root/'fastclf').rglob('*.py'):
        src = f.read_text()
        assert not re.search(r'^\s*(import|from) (pickle|cloudpickle|dill|joblib)\b', src, re.M), f
        assert all('weights_only=True' in o for o in re.findall(r'torch\.load\(.*', src)), f
        assert 'allow_pickle=True' not in src, f

def test_heavy_packages_load_late():
    "The one import of a notebook leaves these to the functions that need them"
    code = "import sys, json\nimport fastclf.all\nprint(json.dumps([o for o in ('torchvision','timm','transformers','fastai.vision','fastai.text') if o in sys.modules]))"
    out = subprocess.run([sys.executable, '-W', 'ignore', '-c', code], capture_output=True, text=True, check=True)
    assert json.loads(out.stdout)==[]
