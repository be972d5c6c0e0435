"What must hold for every draw of an epoch, whatever the classes, the mix and the length"
import pickle, random, warnings

import numpy as np, pytest, torch
from fastai.data.core import DataLoaders, TfmdDL
from fastai.text.data import SortedDL
from hypothesis import assume, given, settings, strategies as st
from scipy.stats import chisquare

from fastclf.data.draw import EpochDraw, bucketed
from fastclf.data.mix import Draw, balanced_share, item_weights
from fastclf.data.sampler import class_mix, dls_mix, sampled

few = settings(max_examples=60, deadline=None)
mixes = st.sampled_from(['natural','sqrt','balanced','progressive','deferred',-1.,.3])
stages = st.integers(1, 9).flatmap(lambda n: st.tuples(st.integers(0, n-1), st.just(n)))
sizes = st.lists(st.integers(0, 60), min_size=2, max_size=8).filter(lambda o: sum(o)>0)

def made(counts, seed=0):
    "Class indices in random order with these counts, and the names of the classes"
    return np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts)),[f'c{i}' for i in range(len(counts))]

def near(got, want): return (got>=np.floor(want-1e-6)).all() and (got<=np.ceil(want+1e-6)).all()

def toy(y, k, bs=16, cls=TfmdDL, **kwargs):
    "DataLoaders over pairs of number and class"
    dl = cls(list(enumerate(y.tolist())), bs=bs, shuffle=True, drop_last=True, num_workers=0, **kwargs)
    dls = DataLoaders(dl, dl.new(shuffle=False, drop_last=False))
    dls.vocab = [f'c{i}' for i in range(k)]
    return dls

@few
@given(sizes, mixes, st.one_of(st.none(), st.integers(1, 300), st.sampled_from(['over','under'])), stages, st.integers(0, 99))
def test_each_class_and_item_comes_floor_or_ceil_of_its_expectation(counts, mix, length, stage, seed):
    y,vocab = made(counts)
    draw = EpochDraw(Draw(mix, length), y, vocab)
    e,idxs = draw.expected(stage),draw(np.random.default_rng(seed), stage)
    assert len(idxs)==draw.n_drawn(stage)==round(e.sum())
    assert near(np.bincount(y[idxs], minlength=len(counts)), e)
    per_item = (e/np.maximum(draw.sizes, 1))[y]
    assert near(np.bincount(idxs, minlength=len(y)), per_item)
    if length is None: assert len(idxs)==len(y)
    if length=='over': assert len(set(idxs))==len(y)
    if length=='under': assert len(set(idxs))==len(idxs)

many = lambda o, n: st.lists(o, min_size=n, max_size=n)

weighted = st.integers(1, 60).flatmap(lambda n: st.tuples(many(st.floats(0, 100), n), many(st.integers(0, 3), n)))

@few
@given(weighted, st.sampled_from([None,'over','under',40]), st.integers(0, 99))
def test_item_weights_hold_item_by_item(data, length, seed):
    w,y = map(np.array, data)
    assume(w.max()>1e-3 and (length!='over' or w[w>0].min()>.05))
    draw = EpochDraw(Draw(w, length), y, list('abcd'))
    idxs = draw(np.random.default_rng(seed))
    got = np.bincount(idxs, minlength=len(y))
    e = w/w.sum()*draw.length
    assert near(got, e) and near(np.bincount(y[idxs], minlength=4), np.bincount(y, weights=e, minlength=4))
    assert (got[w==0]==0).all()
    if length=='over': assert (got[w>0]>=1).all()
    if length=='under': assert got.max()<=1

@few
@given(sizes, mixes, stages, st.integers(0, 99))
def test_the_generator_alone_decides(counts, mix, stage, seed):
    y,vocab = made(counts)
    draw = EpochDraw(mix, y, vocab)
    torch.manual_seed(seed)
    before = torch.get_rng_state(),np.random.get_state()[1].tolist(),random.getstate()
    a = draw(np.random.default_rng(seed), stage)
    assert (torch.get_rng_state()==before[0]).all() and np.random.get_state()[1].tolist()==before[1] and random.getstate()==before[2]
    again = pickle.loads(pickle.dumps(EpochDraw(mix, y, vocab)))
    assert (again(np.random.default_rng(seed), stage)==a).all()

@few
@given(sizes, mixes, st.integers(1, 40), stages)
def test_caps_hold(counts, mix, cap, stage):
    y,vocab = made(counts)
    draw = EpochDraw(Draw(mix, cap=cap), y, vocab)
    got = np.bincount(y[draw(np.random.default_rng(0), stage)], minlength=len(counts))
    assert got.max()<=cap and got.sum()==draw.n_drawn(stage)

@few
@given(sizes.filter(lambda o: sum(o)>=20), st.sampled_from(['natural','sqrt','balanced','progressive']), st.integers(1, 2), st.integers(0, 12), st.booleans(), stages)
def test_every_batch_has_its_minimum(counts, mix, m, extra, by_length, stage):
    y,vocab = made(counts)
    bs = m*np.count_nonzero(counts)+extra
    draw,lens = EpochDraw(Draw(mix, min_per_class=m), y, vocab),np.random.default_rng(1).integers(1, 99, len(y))
    idxs = draw(np.random.default_rng(0), stage, bs, lens if by_length else None)
    batches = y[idxs].reshape(-1, bs)
    have = np.stack([np.bincount(b, minlength=len(counts)) for b in batches])
    assert (have[:,np.array(counts)>0]>=m).all()
    assert len(idxs)==draw.n_drawn(stage, bs)

@few
@given(sizes, st.integers(1, 20), st.integers(1, 4), st.integers(0, 99))
def test_buckets_keep_the_items(counts, bs, k, seed):
    rng,y = np.random.default_rng(seed),made(counts)[0]
    idxs = rng.integers(0, len(y), len(y))
    assert sorted(bucketed(idxs.copy(), rng.integers(1, 50, len(y)), bs, rng, k))==sorted(idxs)

@few
@given(st.lists(st.sets(st.integers(0, 4), max_size=3), min_size=5, max_size=60).filter(lambda o: any(o)), st.sampled_from(['natural','sqrt','balanced','progressive']))
def test_several_labels(sets, mix):
    y = np.array([[j in o for j in range(5)] for o in sets])
    draw = EpochDraw(mix, y, list('abcde'))
    w,idxs = item_weights(mix, y, list('abcde')),draw(np.random.default_rng(0), (1,2))
    assert len(idxs)==len(y) and np.isfinite(w).all() and (w>=0).all()
    assert near(np.bincount(idxs, minlength=len(y)), w/w.sum()*len(y))
    assert np.allclose(draw.mix(), w@y/w.sum())
    spread = lambda w: np.ptp(np.log((w@y)[y.any(0)]))
    if mix=='balanced': assert spread(w)<=spread(np.ones(len(y)))+.7

def test_frequencies_pass_a_chi_square_test():
    """The first index of an epoch is an independent draw by the weights: the textbook's test holds for those of many epochs.
    All indices together are closer than chance: an epoch gives an item floor(e) or one more, so its count has variance f(1-f) an
    epoch, f the fraction of e, and items that stand side by side in the kept order deviate together."""
    rng,epochs = np.random.default_rng(0),3000
    y,vocab = made([30,15,10,5])
    for mix in ('natural','sqrt','balanced',rng.random(60)+.1):
        draw = EpochDraw(mix, y, vocab)
        drawn = np.array([draw(rng) for _ in range(epochs)])
        p = item_weights(mix, y, vocab)
        p /= p.sum()
        assert chisquare(np.bincount(drawn[:,0], minlength=60), epochs*p).pvalue>.001
        assert chisquare(np.bincount(y[drawn[:,17]]), epochs*np.bincount(y, weights=p)).pvalue>.001
        got,f = np.bincount(drawn.ravel(), minlength=60)-epochs*60*p,60*p%1
        f = np.where((f<1e-6) | (f>1-1e-6), 0, f)
        assert (np.abs(got)<=4.5*np.sqrt(epochs*f*(1-f))+1e-3).all()
        assert (got**2/(epochs*60*p)).sum()<45

def test_epochs_differ_and_cover_in_the_end():
    y,vocab = made([900,20])
    draw,rng = EpochDraw('undersample', y, vocab),np.random.default_rng(0)
    seen = [set(draw(rng)) for _ in range(200)]
    assert len({frozenset(o) for o in seen})>150
    assert len(set.union(*seen))>.95*920

def test_more_items_than_torch_can_draw():
    n = 2**24+10
    y = np.zeros(n, dtype=np.uint8)
    y[:100] = 1
    idxs = EpochDraw(Draw('balanced', 2000), y, ['a','b'])(np.random.default_rng(0))
    assert (np.bincount(y[idxs])==1000).all() and idxs.max()>=100
    with pytest.raises(RuntimeError): torch.multinomial(torch.ones(n), 5)

@few
@given(sizes.filter(lambda o: sum(o)>=20), mixes, st.one_of(st.none(), st.integers(20, 200)), st.booleans(), st.booleans())
def test_loaders_have_the_length_they_say(counts, mix, length, drop_last, by_length):
    y,vocab = made(counts)
    kwargs = dict(cls=SortedDL, res=np.random.default_rng(1).integers(1, 50, len(y)).tolist()) if by_length else {}
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        dl = sampled(toy(y, len(vocab), **kwargs), Draw(mix, length, drop_last=drop_last)).train
        batches = list(dl)
    n = length or len(y)
    assert len(dl)==len(batches)==(n//16 if drop_last else -(-n//16))
    dl.rng = random.Random(5)
    a = list(dl.get_idxs())
    dl.rng = random.Random(5)
    assert list(dl.get_idxs())==a and len(a)==n

def test_oversampling_shows_every_item_though_the_last_batch_is_dropped():
    y,_ = made([83,9,1])
    for mix in ('balanced','sqrt','deferred'):
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            dl = sampled(toy(y, 3), Draw(mix, 'over')).train
            assert dl.drop_last and {int(i) for b in dl for i in b[0]}==set(range(93))

def test_two_workers_give_the_epoch_that_none_gives():
    y,_ = made([80,16])
    dl = sampled(toy(y, 2), 'balanced').train
    two = dl.new(num_workers=2)
    dl.rng,two.rng = random.Random(1),random.Random(1)
    assert [b[0].tolist() for b in dl]==[b[0].tolist() for b in two]

@few
@given(sizes.filter(lambda o: min(o)>0 and sum(o)>=16), mixes)
def test_the_table_tells_what_comes(counts, mix):
    y,vocab = made(counts)
    dls = sampled(toy(y, len(vocab)), Draw(mix, drop_last=False))
    t = class_mix(dls)
    assert np.allclose(t.drawn, dls_mix(dls)) and np.isclose(t.drawn.sum(), 1)
    assert (abs(t.realised-t.drawn)*len(y)<=1+1e-6).all() and t.seen.between(0, 1).all()

@given(st.sampled_from(['progressive','deferred']), st.integers(2, 300))
def test_schedules_start_natural_end_balanced_and_never_turn_back(mix, n):
    s = [balanced_share(mix, i, n) for i in range(n)]
    assert s[0]==0 and s[-1]==1 and s==sorted(s)
