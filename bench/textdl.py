"""Titles to padded batches: the whole way from strings, and the batches alone, against fastai, scikit-learn and torch, in one run.

The titles are synthetic: pseudo-Spanish words by Zipf's law, numbers and models, 4 to 11 words, 632 classes in a long tail; `FASTCLF_TITLES` names a
CSV file with real ones, as `file.csv:text column:label column`. All on one thread, in CPU time.
"""
import functools, os, warnings

import numpy as np, pandas as pd

from bench.harness import bench, cpu_times, result

syllables = 'ca sa pe lo ti ma ra no de con tra mi la to re ble gu en al ón ár cí ña que ver du pla bo fi jo te ro so ne lu zu'.split()

def made_titles(n, k=632, n_words=60_000, seed=0):
    "Titles and class names; each class has 12 words of its own"
    rng = np.random.default_rng(seed)
    word = lambda: ''.join(rng.choice(syllables, rng.integers(2, 5)))
    words = np.array([word() for _ in range(n_words)], dtype=object)
    numbers = np.array([f'{a}{u}' for a,u in zip(rng.integers(1, 2000, 4000), rng.choice(['','w','cm','gb','x','"',' kg','-'], 4000))], dtype=object)
    p = 1/np.arange(1, k+1)**.7
    y,own = rng.choice(k, n, p=p/p.sum()),rng.integers(200, n_words, (k,12))
    zipf = np.cumsum(1/np.arange(1, n_words+1)**1.05)
    def title(c):
        w = words[np.searchsorted(zipf, zipf[-1]*rng.random(rng.integers(4, 12)))]
        m = rng.integers(1, 4)
        w[:m] = words[own[c, rng.integers(0, 12, m)]]
        if rng.random()<.4: w[rng.integers(len(w))] = numbers[rng.integers(4000)]
        t = ' '.join(w).title() if rng.random()<.5 else ' '.join(w)
        return f'{t} - {t.split()[0].upper()}!' if rng.random()<.1 else t
    return pd.DataFrame(dict(text=[title(c) for c in y], label=[f'c{c}' for c in y]))

@functools.cache
def titles(n):
    "The frame of titles, rows of classes with fewer than three titles left out, and where it is from"
    if 'FASTCLF_TITLES' in os.environ:
        file,text,label = os.environ['FASTCLF_TITLES'].rsplit(':', 2)
        df,name = pd.read_csv(file).rename(columns={text:'text', label:'label'})[['text','label']].dropna(),os.path.basename(file)
        df = df.sample(n, replace=n>len(df), random_state=0)
    else: df,name = made_titles(n),'synthetic'
    return df[df.groupby('label').label.transform('size')>2].reset_index(drop=True),name

def our_dls(df, bs=256, **kwargs):
    "Our loaders, nearly all rows for training"
    from fastclf.text.data import text_dls
    held = df.index[~df.label.duplicated(keep='last')]
    return text_dls(df, 'text', 'label', (df.index.difference(held).to_numpy(), held.to_numpy()), bs=bs, device='cpu', min_freq=3, **kwargs)

def fastai_dls(df, bs=256):
    "The same by fastai's `TextDataLoaders`, tokenised in this process"
    from fastai.data.block import CategoryBlock, DataBlock
    from fastai.data.transforms import ColReader, RandomSplitter
    from fastai.text.data import TextBlock
    blocks = TextBlock.from_df('text', n_workers=0),CategoryBlock(vocab=sorted(set(df.label)))
    block = DataBlock(blocks, get_x=ColReader('text'), get_y=ColReader('label'), splitter=RandomSplitter(.01, seed=0))
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return block.dataloaders(df, bs=bs, num_workers=0, device='cpu')

def once(dl):
    "Go through a loader; the number of samples"
    return sum(len(b[1]) for b in dl)

def padding(dl, pad):
    "Share of padding in an epoch"
    n = [(int((b[0]==pad).sum()), b[0].numel()) for b in dl]
    return sum(a for a,_ in n)/sum(b for _,b in n)

@bench('text_end_to_end', 'text_vectorizer')
def end_to_end(n=40_000, small=4_000, rounds=3):
    "From strings to one epoch of padded batches: vocabulary, ids, batches; fastai on fewer titles, as it takes minutes"
    import torch
    from sklearn.feature_extraction.text import CountVectorizer
    torch.set_num_threads(1)
    df,name = titles(n)
    few = df[:small][lambda o: o.groupby('label').label.transform('size')>2].reset_index(drop=True)
    t = cpu_times(rounds, ours=lambda: once(our_dls(df).train), vectorizer=lambda: CountVectorizer().fit_transform(df.text))
    t |= cpu_times(1, few=lambda: once(our_dls(few).train), fastai=lambda: once(fastai_dls(few).train))
    rate = dict(ours=len(df)/t['ours'], vectorizer=len(df)/t['vectorizer'], few=len(few)/t['few'], fastai=len(few)/t['fastai'])
    rate = {k:round(v) for k,v in rate.items()}
    extra = dict(data=name, rounds=rounds, unit='x')
    return [result('text_end_to_end', rate['ours']/rate['fastai'], 20, 'higher', 'fastai TextDataLoaders', f"{rate['fastai']:,} titles per CPU-second, ours {rate['ours']:,}", len(df), peer_n=len(few), ours_same_n=rate['few'], **extra),
        result('text_vectorizer', rate['ours']/rate['vectorizer'], .9, 'higher', 'sklearn CountVectorizer', f"{rate['vectorizer']:,} titles per CPU-second, ours {rate['ours']:,}", len(df), **extra)]

def torch_loader(df, flat, lens, bs=256):
    "torch's DataLoader over a list of tensors, weighted, padded by `pad_sequence`"
    import torch
    from torch.utils.data import DataLoader, WeightedRandomSampler
    y = pd.factorize(df.label)[0]
    items = [(torch.from_numpy(o.astype(np.int64)), int(c)) for o,c in zip(np.split(flat, lens.cumsum()[:-1]), y)]
    def collate(b): return torch.nn.utils.rnn.pad_sequence([x for x,_ in b], batch_first=True),torch.tensor([c for _,c in b])
    return DataLoader(items, batch_size=bs, sampler=WeightedRandomSampler(1/np.bincount(y)[y], len(y)), collate_fn=collate)

@bench('text_batches', 'text_batches_torch')
def batches(n=100_000, small=4_000, rounds=5, bs=256):
    "An epoch of batches from texts that are ids already; ours bucketed and drawn balanced, fastai's bucketed, torch's weighted"
    import torch
    torch.set_num_threads(1)
    df,name = titles(n)
    few = df[:small].reset_index(drop=True)
    ours,theirs = our_dls(df, bs, sampler='balanced').train,fastai_dls(few, bs).train
    flat,lens,_ = ours.dataset.packed
    rows = ours.dataset.items
    peer = torch_loader(rows, flat, lens, bs)
    t = cpu_times(rounds, ours=lambda: once(ours), torch=lambda: once(peer)) | cpu_times(2, fastai=lambda: once(theirs))
    rate = {k:round(m/t[k]) for k,m in dict(ours=len(ours)*bs, torch=len(rows), fastai=len(theirs)*bs).items()}
    wasted = padding(ours, 0)
    extra = dict(data=name, rounds=rounds, unit='x', padding=round(wasted, 4), padding_torch=round(padding(peer, 0), 4))
    return [result('text_batches', rate['ours']/rate['fastai']*(wasted<=.02), 500, 'higher', 'fastai SortedDL', f"{rate['fastai']:,} titles per CPU-second, ours {rate['ours']:,}", len(rows), peer_n=len(few), **extra),
        result('text_batches_torch', rate['ours']/rate['torch'], 8, 'higher', 'torch DataLoader over lists', f"{rate['torch']:,} titles per CPU-second, ours {rate['ours']:,}", len(rows), **extra)]
