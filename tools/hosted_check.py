"Import every module and run the quickstart's path on small data; `make test-hosted` runs it on a hosted notebook's versions"
import importlib, json, os, pkgutil, sys, tempfile
from pathlib import Path

def main():
    "Returns nothing when all is well"
    os.environ['IN_TEST'] = '1' # small data, few epochs
    import fastclf
    from fastclf.core import versions
    print(versions())
    names = [m.name for m in pkgutil.walk_packages(fastclf.__path__, 'fastclf.')]
    for o in names: importlib.import_module(o)
    print(f'{len(names)} modules import')
    from fastclf.cli import run_quickstart
    with tempfile.TemporaryDirectory() as d:
        page = run_quickstart({}, d)
        for task in ('images','texts'):
            m = json.loads((Path(d)/'report'/task/'metrics.json').read_text())
            print(task, {k:m['model'][k] for k in ('n','accuracy','macro_f1')})
            if not 0<m['model']['accuracy']<=1: return f'{task}: no score'
        print(f'quickstart: {page.stat().st_size/1e6:.1f} MB of HTML')

if __name__=='__main__': sys.exit(main())
