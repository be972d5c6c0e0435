"Streams: every row exactly once per epoch for any number of workers, resumable at any batch, and trained on by the text model"
import gzip, warnings

import numpy as np, pandas as pd, pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from fastclf.core import seeded
from fastclf.data.buffer import draw_rates, shuffled_blocks
from fastclf.data.examples import toy_texts
from fastclf.data.mix import Draw
from fastclf.data.sources import TextStream, count_stream
from fastclf.data.stream import StreamDL, StreamRows, stream_dls

quick = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

class Letters:
    "A tokenizer: the numbers of a text's letters"
    pad = 0
    def encode(self, texts): return [[ord(c) for c in t] for t in texts]
    def decode(self, ids): return ''.join(map(chr, filter(None, ids)))

def rows_of(sizes, sampler=None, n=None):
    "Rows in parts of the given sizes; the text is the number of the row, blown up to an uneven length"
    names = [f'{i} {"x"*(i*7%23)}' for i in range(sum(sizes))]
    frames = [pd.DataFrame(dict(t=o, y=[f'c{int(t.split()[0])%3}' for t in o]), dtype=object) for o in np.split(np.array(names, dtype=object), np.cumsum(sizes)[:-1])]
    stream = TextStream([], 't', 'y')
    stream.parts = frames
    counts = count_stream(stream)
    if n: counts.n = n
    return StreamRows(stream, Letters(), counts.vocab, counts, None if sampler is None else draw_rates(counts.counts, counts.vocab, sampler)),names

def texts(batches): return [Letters().decode(x.tolist()) for xb,_ in batches for x in xb]

def shared(dl, k):
    "Batches as `k` workers make them and torch puts them together: one from each in turn"
    parts = []
    for i in range(k):
        dl.offs,dl.num_workers = i,k
        parts.append(list(dl.create_batches(None)))
    dl.offs,dl.num_workers = 0,1
    return [parts[j%k][j//k] for j in range(sum(map(len, parts)))]

sizes = st.lists(st.integers(0, 40), min_size=1, max_size=5).filter(lambda o: sum(o)>0)

@quick
@given(sizes, st.integers(1, 9), st.integers(0, 200), st.integers(0, 5), st.sampled_from([1,2,3,5]))
def test_once_per_epoch(sizes, bs, buffer, epoch, workers):
    rows,names = rows_of(sizes)
    dl = StreamDL(rows, bs=bs, shuffle=True, buffer=buffer)
    dl.at = epoch,0
    alone,together = texts(shared(dl, 1)),texts(shared(dl, workers))
    assert sorted(alone)==sorted(names) and together==alone
    assert [len(x) for x,_ in shared(dl, workers)]==[bs]*(len(names)//bs)+[len(names)%bs]*(len(names)%bs>0)
    dl.drop_last = True
    assert len(shared(dl, workers))==len(dl)==len(names)//bs
    plain = dl.new(shuffle=False, drop_last=False)
    assert texts(shared(plain, workers))==names

@quick
@given(sizes, st.integers(1, 9), st.integers(0, 200), st.integers(0, 3), st.sampled_from([1,3]), st.data())
def test_resume_anywhere(sizes, bs, buffer, epoch, workers, data):
    rows,_ = rows_of(sizes)
    dl,other = (StreamDL(rows, bs=bs, shuffle=True, buffer=buffer) for _ in range(2))
    dl.resume(epoch)
    whole = texts(dl)
    at = data.draw(st.integers(0, -(-len(rows)//bs)))
    other.resume(epoch, at)
    assert len(other)==-(-len(rows)//bs)-at
    assert texts(shared(other, workers))==whole[at*bs:]==texts(other)
    assert other.position==dict(epoch=epoch+1, batch=0)

@quick
@given(st.integers(1, 300), st.integers(1, 20), st.integers(1, 400), st.integers(1, 50), st.integers(1, 50))
def test_order_is_that_of_the_seed(n, step, size, a, b):
    def order(chunk, seed=0):
        chunks = ((np.arange(i, min(i+chunk, n)),) for i in range(0, n, chunk))
        return np.concatenate([o for o, in shuffled_blocks(chunks, size, step, np.random.default_rng(seed))])
    assert order(a).tolist()==order(b).tolist()
    assert sorted(order(a))==list(range(n))

@settings(quick, max_examples=25)
@given(sizes, st.sampled_from(['balanced', 'sqrt', Draw('balanced', 50), Draw(.3, 'over'), dict(c0=.2)]), st.sampled_from([1,3]))
def test_drawn_epochs_keep_their_length(sizes, sampler, workers):
    rows,names = rows_of(sizes, sampler)
    if not rows.drawn: return
    dl = StreamDL(rows, bs=4, shuffle=True, buffer=30)
    got = texts(shared(dl, workers))
    assert len(got)==rows.drawn and len(shared(dl, workers))==len(dl)
    assert set(got)<=set(names)
    if rows.rates.min()>=1 and len(rows.stream.parts)==1 and rows.rates.max()==1: assert sorted(got)==sorted(names)

@settings(quick, max_examples=30)
@given(sizes, st.integers(1, 300))
def test_stated_length(sizes, n):
    rows,names = rows_of(sizes, n=n)
    dl = StreamDL(rows, bs=4, shuffle=True, buffer=20)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter('always')
        got = texts(dl)
        seen = texts(dl.new(shuffle=False))
    assert len(got)==n and max(got.count(o) for o in set(got))<=-(-n//len(names))
    assert seen==names[:n]
    assert len(said)==2*(n!=len(names))

@pytest.fixture
def files(tmp_path):
    "Rows in a plain file, an empty one, one with a header alone and a packed one; and the frame"
    df = toy_texts(203, k=3)
    df['text'] = [f'{t} {i}' for i,t in enumerate(df.text)]
    df[:50].to_csv(tmp_path/'a.csv', index=False)
    (tmp_path/'b.csv').write_text('')
    df[:0].to_csv(tmp_path/'c.csv', index=False)
    df[50:].to_csv(tmp_path/'d.csv.gz', index=False)
    return tmp_path,df

@pytest.mark.parametrize('workers', [0,1,3])
def test_processes(files, workers):
    folder,df = files
    stream = TextStream(folder/'*.csv*', 'text', 'label')
    dls = stream_dls(stream, stream, Letters(), bs=8, buffer=64, num_workers=workers)
    epochs = [texts(dls.train) for _ in range(2)]
    alone = texts(stream_dls(stream, stream, Letters(), bs=8, buffer=64).train)
    assert epochs[0]==alone and epochs[0]!=epochs[1]
    assert all(sorted(o)==sorted(df.text) for o in epochs)
    assert texts(dls.valid)==df.text.tolist()
    it = iter(dls.train)
    for _ in range(4): next(it)
    it.close()
    dls.train.resume(**dls.train.position)
    assert texts(dls.train)==texts_of_epoch(dls, 2)[4*8:]

def texts_of_epoch(dls, epoch):
    "The texts of one epoch, made in this process"
    dl = dls.train.new(num_workers=0)
    dl.resume(epoch)
    return texts(dl)

def test_streaming_data_set(files):
    datasets = pytest.importorskip('datasets')
    df = files[1]
    stream = TextStream(datasets.Dataset.from_pandas(df).to_iterable_dataset(num_shards=3), 'text', 'label')
    dls = stream_dls(stream, stream, Letters(), bs=8, buffer=64, num_workers=3)
    assert sorted(texts(dls.train))==sorted(df.text)

def test_torn_file(tmp_path):
    df = toy_texts(3000)
    data = gzip.compress(df.to_csv(index=False).encode())
    (tmp_path/'torn.csv.gz').write_bytes(data[:len(data)//2])
    with pytest.raises(ValueError, match='torn.csv.gz'): count_stream(TextStream(tmp_path/'torn.csv.gz', 'text', 'label'))
    (tmp_path/'latin.csv').write_bytes('text,label\ncafé,a\n'.encode('latin-1'))
    with pytest.raises(ValueError, match="encoding='latin-1'"): count_stream(TextStream(tmp_path/'latin.csv', 'text', 'label'))
    assert count_stream(TextStream(tmp_path/'latin.csv', 'text', 'label', encoding='latin-1')).texts==['café']

@pytest.mark.parametrize('workers', [0,2])
def test_text_model_trains_on_a_stream(files, workers):
    from fastclf.finder import find_lr
    from fastclf.learner import predict
    from fastclf.preflight import preflight
    from fastclf.fit import fit_recipe
    from fastclf.text.words import VocabTokenizer, word_tokens
    from fastclf.text.learner import text_classifier
    folder,df = files
    train,valid = TextStream(folder/'*.csv*', 'text', 'label'),TextStream(df[:60], 'text', 'label')
    counts = count_stream(train, word_tokens)
    tok = VocabTokenizer(['<pad>','<unk>',*counts.common()])
    with seeded(0):
        dls = stream_dls(train, valid, tok, counts, bs=16, num_workers=workers)
        learn = text_classifier(dls)
        preflight(learn)
        find_lr(learn, num_it=12)
        assert dls.train.epoch==0
        fit_recipe(learn, 8, 5e-3)
    got = predict(learn)
    assert (got.targs==got.probs.argmax(1)).mean()>.9
    assert [got.vocab[i] for i in got.targs]==df.label[:60].tolist() and list(got.ids)==list(range(60))
    part = predict(learn, 'train')
    assert [part.vocab[i] for i in part.targs]==df.label.tolist()
    new = predict(learn, df[:60])
    np.testing.assert_allclose(new.probs, got.probs, atol=1e-5)
    unlabelled = predict(learn, dls.test_dl(TextStream(df[:60], 'text')))
    np.testing.assert_allclose(unlabelled.probs, got.probs, atol=1e-5)
    assert unlabelled.targs is None
    learn.show_results(max_n=2)
