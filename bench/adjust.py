"""What adjusting after training gains, with standard errors: film genres and emotions (several labels), long-tailed digits (one label).

Models are TF-IDF and logistic regression per label with equal weight for having it or not, which is the stronger start for F1 (films:
`description`; emotions: `text`), the same without weights (`unweighted` in the results), and plain multinomial logistic regression on the pixels
of the digits. Films: 10 splits, half of the films train, a quarter is what adjustments are fitted on, a quarter
scores. Emotions: the training part trains; its dev part is cut into halves, one fits and the other scores, 10 times. Digits: long tail as in
`bench/digits.py`, 12 seeds; the adjustments are fitted on the out-of-fold predictions of the 331 training images, which have the same tail,
and scored on the test part, whose classes are equally common (the estimated shift sees the test images without their labels). Of one data set the splits overlap, so errors over splits are those of the mean
over splits of this data; the paired error of one split, which counts the items, is given beside. The peer is the model as it was trained.
`FASTCLF_DATA` names the folder of the sets.
"""
import warnings

import numpy as np, pandas as pd

from bench.digits import long_tail
from bench.harness import bench, mean_se, result
from bench.scores import folder

def fitted_probs(x, y, rows, others, weight=None):
    "Probabilities of `others` by logistic regression on `rows`; one per label, weighted by `weight`, if `y` is a matrix"
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    model = LogisticRegression(C=10, max_iter=300, tol=1e-3)
    if y.ndim==2: model = OneVsRestClassifier(LogisticRegression(C=10, tol=1e-2, class_weight=weight, solver='liblinear'))
    return model.fit(x[rows], y[rows]).predict_proba(x[others])

def films(weight, seeds=range(10)):
    "Pairs of `Preds`, to fit on and to score, of the film genres"
    from fastclf.baseline import target_codes
    from fastclf.features import text_features
    from fastclf.preds import Preds
    df = pd.read_csv(folder('text_movie_genres')/'movies_multi.csv.gz')
    df = df[df.description.notna()].reset_index(drop=True)
    labels = [tuple(o.split(';')) for o in df.labels]
    vocab = sorted({c for o in labels for c in o})
    y = target_codes(labels, vocab).astype(int)
    for seed in seeds:
        train,fit,test = np.split(np.random.default_rng(seed).permutation(len(df)), [len(df)//2, 3*len(df)//4])
        x = text_features(df, 'description', train)
        p = fitted_probs(x, y, train, np.r_[fit,test], weight)
        yield Preds(p[:len(fit)], y[fit], fit, vocab),Preds(p[len(fit):], y[test], test, vocab)

def emotions(weight, seeds=range(10)):
    "The same of the emotions"
    from fastclf.baseline import target_codes
    from fastclf.features import text_features
    from fastclf.preds import Preds
    at = folder('text_goemotions')
    vocab = (at/'labels.txt').read_text().split()
    df = pd.concat([pd.read_csv(at/f'{o}.tsv.gz', sep='\t', header=None, names=['text','labels','id'], quoting=3) for o in ('train','dev')], keys=['train','dev'])
    n = (df.index.get_level_values(0)=='train').sum()
    df = df.reset_index(drop=True)
    y = target_codes([tuple(vocab[int(i)] for i in str(o).split(',')) for o in df.labels], vocab).astype(int)
    train,dev = np.arange(n),np.arange(n, len(df))
    p = Preds(fitted_probs(text_features(df, 'text', train), y, train, dev, weight), y[dev], dev, vocab)
    for seed in seeds:
        order = np.random.default_rng(seed).permutation(len(p))
        yield p[order[:len(p)//2]],p[order[len(p)//2:]]

def digits(seeds=range(12)):
    "Out-of-fold predictions of the long tail, predictions of the test part"
    from fastclf.adjustment import fold_of
    from fastclf.preds import Preds
    for seed in seeds:
        x,y,x_test,y_test = long_tail(seed)
        fold,oof = fold_of(y, 5, seed),np.zeros((len(y),10))
        for i in range(5):
            rest = np.flatnonzero(fold!=i)
            oof[np.ix_(fold==i, np.unique(y[rest]))] = fitted_probs(x, y, rest, np.flatnonzero(fold==i))
        xs,ys = np.concatenate([x, x_test]),np.r_[y, y_test]
        p = fitted_probs(xs, ys, np.arange(len(y)), np.arange(len(y), len(xs)))
        yield Preds(oof, y),Preds(p, y_test)

def gains(pairs, fits):
    "Per adjustment and score: mean before and after, mean difference with its error over splits, paired error of one split"
    from fastclf.compare import compare_preds
    rows = []
    for a,b in pairs:
        for name,f in fits.items(): rows += [dict(name=name, score=o, **r) for o,r in compare_preds(b, f(a)(b)).iterrows()]
    df,res = pd.DataFrame(rows),{}
    for (name,score),g in df.groupby(['name','score'], sort=False):
        res.setdefault(name, {})[score] = dict(before=round(g.before.mean(), 4), after=round(g.after.mean(), 4), difference=round(g.difference.mean(), 4),
            se=round(mean_se(g.difference)[1], 4), paired_se=round(g.se.mean(), 4), wins=int((g.difference*(-1 if score=='log_loss' else 1)>0).sum()), splits=len(g))
    return res

def shown(name, pairs, fits, key, score, **extra):
    "Result: points that `key` gains on `score`; all adjustments and scores beside it"
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        res = gains(pairs, fits)
    for f,r in res.items(): print(f, {o:f"{v['before']} -> {v['after']} ({v['difference']:+.4f} ± {v['se']}, one split ± {v['paired_se']}, {v['wins']} of {v['splits']})" for o,v in r.items()}, flush=True)
    r = res[key][score]
    return [result(name, 100*r['difference'], 0, 'higher', 'as trained', r['before'], r['splits'], 'points', adjustment=key, score=score, se=round(100*r['se'], 2), gains=res, **extra)]

def label_fits():
    "What is tried where items have several labels"
    from functools import partial
    from fastclf.calibrate import calibrate
    from fastclf.thresholds import choose_thresholds
    return {'thresholds':choose_thresholds, 'thresholds, no gate':partial(choose_thresholds, min_count=1), 'temperature':calibrate, 'vector':partial(calibrate, how='vector')}

def label_results(name, pairs):
    "Results for models weighted per label, with those of models without weights beside them"
    weighted,plain = (shown(name, pairs(w), label_fits(), 'thresholds', 'macro_f1')[0] for w in ('balanced',None))
    return [weighted | dict(unweighted=plain['gains'])]

@bench('adjust_movie_genres')
def adjust_movie_genres(): return label_results('adjust_movie_genres', films) if folder('text_movie_genres') else []

@bench('adjust_goemotions')
def adjust_goemotions(): return label_results('adjust_goemotions', emotions) if folder('text_goemotions') else []

@bench('adjust_digits')
def adjust_digits():
    from fastclf.adjust import choose_tau, estimated_shift, logit_adjustment
    from fastclf.calibrate import calibrate
    from fastclf.thresholds import choose_thresholds
    counts = lambda p: np.bincount(p.targs, minlength=10)
    fits = {'logit adjustment':lambda p: logit_adjustment(p.vocab, counts(p)), 'tau chosen':lambda p: logit_adjustment(p.vocab, counts(p), choose_tau(p, counts(p), score='balanced_accuracy')),
        'offsets':lambda p: choose_thresholds(p, 'balanced_accuracy'), 'offsets, no gate':lambda p: choose_thresholds(p, 'balanced_accuracy', min_count=1), 'temperature':calibrate,
        'estimated shift':lambda p: lambda q: estimated_shift(q, counts(p))(q)}
    return shown('adjust_digits', digits(), fits, 'logit adjustment', 'balanced_accuracy')
