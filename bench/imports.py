"CPU time of the one import that starts a notebook, in fresh processes with warm file caches"
from bench.harness import bench, in_process, result

def cpu_import(module):
    "CPU seconds of a star import of `module` in a fresh process"
    return in_process(f"import time\nt = time.process_time()\nfrom {module} import *\nprint(time.process_time()-t)")

@bench('import_time')
def import_time(rounds=5):
    "`from fastclf.all import *` against `from fastai.vision.all import *`: least of interleaved rounds, after one to warm up"
    ours,peer = 'fastclf.all','fastai.vision.all'
    secs = {ours:[], peer:[]}
    for _ in range(rounds+1):
        for m in secs: secs[m].append(cpu_import(m))
    a,b = (min(secs[m][1:]) for m in (ours, peer))
    return [result('import_time', a/b, .75, 'lower', peer, f'{b:.2f} s CPU', rounds, ours=f'{a:.2f} s CPU')]
