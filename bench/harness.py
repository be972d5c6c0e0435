"""What every benchmark shares: a register, interleaved CPU timing, memory in a fresh process, and the form of a result.

A benchmark is a function with `@bench('name', ...)`; it returns one result per name, made by `result`.
It imports what it measures inside, so that listing the benchmarks costs nothing.
"""
import gc, json, os, subprocess, sys, time
from pathlib import Path

import numpy as np

registry = {}

def bench(*names):
    "Register a function under the names of the results that it returns"
    def _f(f):
        for o in names: registry[o] = f
        return f
    return _f

def result(name, value, target, better, peer, peer_value, n, unit='', **extra):
    "One result; `better` says which side of `target` is good: 'higher' or 'lower'"
    from fastclf.core import versions
    ok = value>=target if better=='higher' else value<=target
    return dict(name=name, value=round(float(value), 4), unit=unit, target=target, better=better, ok=bool(ok), peer=peer,
        peer_value=peer_value, n=n, **extra, cpus=os.cpu_count(), date=time.strftime('%Y-%m-%d'), versions=versions())

def cpu_times(rounds=5, **fs):
    "Least CPU seconds of each function over interleaved rounds, after one warm-up call of each"
    for f in fs.values(): f()
    best = dict.fromkeys(fs, float('inf'))
    for _ in range(rounds):
        for k,f in fs.items():
            gc.collect()
            t = time.process_time()
            f()
            best[k] = min(best[k], time.process_time()-t)
    return best

def mean_se(x):
    "Mean and standard error of scores, one per seed"
    x = np.asarray(x, dtype=float)
    return x.mean(),x.std(ddof=1)/np.sqrt(len(x))

measure_memory = '''
import json
def _mb(key): return [int(l.split()[1])/1024 for l in open('/proc/self/status') if l.startswith(key)][0]
{setup}
open('/proc/self/clear_refs', 'w').write('5')
_before = _mb('VmRSS')
{code}
print(json.dumps(_mb('VmHWM')-_before))
'''

def in_process(code):
    "What `code` prints last in a fresh Python process, read as JSON"
    env = dict(os.environ, OMP_NUM_THREADS='1', OMP_WAIT_POLICY='PASSIVE', PYTHONPATH=str(Path(__file__).parent.parent))
    res = subprocess.run([sys.executable, '-W', 'ignore', '-c', code], capture_output=True, text=True, env=env)
    if res.returncode: raise RuntimeError(f'the measured process failed:\n{res.stderr[-2000:]}')
    return json.loads(res.stdout.strip().splitlines()[-1])

def peak_mb(setup, code):
    "Peak of resident memory in MB that `code` adds to what `setup` left, in a fresh process (Linux)"
    return in_process(measure_memory.format(setup=setup, code=code))

def show(results):
    "Print the results as a table"
    sign = dict(higher='>=', lower='<=')
    rows = [(r['name'], f"{r['value']:g} {r['unit']}".strip(), f"{sign[r['better']]} {r['target']}", 'ok' if r['ok'] else 'MISSED', f"{r['peer']}: {r['peer_value']}") for r in results]
    rows = [('name','value','target','','peer')] + rows
    width = [max(len(str(r[i])) for r in rows) for i in range(5)]
    for r in rows: print('  '.join(str(o).ljust(w) for o,w in zip(r, width)).rstrip())
