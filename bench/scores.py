"""Macro-F1 of the library's models on seven open sets, mean and standard error over seeds, beside the table of classical baselines.

The sets are not part of the project: `FASTCLF_DATA` names a folder with one folder each. Sets and licences: BANKING77 (CC BY 4.0),
CLINC150 (CC BY 3.0), HWU64 (CC BY 4.0), film genres (CC BY-SA, Wikipedia), clothing (CC0), groceries (MIT), digits of meters (Apache-2.0).
Every seed trains on the same rows, chooses its best epoch on the same validation rows and is scored on the same test rows; baselines are
fitted once. Where a set has no test part, its validation part is the test and a stratified share of the training part validates.
"""
import os, time, warnings
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np, pandas as pd

from bench.harness import bench, mean_se, result
from bench.texts import device, encoder

def folder(name):
    "The set's folder; None, said, if the data is not there"
    if 'FASTCLF_DATA' in os.environ: return Path(os.environ['FASTCLF_DATA'])/name
    return print(f'{name}: skipped; FASTCLF_DATA names the folder that holds {name}')

def task(parts, items, labels, path=None, valid=None):
    "Frames of the parts as one task: train[, valid], test; `valid` is the share of the first that validates if there are two"
    from fastclf.all import Splits, stratified_split
    df,ends = pd.concat(parts, ignore_index=True),np.cumsum([0]+[len(o) for o in parts])
    rows = [np.arange(a, b) for a,b in zip(ends, ends[1:])]
    splits = Splits(*rows) if len(parts)==3 else stratified_split(df[labels], valid, rows[1])
    return SimpleNamespace(df=df, items=items, labels=labels, splits=splits, path=path)

def banking77(at): return task([pd.read_csv(at/f'{o}.csv') for o in ('train','test')], 'text', 'category', valid=.1)

def clinc150(at): return task([pd.read_csv(at/f'{o}.csv') for o in ('train_imbalanced','valid','test')], 'text', 'intent')

def hwu64(at):
    df = pd.read_csv(at/'hwu64.csv')
    return task([df[df.fold<=8], df[df.fold==9], df[df.fold==10]], 'text', 'intent')

def movie_genres(at):
    from fastclf.all import stratified_split
    df = pd.read_csv(at/'movies_multi.csv.gz')
    df['labels'] = df.labels.str.split(';')
    df = df[df.description.notna()].reset_index(drop=True)
    return task([df.iloc[o] for o in stratified_split(df.labels, .15, .2)], 'description', 'labels')

def photos(at, labels, drop=()):
    "A set of pictures with a column `split`"
    df = pd.read_csv(at/'labels.csv')
    df = df[~df[labels].isin(drop)]
    parts = [df[df.split==o] for o in ('train','valid','test') if (df.split==o).any()]
    return task(parts, 'file', labels, at/'images', .15)

def monitor(learn):
    "Macro-F1 as the Learner's metrics call it"
    return next(m.name for m in learn.metrics if m.name in ('f1_score','label_macro_f1'))

def several_loss(dls):
    "The asymmetric loss where items have several labels, whose decisions at 0.5 find rare ones; else what the builder chooses"
    from fastclf.all import dl_targets, loss_for
    return loss_for('asymmetric') if dl_targets(dls.train, several=True).ndim==2 else None

def light(arch, t, epochs=8):
    "Test predictions of a light text model"
    from fastclf.all import find_lr, fit_recipe, predict, text_classifier, text_dls
    dls = text_dls(t.df, t.items, t.labels, t.splits)
    learn = text_classifier(dls, arch, several_loss(dls))
    fit_recipe(learn, epochs, find_lr(learn), monitor=monitor(learn))
    return predict(learn, 'valid'),predict(learn, 'test')

def frozen(t):
    "Test predictions of a head on the vectors of the encoder as it came; the vectors are computed once"
    from fastclf.all import embedded_dls, fit_recipe, predict, text_dls, vector_classifier
    dls = text_dls(t.df, t.items, t.labels, t.splits, tokenizer=encoder(), max_len=128)
    learn = vector_classifier(embedded_dls(dls, encoder()), loss=several_loss(dls))
    fit_recipe(learn, 30, 3e-3, monitor=monitor(learn))
    return predict(learn, 'valid'),predict(learn, 'test')

def small_net(epochs, t, **dls_kwargs):
    "Test predictions of a small residual net from random weights"
    from fastclf.all import fit_recipe, predict, vision_classifier, vision_dls
    learn = vision_classifier(vision_dls(t.df, t.items, t.labels, t.path, t.splits, **dls_kwargs), 'resnet10t', pretrained=False)
    fit_recipe(learn, epochs, 2e-3, monitor=monitor(learn))
    return predict(learn, 'valid'),predict(learn, 'test')

def cropped(t):
    "Photos: random windows, mirrored"
    from fastclf.all import CropFlip
    return small_net(20, t, size=80, batch_tfms=CropFlip(64))

def equalised(t):
    "Digits: grey, equalised, light augmentation without mirroring"
    from fastai.vision.augment import Resize, aug_transforms
    from fastclf.all import FilterImage
    light = aug_transforms(do_flip=False, max_rotate=5, max_zoom=1.1, max_warp=0, max_lighting=.3)
    return small_net(20, t, item_tfms=[FilterImage('equalize'), Resize((32,24), 'squish')], batch_tfms=light, n_channels=1)

def measured(models, t, seeds):
    "Scores of each model on validation and test, with the seconds of a fit, over seeds"
    from fastclf.all import score_draws, seeded
    res = {}
    for name,fit in models.items():
        rows = []
        for s in seeds:
            start = time.time()
            with seeded(s), warnings.catch_warnings():
                warnings.simplefilter('ignore')
                rows.append([float(score_draws(p, 1).macro_f1[0]) for p in fit(t)]+[time.time()-start])
            print(f'{name}, seed {s}: {rows[-1]}', flush=True)
        (v,_),(f1,se) = (mean_se([r[i] for r in rows]) for i in (0,1))
        res[name] = dict(valid=round(v, 4), test=round(f1, 4), se=round(se, 4), seconds=round(float(np.median([r[2] for r in rows])), 1))
    return res

def table(name, read, models, seeds=range(3)):
    "Result: the network best on validation over the baseline best on validation, in points of macro-F1 on the test part, and all rows of both"
    from fastclf.all import baseline_table
    if (at := folder(name)) is None: return []
    t = read(at)
    nets = measured(models, t, seeds)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        base = baseline_table(t.df, t.items, t.labels, t.splits, path=t.path)
    cols = dict(valid_macro_f1='valid', test_macro_f1='test', test_se='se_of_n', seconds='seconds')
    rows = base[[*cols]].rename(columns=cols).round(4).to_dict('index')
    net,b = max(nets, key=lambda o: nets[o]['valid']),rows[base.best]
    gain = 100*(nets[net]['test']-b['test'])
    return [result(f'scores_{name.split("_", 1)[1]}', gain, 0, 'higher', base.best, b['test'], len(base.runs[base.best]['test']), 'points', model=net,
        se=round(100*nets[net]['se'], 2), seeds=len(seeds), networks=nets, baselines=rows, device=device())]

texts = dict(bag=partial(light, 'bag'), cnn=partial(light, 'cnn'), frozen_minilm=frozen)

@bench('scores_banking77')
def scores_banking77(): return table('text_banking77', banking77, texts)

@bench('scores_clinc150')
def scores_clinc150(): return table('text_clinc150', clinc150, texts)

@bench('scores_hwu64')
def scores_hwu64(): return table('text_hwu64', hwu64, texts)

@bench('scores_movie_genres')
def scores_movie_genres(): return table('text_movie_genres', movie_genres, dict(bag=partial(light, 'bag', epochs=24), frozen_minilm=frozen))

@bench('scores_meter_digits')
def scores_meter_digits():
    plain = partial(small_net, 12, size=(32,24))
    return table('image_meter_digits', partial(photos, labels='digit'), dict(resnet10t=plain, resnet10t_equalised_augmented=equalised))

@bench('scores_clothing')
def scores_clothing(): return table('image_clothing', partial(photos, labels='label', drop=('Not sure','Other','Skip')), dict(resnet10t=cropped))

@bench('scores_grocery')
def scores_grocery(): return table('image_grocery', partial(photos, labels='label'), dict(resnet10t=cropped))
