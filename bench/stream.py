"""Memory and speed of a stream: five million synthetic titles of 632 classes in a CSV file, counted and gone through once.

The titles are made by this file: 3 to 12 words of 200,000 by Zipf's law, classes by a power law as in the task of the note
on product titles. The speed is compared with fastai's TextDataLoaders on a small part, and with a loader of the kind that
is usually written by hand: a torch IterableDataset with a shuffle buffer of single items.
"""
import csv, tempfile
from pathlib import Path

import numpy as np

from bench.harness import bench, in_process, peak_mb, result

def titles(n, k=632, n_words=200_000, seed=0):
    "Texts and classes of `n` titles"
    rng = np.random.default_rng(seed)
    words = np.array([f'w{i:x}' for i in range(n_words)], dtype=object)
    p = 1/np.arange(1, n_words+1)
    picks = np.searchsorted(np.cumsum(p/p.sum()), rng.random((n,12))).clip(max=n_words-1)
    shares = 1/np.arange(1, k+1)**.7
    ys = rng.choice(k, n, p=shares/shares.sum())
    return [' '.join(words[row[:m]]) for row,m in zip(picks, rng.integers(3, 13, n))],[f'CLASS_{y:03d}' for y in ys]

def write_titles(path, n, chunk=100_000):
    "Write `n` titles to a CSV file, a chunk at a time"
    with open(path, 'w', newline='') as f:
        out = csv.writer(f)
        out.writerow(['title','category'])
        for i in range(0, n, chunk): out.writerows(zip(*titles(min(chunk, n-i), seed=i)))

setup = '''
from fastclf.data.sources import TextStream, count_stream
from fastclf.data.stream import stream_dls
from fastclf.text.words import VocabTokenizer, word_tokens
'''
whole = '''
import time
imported = _mb('VmHWM')
start = time.process_time()
train,valid = (TextStream(o, 'title', 'category') for o in ({train!r}, {valid!r}))
counts = count_stream(train, word_tokens)
counted = time.process_time()-start
dls = stream_dls(train, valid, VocabTokenizer(['<pad>','<unk>',*counts.common()]), counts, bs=256)
start = time.process_time()
seen = sum(len(yb) for _,yb in dls.train)
took = time.process_time()-start
assert seen==counts.n=={n} and len(counts.classes)==632, (seen, counts.n, len(counts.classes))
open({notes!r}, 'w').write(f"{{counted}} {{took}} {{_mb('VmHWM')-imported}}")
'''

@bench('stream_memory')
def stream_memory(n=5_000_000):
    "Peak memory of a process that counts and goes through one epoch, the imports included"
    with tempfile.TemporaryDirectory() as d:
        train,valid = (str(Path(d)/f'{o}.csv') for o in ('train','valid'))
        write_titles(train, n)
        write_titles(valid, 20_000)
        notes = Path(d)/'notes.txt'
        mb = peak_mb('', setup+whole.format(train=train, valid=valid, n=n, notes=str(notes)))
        counted,took,added = map(float, notes.read_text().split())
        size = Path(train).stat().st_size/2**20
    return [result('stream_memory', mb, 1500, 'lower', 'the file itself, MB', round(size), n, 'MB', over_imports=round(added), classes=632,
        rows_counted_per_cpu_second=round(n/counted), rows_loaded_per_cpu_second=round(n/took))]

cpu = '''
import resource
def cpu(): return sum(o.ru_utime+o.ru_stime for o in map(resource.getrusage, (resource.RUSAGE_SELF,resource.RUSAGE_CHILDREN)))
'''
fastai_epoch = cpu+'''
import json, pandas as pd
from fastai.text.data import TextDataLoaders
start = cpu()
dls = TextDataLoaders.from_df(pd.read_csv({path!r}), path={folder!r}, text_col='title', label_col='category', valid_pct=.01, bs=256)
seen = sum(len(yb) for _,yb in dls.train)
print(json.dumps(seen/(cpu()-start)))
'''
hand_epoch = cpu+setup+'''
import csv, json, random, torch
from torch.nn.utils.rnn import pad_sequence
class Rows(torch.utils.data.IterableDataset):
    def __iter__(self):
        held = []
        with open({path!r}, newline='') as f:
            for row in csv.DictReader(f):
                ids,y = torch.tensor(tok.encode([row['title']])[0]),torch.tensor(codes[row['category']])
                if len(held)<10_000:
                    held.append((ids,y))
                    continue
                i = random.randrange(10_000)
                yield held[i]
                held[i] = ids,y
        random.shuffle(held)
        yield from held
def collate(items):
    xs,ys = zip(*items)
    return pad_sequence(xs, batch_first=True),torch.stack(ys)
counts = count_stream(TextStream({path!r}, 'title', 'category'), word_tokens)
tok,codes = VocabTokenizer(['<pad>','<unk>',*counts.common()]),{{c:i for i,c in enumerate(counts.classes)}}
start = cpu()
seen = sum(len(yb) for _,yb in torch.utils.data.DataLoader(Rows(), batch_size=256, collate_fn=collate))
by_hand = seen/(cpu()-start)
stream = TextStream({path!r}, 'title', 'category')
start = cpu()
seen = sum(len(yb) for _,yb in stream_dls(stream, TextStream({small!r}, 'title', 'category'), tok, counts, bs=256).train)
ours = seen/(cpu()-start)
start = cpu()
counts = count_stream(stream, word_tokens)
tok = VocabTokenizer(['<pad>','<unk>',*counts.common()])
seen = sum(len(yb) for _,yb in stream_dls(stream, TextStream({small!r}, 'title', 'category'), tok, counts, bs=256).train)
print(json.dumps(dict(by_hand=by_hand, ours=ours, counted=seen/(cpu()-start))))
'''

@bench('stream_speed', 'stream_speed_hand')
def stream_speed(n=30_000, rounds=3):
    "Titles of a CSV file to padded batches, samples per CPU second: counting and one epoch against fastai's loader, one epoch against a torch loader by hand"
    with tempfile.TemporaryDirectory() as d:
        path,small = (str(Path(d)/f'{o}.csv') for o in ('train','small'))
        write_titles(path, n)
        write_titles(small, 100)
        runs = [(in_process(fastai_epoch.format(path=path, folder=d)),in_process(hand_epoch.format(path=path, small=small))) for _ in range(rounds)]
    fastai = max(o for o,_ in runs)
    best = {k:max(o[k] for _,o in runs) for k in ('by_hand','ours','counted')}
    return [result('stream_speed', best['counted']/fastai, 20, 'higher', 'fastai TextDataLoaders, samples per CPU second', round(fastai), n, 'times', ours=round(best['counted'])),
        result('stream_speed_hand', best['ours']/best['by_hand'], 1, 'higher', 'torch IterableDataset with a buffer, the same tokenizer', round(best['by_hand']), n, 'times', ours=round(best['ours']))]
