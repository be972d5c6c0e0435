"""Label issues on planted noise: precision and recall at the count that confident learning suggests, beside as many top losses and a review at random.

Labels of real sets are changed at a known rate, to any other class alike or to the class that follows (a harder kind: one class takes the errors
of another). Cheap classifiers predict each fold from the others. Errors that were in the labels before count as false alarms, so precision is a lower
bound. `image_clothing` (CC0, found through `FASTCLF_DATA`) has dirt of its own: rows that the labellers gave up on ('Not sure', 'Other', 'Skip').
"""
import warnings

import numpy as np, pandas as pd

from bench.harness import bench, mean_se, result
from bench.scores import folder

def noisy(y, k, share, pairs, rng):
    "Labels of which a `share` is changed to another class; with `pairs` to the next one"
    change = rng.random(len(y))<share
    return np.where(change, (y+(1 if pairs else rng.integers(1, k, len(y))))%k, y)

def out_of_fold(x, y, vocab, model, seed):
    "`Preds` of each of five folds from the four others, in the order of the rows"
    from fastclf.all import Preds, classical_models, run_baseline
    from sklearn.model_selection import StratifiedKFold
    probs = np.zeros((len(y),len(vocab)), np.float32)
    for train,valid in StratifiedKFold(5, shuffle=True, random_state=seed).split(y, y):
        probs[valid] = run_baseline(model, classical_models(seed)[model], x, y, [train,valid], vocab, seed=seed)['valid'].probs
    return Preds(probs, y, vocab=vocab)

def found(bad, ids): return bad[ids].mean(),bad[ids].sum()/bad.sum()

def one(x, y, vocab, model, share, pairs, seed):
    "Planted and suggested errors, precision and recall of the suggestions, precision of as many top losses and the difference, the same for the first quarter, share of suggested labels that are true"
    from fastclf.labelissues import label_issues, loss_issues
    dirty = noisy(y, len(vocab), share, pairs, np.random.default_rng(seed))
    oof,bad = out_of_fold(x, dirty, vocab, model, seed),dirty!=y
    issues = label_issues(oof)
    ids = issues.id.to_numpy()
    hit = bad[ids]
    right = issues.pred.to_numpy()[hit]==np.array(vocab, dtype=object)[y[ids[hit]]]
    first,top = slice(0, len(ids)//4),loss_issues(oof, len(ids)).id.to_numpy()
    return dict(planted=bad.sum(), suggested=len(ids), **dict(zip(('precision','recall'), found(bad, ids))), precision_first_quarter=bad[ids[first]].mean(),
        top_losses=bad[top].mean(), over_top_losses=bad[ids].mean()-bad[top].mean(), top_losses_first_quarter=bad[top[first]].mean(),
        over_top_losses_first_quarter=bad[ids[first]].mean()-bad[top[first]].mean(), right_label=right.mean())

def planted(x, y, vocab, model, seeds):
    "Mean and standard error over seeds, for both shares and both kinds of noise"
    rows = {}
    for share in (.1,.2):
        for pairs in (False,True):
            with warnings.catch_warnings():
                warnings.simplefilter('ignore')
                runs = pd.DataFrame([one(x, y, vocab, model, share, pairs, s) for s in seeds])
            key = f"{share:.0%} {'next class' if pairs else 'any class'}"
            rows[key] = {c:[round(float(o), 4) for o in mean_se(runs[c])] for c in runs}
            print(key, rows[key], flush=True)
    return rows

def reported(name, rows, n, target, **extra):
    r = rows['10% any class']
    return result(name, r['precision'][0], target, 'higher', 'as many items at random', round(r['planted'][0]/n, 4), n, 'precision', se=r['precision'][1],
        recall=r['recall'], top_losses=r['top_losses'], mean_and_se=rows, **extra)

@bench('labels_digits')
def labels_digits(seeds=range(5)):
    from sklearn.datasets import load_digits
    x,y = load_digits(return_X_y=True)
    rows = planted(x/16, y, [str(i) for i in range(10)], 'logistic regression', seeds)
    return [reported('labels_digits', rows, len(y), .8, model='logistic regression on pixels', seeds=len(seeds))]

@bench('labels_docstrings')
def labels_docstrings(seeds=range(3), n=2000):
    from fastclf.all import docstrings_frame, target_codes, text_features
    df = docstrings_frame(n)
    vocab = sorted(df.label.unique())
    rows = planted(text_features(df, 'text', np.arange(len(df))), target_codes(df.label.to_numpy(dtype=object), vocab), vocab, 'linear SVM', seeds)
    return [reported('labels_docstrings', rows, len(df), .5, model='linear SVM on words', seeds=len(seeds))]

def given_up(x, labels, seeds):
    "Rows that the labellers gave up on, as classes of their own: share of them in doubt, share of the others, and their share of the list and of the set"
    from fastclf.baseline import target_codes
    from fastclf.labelissues import label_issues
    vocab,res = sorted(labels.unique()),[]
    dirt = labels.isin(['Not sure','Other','Skip']).to_numpy()
    for s in seeds:
        ids = label_issues(out_of_fold(x, target_codes(labels.to_numpy(dtype=object), vocab), vocab, 'logistic regression', s)).id.to_numpy()
        doubt = np.isin(np.arange(len(labels)), ids)
        res.append(dict(suggested=len(ids), doubted_of_dirt=doubt[dirt].mean(), doubted_of_garments=doubt[~dirt].mean(),
            dirt_in_list=dirt[ids].mean(), dirt_in_set=dirt.mean()))
    return {c:[round(float(o), 4) for o in mean_se(v)] for c,v in pd.DataFrame(res).items()}

@bench('labels_clothing')
def labels_clothing(seeds=range(3)):
    from fastclf.all import hog_features, pixel_features, target_codes
    from sklearn.decomposition import PCA
    if (at := folder('image_clothing')) is None: return []
    df = pd.read_csv(at/'labels.csv')
    files = [at/'images'/o for o in df.file]
    x = PCA(80, random_state=0).fit_transform(np.concatenate([pixel_features(files), hog_features(files)], 1)) # no label is used
    x /= x.std()
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        real = given_up(x, df.label, seeds)
    print(real, flush=True)
    clean = ~df.label.isin(['Not sure','Other','Skip'])
    vocab = sorted(df.label[clean].unique())
    rows = planted(x[clean.to_numpy()], target_codes(df.label[clean].to_numpy(dtype=object), vocab), vocab, 'logistic regression', seeds)
    return [reported('labels_clothing', rows, int(clean.sum()), .2, given_up=real, model='logistic regression on components of pixels and gradients', seeds=len(seeds))]
