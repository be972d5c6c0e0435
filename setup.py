"Hand settings.ini to setuptools; the version is read from fastclf/__init__.py without importing it"
import re, sys
from configparser import ConfigParser
from pathlib import Path
from setuptools import find_packages, setup

here = Path(__file__).parent
cfg = ConfigParser(delimiters=['='], interpolation=None)
cfg.read(here/'settings.ini', encoding='utf-8')
cfg = cfg['DEFAULT']
version = re.search(r'__version__ = "(.+)"', (here/'fastclf/__init__.py').read_text(encoding='utf-8'))[1]
extras = {k.removesuffix('_requirements'): v.split() for k,v in cfg.items() if k.endswith('_requirements')}
scripts = cfg['console_scripts'].split()
# nbdev 3 spells its commands with hyphens; contributors also get the underscores. No wheel carries them.
nbdev = dict(test='test:nbdev_test', export='doclinks:nbdev_export', clean='clean:nbdev_clean', prepare='quarto:prepare')
if 'editable_wheel' in sys.argv: scripts += [f'nbdev_{k}=nbdev.{v}' for k,v in nbdev.items()]
status = {'3':'3 - Alpha', '4':'4 - Beta', '5':'5 - Production/Stable'}[cfg['status']]

setup(
    version=version,
    license=cfg['license'],
    author=cfg['author'],
    author_email=cfg['author_email'],
    keywords=cfg['keywords'].split(),
    classifiers=[f'Development Status :: {status}', 'Programming Language :: Python :: 3', 'Framework :: Jupyter'],
    long_description=(here/'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    packages=find_packages(include=['fastclf*']) + ['fastclf.tutorials'],
    package_dir={'fastclf.tutorials':'nbs/tutorials'}, # the demo runs a notebook, so the notebook is in the wheel
    package_data={'fastclf.tutorials':['00_quickstart.ipynb']},
    install_requires=cfg['requirements'].split(),
    extras_require=extras,
    entry_points=dict(console_scripts=scripts, nbdev=['fastclf=fastclf._modidx:d']))
