"""What unlabelled items add to few labels, strategy by strategy, over the same net trained on the labels alone, paired by seed.

Digits: scikit-learn's digits as 8 x 8 images, 40 labelled (4 of each class), 960 unlabelled, 740 for testing; which are which, and the net,
by seed. Every model, that without unlabelled items too, trains the same number of steps of 32 labelled or mixed items with shifts by one
pixel; FixMatch has 96 unlabelled items in each step besides. Long tail: 20 labels of the commonest class and 2 of the rarest, the 460
unlabelled items distributed alike, macro-F1 on a balanced test part. Texts: docstrings by library, 10 labelled of each of 11 classes, 1,000
unlabelled. The test part is scored once per model and chooses nothing. Thresholds, rates and changes were set before; the number of steps was
raised for all alike from 150, with which FixMatch cannot yet differ, after trials on other draws of the same digits.
Peers are the model without unlabelled items and, beside it, one with the student's strong augmentation and still no unlabelled items.
"""
import functools

from bench.harness import bench, result

seeds,steps = range(8),400

def digits(seed, ir, head, share):
    "Labelled and test rows, unlabelled rows, folder; a `share` of each class of the training part is labelled, 2 or more"
    import numpy as np
    from fastclf.data.examples import digits_frame
    df,path = digits_frame(ir=ir, head=head, test=74, seed=seed)
    df = df.assign(split=df.split.replace('test', 'valid'))
    rng = np.random.default_rng(seed)
    train = df[df.split=='train']
    few = np.concatenate([rng.permutation(o)[:max(2, round(share*len(o)))] for o in train.groupby('label').groups.values()])
    more = train.drop(few).reset_index(drop=True)
    return df.drop(train.index.difference(few)).reset_index(drop=True),more.drop(columns='label'),path

def changed(change):
    "A batch transform for training that applies `change` to the images"
    from fastai.torch_core import TensorImage
    from fasttransform import Transform
    class Changed(Transform):
        split_idx,order = 0,99
        def encodes(self, x:TensorImage): return change(x)
    return Changed()

def image_builder(path, change=None):
    "Function of a frame: a Learner of two convolutions, training images changed by `change`"
    def build(frame):
        from torch import nn
        from fastclf.all import CrossEntropy, class_learner, split_from_column, vision_dls
        tfms = None if change is None else [changed(change)]
        dls = vision_dls(frame, 'file', 'label', path, split_from_column(frame.split), size=8, n_channels=1, bs=32, device='cpu', batch_tfms=tfms)
        conv = lambda i,o,stride: [nn.Conv2d(i, o, 3, stride, 1), nn.GroupNorm(4, o), nn.ReLU()]
        net = nn.Sequential(*conv(1, 16, 1), *conv(16, 32, 2), nn.Flatten(), nn.Dropout(.1), nn.Linear(512, 10))
        return class_learner(dls, net, loss=CrossEntropy(), metrics=[])
    return build

def weak_images(x):
    "The weak change: shifts by one pixel"
    from fastclf.consistency import jitter_images
    return jitter_images(x)

def strong_images(x):
    "The strong change of noisy student and FixMatch"
    from fastclf.consistency import jitter_images
    return jitter_images(x, 1, contrast=.5, noise=.15, cut=.4)

def text_builder(frame):
    "A Learner of pooled word vectors"
    from fastclf.all import CrossEntropy, split_from_column, text_classifier, text_dls
    dls = text_dls(frame, 'text', 'label', split_from_column(frame.split), bs=32, max_len=100, device='cpu')
    return text_classifier(dls, 'mlp', loss=CrossEntropy(), metrics=[])

def fit(learn, n=None, lr=4e-3):
    "`n` steps of one cycle, `steps` if None, not validated in between"
    import importlib
    from fastai.callback.core import Callback, CancelValidException
    importlib.import_module('fastai.callback.schedule')
    class Unwatched(Callback):
        def before_validate(self): raise CancelValidException()
    with learn.no_bar(), learn.no_logging(), learn.added_cbs(Unwatched()): learn.fit_one_cycle(max(1, round((n or steps)/len(learn.dls.train))), lr)

def trained(build, df, n=None):
    "The Learner of `build`, fitted"
    learn = build(df)
    fit(learn, n)
    return learn

def fixmatch(df, more, path, n=None, alike=True):
    "FixMatch with three unlabelled items for each labelled one, threshold .95; `alike`: are labelled items shifted as well?"
    from fastclf.consistency import FixMatch
    class Unlike(FixMatch):
        def before_batch(self): pass
    learn = image_builder(path)(df)
    learn.dls.train.images.cache.add([path/o for o in more.file])
    cb = (FixMatch if alike else Unlike)(learn.dls.test_dl(more, bs=96, shuffle=True, drop_last=True), weak_images, strong_images)
    learn.add_cb(cb)
    fit(learn, n)
    return learn

def strategies(df, more, build, path=None):
    "Per name of a strategy a function that gives a trained Learner; those for images if there is a `path`"
    from fastclf.pseudo import pseudo_frame, pseudo_labels
    from fastclf.selftrain import fit_mixed, fit_pretrained, self_train
    from fastclf.learner import predict
    @functools.cache
    def first(): return trained(build, df)
    @functools.cache
    def preds(): return predict(first(), more)
    def sure(low): return pseudo_frame(df, more, pseudo_labels(preds(), low))
    some = dict(none=first, mixed=lambda: fit_mixed(sure(.95), build, fit), mixed_soft=lambda: fit_mixed(sure(0), build, fit, soft=preds()),
        pretrained=lambda: fit_pretrained(sure(.95), build, lambda o: fit(o, steps*3//4), lambda o: fit(o, steps//4, 1e-3)),
        rounds=lambda: self_train(df, more, build, fit, 2, lambda p,v: pseudo_labels(p, .95, least=5)).learn)
    if path is None: return some
    noisy = image_builder(path, strong_images)
    student = lambda: fit_mixed(sure(0), noisy, fit, .75, soft=preds())
    return some | dict(none_strong=lambda: trained(noisy, df), student=student, fixmatch=lambda: fixmatch(df, more, path))

def rare_strategies(df, more, build):
    "Ways to choose pseudo-labels on a long tail"
    from fastclf.pseudo import flex_thresholds, pseudo_frame, pseudo_labels, rarity_quota
    from fastclf.selftrain import fit_mixed
    from fastclf.learner import predict
    @functools.cache
    def first(): return trained(build, df)
    @functools.cache
    def preds(): return predict(first(), more)
    counts = df[df.split=='train'].label.value_counts().sort_index().to_numpy()
    def mixed(**select): return fit_mixed(pseudo_frame(df, more, pseudo_labels(preds(), **select)), build, fit)
    return dict(none=first, threshold=mixed, least=lambda: mixed(least=10), flex=lambda: mixed(min_prob=flex_thresholds(preds())),
        rarity=lambda: mixed(min_prob=0., most=rarity_quota(preds(), counts)))

def compared(name, main, tasks, score):
    "Result: points of `main` over none, and of the others; `tasks(seed)` gives the strategies"
    import torch
    from fastclf.all import predict, scores, seeded
    from fastclf.experiment import compare_runs
    import pandas as pd, time
    torch.set_num_threads(1)
    rows = []
    for s in seeds:
        for k,f in tasks(s).items():
            start = time.process_time()
            with seeded(s): got = scores(predict(f()))
            rows.append(dict(variant=k, seed=s, score=got[score], seconds=time.process_time()-start, item_se=float('nan')))
    t = compare_runs(pd.DataFrame(rows), score)
    gains = {k:[round(100*r.difference, 2), round(100*r.difference_se, 2)] for k,r in t.iterrows() if k!='none'}
    return result(name, gains[main][0], 0, 'higher', f'labels alone, {score}', round(t['mean']['none'], 4), len(seeds), 'points', se=gains[main][1], strategy=main,
        gains=gains, verdict=t.note, cpu_seconds=dict(t.seconds.round(2)))

@bench('semisup_digits')
def semisup_digits():
    "Every strategy with 4 labels per class"
    def tasks(s):
        df,more,path = digits(s, 1, 100, .04)
        return strategies(df, more, image_builder(path, weak_images), path)
    return [compared('semisup_digits', 'mixed', tasks, 'accuracy')]

@bench('semisup_fixmatch')
def semisup_fixmatch():
    "FixMatch over 400 steps and over 100, beside the same augmentation without unlabelled items, and with labelled items that are not changed alike"
    def tasks(s, n):
        df,more,path = digits(s, 1, 100, .04)
        some = dict(none=lambda: trained(image_builder(path, weak_images), df, n), none_strong=lambda: trained(image_builder(path, strong_images), df, n))
        return some | dict(fixmatch=lambda: fixmatch(df, more, path, n), unlike=lambda: fixmatch(df, more, path, n, False))
    full,short = [compared('semisup_fixmatch', 'fixmatch', functools.partial(tasks, n=n), 'accuracy') for n in (400,100)]
    return [full | dict(gains_after_100=short['gains'])]

@bench('semisup_longtail')
def semisup_longtail():
    "One threshold, quotas and thresholds by class on a long tail"
    def tasks(s):
        df,more,path = digits(s, 10, 100, .2)
        return rare_strategies(df, more, image_builder(path, weak_images))
    return [compared('semisup_longtail', 'least', tasks, 'macro_f1')]

@bench('semisup_texts')
def semisup_texts():
    "Docstrings with 10 labels per class"
    import numpy as np
    from fastclf.data.examples import docstrings_frame
    def tasks(s):
        df = docstrings_frame(2210, seed=s)
        order = np.random.default_rng(s).permutation(len(df))
        few = np.concatenate([order[np.isin(order, np.flatnonzero(df.label==c))][:10] for c in sorted(df.label.unique())])
        rest = order[~np.isin(order, few)]
        own = df.iloc[np.r_[few, rest[1000:]]].assign(split=['train']*len(few)+['valid']*(len(rest)-1000)).reset_index(drop=True)
        return strategies(own, df.iloc[rest[:1000]].drop(columns='label').reset_index(drop=True), text_builder)
    return [compared('semisup_texts', 'mixed', tasks, 'macro_f1')]
