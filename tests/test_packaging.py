"The two files with metadata agree, and what is built installs and imports"
import os, re, subprocess, sys, sysconfig, tomllib, venv, zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest

root = Path(__file__).parent.parent

def settings():
    "settings.ini"
    cfg = ConfigParser(delimiters=['='], interpolation=None)
    cfg.read(root/'settings.ini')
    return cfg['DEFAULT']

def run(*args, **kwargs):
    "Run a command; its output is shown when it fails"
    res = subprocess.run([str(o) for o in args], capture_output=True, text=True, **kwargs)
    assert res.returncode==0, res.stdout[-3000:]+res.stderr[-3000:]
    return res.stdout

@pytest.fixture(scope='session')
def built(tmp_path_factory):
    "The sdist, and the wheel that is built from it"
    out = tmp_path_factory.mktemp('dist')
    run(sys.executable, '-m', 'build', '--outdir', out, root, cwd=out)
    return next(out.glob('*.tar.gz')),next(out.glob('*.whl'))

def test_fields_agree():
    proj,cfg = tomllib.loads((root/'pyproject.toml').read_text())['project'],settings()
    assert proj['name']==cfg['lib_name']
    assert proj['description']==cfg['description']
    assert proj['requires-python']=='>='+cfg['min_python']
    assert proj['urls']==dict(Repository=cfg['git_url'], Documentation=cfg['doc_url'])

def test_hard_dependencies():
    names = [re.split('[<>=]', o)[0] for o in settings()['requirements'].split()]
    assert names==['fastai','timm']

def test_commands():
    "An editable install has nbdev's commands with underscores as well"
    have = {o.name for o in Path(sysconfig.get_path('scripts')).iterdir()}
    assert {'fastclf','nbdev_test','nbdev_export','nbdev_clean','nbdev_prepare'} <= have

def test_wheel_contents(built):
    names = zipfile.ZipFile(built[1]).namelist()
    assert 'fastclf/tutorials/00_quickstart.ipynb' in names
    assert not [o for o in names if o.startswith(('tests/','bench/','tools/'))]
    scripts = zipfile.ZipFile(built[1]).read(next(o for o in names if o.endswith('entry_points.txt'))).decode()
    assert 'fastclf = fastclf.cli:main' in scripts and 'nbdev_test' not in scripts

def test_wheel_metadata(built):
    meta = zipfile.ZipFile(built[1]).read(next(o for o in zipfile.ZipFile(built[1]).namelist() if o.endswith('METADATA'))).decode()
    from fastclf import __version__
    assert f'Version: {__version__}\n' in meta and 'Requires-Dist: fastai>=2.8.7' in meta and 'Provides-Extra: text' in meta
    assert f"Project-URL: Repository, {settings()['git_url']}" in meta

def test_wheel_imports(built, tmp_path):
    "The wheel in a clean environment, which sees this one's packages but not its editable install"
    venv.create(tmp_path/'v', with_pip=False)
    site = next((tmp_path/'v').glob('lib/python*/site-packages'))
    run(sys.executable, '-m', 'pip', 'install', '-q', '--no-deps', '--target', site, built[1])
    (site/'packages.pth').write_text(sysconfig.get_path('purelib'))
    code = '''
import fastclf, importlib, pkgutil
assert 'site-packages' in fastclf.__file__, fastclf.__file__
names = [m.name for m in pkgutil.walk_packages(fastclf.__path__, 'fastclf.')]
for o in names: importlib.import_module(o)
from fastclf.cli import quickstart_path
assert 'site-packages' in str(quickstart_path()) and quickstart_path().exists()
print(len(names))'''
    n = int(run(tmp_path/'v/bin/python', '-c', code, cwd=tmp_path, env=dict(os.environ, MPLBACKEND='agg')))
    assert n >= len(list((root/'nbs/api').glob('*.ipynb')))
