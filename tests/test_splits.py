"Splits and folds hold what they promise for any labels, groups and seeds that hypothesis can think of"
import random

import numpy as np, pandas as pd, pytest, torch
from hypothesis import assume, given, settings, strategies as st

from fastclf.data.deal import deal_rows, group_codes, group_counts, label_codes, label_tally
from fastclf.data.folds import fold_column, folds_from_column, kfold_splits
from fastclf.data.split import Splits, check_splits, gold_rows, split_table, stratified_split, time_split

pytestmark = pytest.mark.filterwarnings('ignore')
often = settings(max_examples=60, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32-1)
shares = st.sampled_from([(.2,0.), (.2,.1), (.05,.05), (.5,.25), (.34,.33), (.1,.4)])

@st.composite
def single(draw):
    "One label per row: 2 to 8 classes of 1 to 40 rows, shuffled"
    n = draw(st.lists(st.integers(1, 40), min_size=2, max_size=8))
    assume(sum(n)>=8)
    return np.random.default_rng(draw(seeds)).permutation(np.repeat([f'c{i}' for i in range(len(n))], n))

@st.composite
def multi(draw):
    "Rows with 0 to 6 of 6 labels, each label with a frequency of its own"
    n,freq = draw(st.integers(12, 120)),draw(st.lists(st.floats(.02, .9), min_size=1, max_size=6))
    y = np.random.default_rng(draw(seeds)).random((n,len(freq)))<freq
    assume(y.any())
    return [[f'c{j}' for j in np.flatnonzero(o)] for o in y]

@st.composite
def grouped(draw):
    "Labels of either kind, and 8 to 40 groups of very different size"
    labels,k,rng = draw(st.one_of(single(), multi())),draw(st.integers(8, 40)),np.random.default_rng(draw(seeds))
    groups = rng.choice([f'g{i}' for i in range(k)], len(labels), p=rng.dirichlet(np.full(k, draw(st.sampled_from([.3,1.,10.])))))
    return labels,groups

def due(labels, part, share):
    "Distance of each class's rows in each part from its share of the class"
    y,vocab = label_codes(labels)
    n = np.stack([label_tally(y, part==p, len(vocab)) for p in range(len(share))])
    return n,np.abs(n-np.outer(share, n.sum(0)))

def numbers(labels, parts, groups, seed):
    "Part numbers of the rows, and the shares"
    share = np.full(parts, 1/parts) if isinstance(parts, int) else np.array(parts)
    return deal_rows(label_codes(labels)[0], parts, groups, seed),share

deals = st.sampled_from([(.8,.2), (.7,.2,.1), (.25,.5,.25), 2, 3, 5])

@often
@given(single(), deals, seeds)
def test_one_label_within_one_item(labels, parts, seed):
    "Each class within one item of its share; only a class that has few items, and must be in each part, may be off by more in the largest"
    part,share = numbers(labels, parts, None, seed)
    n,err = due(labels, part, share)
    enough = n.sum(0)*share.min()>=1
    assert err[:,enough].max(initial=0)<=1+1e-6
    assert err[1:,n.sum(0)>=len(share)].max(initial=0)<=1+1e-6
    assert (n[:,n.sum(0)>=len(share)]>0).all()
    if isinstance(parts, int): assert err.max()<1 and np.ptp(np.bincount(part, minlength=parts))<=1

@often
@given(multi(), deals, seeds)
def test_several_labels_near_their_share(labels, parts, seed):
    "Each label and each part within 4 rows and 4 % of the rows; training has every label"
    part,share = numbers(labels, parts, None, seed)
    n,err = due(labels, part, share)
    slack = 4+.04*len(labels)
    assert err.max()<=slack
    assert np.abs(np.bincount(part, minlength=len(share))-share*len(labels)).max()<=slack
    if not isinstance(parts, int): assert (n[0]>0).all()

@often
@given(grouped(), deals, seeds)
def test_groups_whole_and_near_their_share(lg, parts, seed):
    "No group in two parts; each class within 3 times the most that one group holds of it; training has every class"
    labels,groups = lg
    part,share = numbers(labels, parts, groups, seed)
    assert pd.Series(part).groupby(groups).nunique().max()==1
    n,err = due(labels, part, share)
    most = group_counts(label_codes(labels)[0], group_codes(groups)[0]).max(0)[:-1]
    assert (err<=3*most).all()
    if not isinstance(parts, int): assert (n[0]>0).all()

def deal_or_none(f, *args, **kwargs):
    "None where a few large groups leave a part without rows, which is an error and not a split"
    try: return f(*args, **kwargs)
    except ValueError as e: assert 'both need at least one' in str(e) or 'folds got any rows' in str(e), e

@often
@given(st.one_of(single(), multi()), shares, seeds)
def test_split_is_a_partition(labels, share, seed):
    s = deal_or_none(stratified_split, labels, *share, seed=seed)
    assume(s)
    assert np.array_equal(np.sort(np.concatenate([*s])), np.arange(len(labels)))
    if label_codes(labels)[0].ndim==2: check_splits(s, labels)
    split_table(s, labels)

@often
@given(grouped(), shares, seeds)
def test_grouped_split(lg, share, seed):
    labels,groups = lg
    s = deal_or_none(stratified_split, labels, *share, seed=seed, groups=groups)
    assume(s)
    assert np.array_equal(np.sort(np.concatenate([*s])), np.arange(len(labels)))
    assert s.n_groups==tuple(len(set(groups[o])) for o in s) and sum(s.n_groups)==len(set(groups))
    if label_codes(labels)[0].ndim==2 or len(set(np.asarray(labels)[s.train]))>1: check_splits(s, labels, groups)

@often
@given(st.one_of(st.tuples(st.one_of(single(), multi()), st.none()), grouped()), st.integers(2, 5), st.booleans(), st.integers(1, 2), seeds)
def test_folds_are_a_partition(lg, k, test, repeats, seed):
    "Per repeat the validation parts hold each row outside the test part once; the test part is one and the same; groups stay whole"
    labels,groups = lg
    folds = deal_or_none(kfold_splits, labels, k, groups, .15 if test else 0., repeats, seed)
    assume(folds)
    assert len(folds)==k*repeats
    rest = np.setdiff1d(np.arange(len(labels)), folds[0].test)
    for i in range(0, len(folds), k):
        assert np.array_equal(np.sort(np.concatenate([s.valid for s in folds[i:i+k]])), rest)
        for a,b in zip(folds[i:i+k], folds_from_column(fold_column(folds[i:i+k], len(labels)), groups)): assert all(map(np.array_equal, a, b))
    for s in folds:
        assert np.array_equal(s.test, folds[0].test) and np.array_equal(np.sort([*s.train, *s.valid]), rest)
        if groups is not None: Splits(*s, groups=groups)

@often
@given(st.one_of(st.tuples(st.one_of(single(), multi()), st.none()), grouped()), seeds)
def test_same_call_same_rows(lg, seed):
    "Whatever was drawn before, and nothing is drawn from the global generators"
    labels,groups = lg
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    before = random.getstate(),np.random.get_state()[1].tobytes(),torch.get_rng_state()
    a = [deal_rows(label_codes(labels)[0], o, groups, seed) for o in (3,(.7,.2,.1))]+[gold_rows(labels, 3, groups, seed)]
    assert random.getstate()==before[0] and np.random.get_state()[1].tobytes()==before[1] and torch.equal(torch.get_rng_state(), before[2])
    random.random()
    np.random.random(7)
    b = [deal_rows(label_codes(labels)[0], o, groups, seed) for o in (3,(.7,.2,.1))]+[gold_rows(labels, 3, groups, seed)]
    assert all(map(np.array_equal, a, b))

@often
@given(st.one_of(st.tuples(st.one_of(single(), multi()), st.none()), grouped()), st.integers(1, 12), seeds)
def test_gold_rows_leave_half(lg, per_class, seed):
    "No class loses more than half; with one label and no groups each gives what was asked or half; groups are whole"
    labels,groups = lg
    rows = gold_rows(labels, per_class, groups, seed)
    y,vocab = label_codes(labels)
    n,got = label_tally(y, slice(None), len(vocab)),label_tally(y, rows, len(vocab))
    assert (got<=n//2).all()
    if groups is None and y.ndim==1: assert np.array_equal(got, np.minimum(per_class, n//2))
    if groups is not None: assert not set(groups[rows]) & set(np.delete(groups, rows))

@often
@given(st.lists(st.integers(0, 15), min_size=3, max_size=60), shares)
def test_time_split(times, share):
    "All of training is before all of validation, and that before the test part; each border is within half of the times beside it"
    t,parts = np.array(times),3 if share[1] else 2
    assume(len(set(times))>=parts)
    s = time_split(times, *share)
    assert np.array_equal(np.sort(np.concatenate([*s])), np.arange(len(t)))
    assert t[s.train].max()<t[s.valid].min() and (not len(s.test) or t[s.valid].max()<t[s.test].min())
    if len(set(times))>parts+8: assert abs(len(s.train)-len(t)*(1-sum(share)))<=np.unique(t, return_counts=True)[1].max()*2

def test_forms_of_labels_agree():
    "Lists, tuples, sets and a frame of zeros and ones are split alike, under any index"
    rng = np.random.default_rng(0)
    y = pd.DataFrame(rng.random((80,3))<.4, columns=list('abc'))
    lists = [[c for c in 'abc' if r[c]] for _,r in y.iterrows()]
    want = stratified_split(lists, .2, .1)
    for o in (list(map(tuple, lists)), list(map(set, lists)), pd.Series(lists, index=range(80, 0, -1)), y, y.astype(int), y.set_index(rng.permutation(80))):
        assert all(map(np.array_equal, want, stratified_split(o, .2, .1)))
