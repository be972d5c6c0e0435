"""Run benchmarks.

    python -m bench                 all
    python -m bench NAME...         some
    python -m bench --list          their names
    python -m bench --keep [NAME..] also append the results to bench/results/NAME.jsonl
"""
import importlib, json, pkgutil, sys
from pathlib import Path

import bench
from bench.harness import registry, show

def main(args):
    "Run the benchmarks named in `args`; the last line is the last result as JSON"
    for m in pkgutil.iter_modules(bench.__path__):
        if m.name not in ('harness','__main__'): importlib.import_module(f'bench.{m.name}')
    keep,names = '--keep' in args,[o for o in args if not o.startswith('--')] or sorted(registry)
    if '--list' in args: return print('\n'.join(sorted(registry)))
    unknown = [o for o in names if o not in registry]
    if unknown: return f"no benchmark {unknown}; there are {sorted(registry)}"
    results = [r for f in dict.fromkeys(registry[o] for o in names) for r in f() if r['name'] in names]
    show(results)
    folder = Path(__file__).parent/'results'
    for r in results:
        line = json.dumps(r)
        if keep: (folder/f"{r['name']}.jsonl").open('a').write(line+'\n')
        print(line)

if __name__=='__main__': sys.exit(main(sys.argv[1:]))
