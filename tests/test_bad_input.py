"Bad input gives one clear error before training starts: what is wrong, the value, what to do"
import time

import numpy as np, pandas as pd, pytest, torch
from PIL import Image

from fastai.callback.core import Callback
from fastclf.all import (Splits, check_frame, fit_recipe, history, stratified_split, text_classifier, text_dls, vision_classifier, vision_dls)

@pytest.fixture
def images(tmp_path):
    "Twelve patches of two colours, and their frame"
    rows = []
    for i in range(12):
        Image.new('RGB', (16,16), ('red','blue')[i%2]).save(tmp_path/f'{i}.png')
        rows.append((f'{i}.png', ('red','blue')[i%2]))
    return pd.DataFrame(rows, columns=['file','label']),tmp_path

@pytest.fixture
def texts():
    "Twelve texts of two classes"
    return pd.DataFrame(dict(text=[f'{w} number {i}' for i in range(6) for w in ('apple','stone')], label=['fruit','rock']*6))

def halves(n): return Splits(np.arange(0, n-4), np.arange(n-4, n))

def image_dls(df, folder, **kwargs): return vision_dls(df, 'file', 'label', folder, halves(len(df)), size=16, bs=4, num_workers=0, **kwargs)

def test_missing_column(images, texts):
    df,folder = images
    with pytest.raises(KeyError, match="lable.*label"): vision_dls(df, 'file', 'lable', folder, halves(12), size=16)
    with pytest.raises(KeyError, match="txt.*text"): text_dls(texts, 'txt', 'label', halves(12))
    with pytest.raises(KeyError, match="txt.*text"): check_frame(texts, 'txt', 'label')

def test_missing_file(images):
    df,folder = images
    (folder/'3.png').unlink()
    with pytest.raises(FileNotFoundError, match='3.png'): image_dls(df, folder)
    found = check_frame(df, 'file', 'label', folder)
    assert [3] in found.rows.tolist()

def test_corrupt_image(images):
    df,folder = images
    (folder/'3.png').write_bytes((folder/'3.png').read_bytes()[:30])
    found = check_frame(df, 'file', 'label', folder)
    assert [3] in found.rows.tolist()
    with pytest.raises(Exception, match='3.png'): list(image_dls(df, folder).train)

def test_empty_text(texts):
    texts.loc[2,'text'] = ' '
    found = check_frame(texts, 'text', 'label')
    assert [2] in found.rows.tolist()

def test_nan_text(texts):
    texts.loc[2,'text'] = None
    with pytest.raises(ValueError, match='2'): text_dls(texts, 'text', 'label', halves(12))

def test_nan_label(images, texts):
    df,folder = images
    df.loc[5,'label'] = texts.loc[5,'label'] = None
    with pytest.raises(ValueError, match=r'\[5\]'): image_dls(df, folder)
    with pytest.raises(ValueError, match=r'\[5\]'): text_dls(texts, 'text', 'label', halves(12))
    with pytest.raises(ValueError, match=r'\[5\]'): stratified_split(df.label)

def test_unknown_label_in_validation(images, texts):
    df,folder = images
    df.loc[11,'label'] = texts.loc[11,'label'] = 'green'
    with pytest.raises(ValueError, match='green'): image_dls(df, folder)
    with pytest.raises(ValueError, match='green'): text_dls(texts, 'text', 'label', halves(12))

def test_one_class(images, texts):
    df,folder = images
    with pytest.raises(ValueError, match='only one class'): image_dls(df.assign(label='red'), folder)
    with pytest.raises(ValueError, match='only one class'): text_dls(texts.assign(label='rock'), 'text', 'label', halves(12))

def test_class_with_one_item(images):
    df,_ = images
    df.loc[0,'label'] = 'lynx'
    with pytest.warns(UserWarning, match='lynx'): splits = stratified_split(df.label, valid=.3)
    assert 0 in splits.train

def test_unwritable_folder(images):
    "The error comes before the first batch, and nothing that the learner held is lost"
    df,folder = images
    learn = vision_classifier(image_dls(df, folder), 'test_resnet', pretrained=False)
    (folder/'file').write_text('')
    before = [p.detach().clone() for p in learn.model.parameters()]
    with pytest.raises(PermissionError, match='pass a folder'): fit_recipe(learn, 1, 1e-3, folder=folder/'file/models')
    assert all(torch.equal(a, b) for a,b in zip(before, learn.model.parameters()))

def test_unknown_names(images, texts):
    df,folder = images
    with pytest.raises(ValueError, match='resnet18'): vision_classifier(image_dls(df, folder), 'resnet_18', pretrained=False)
    with pytest.raises(ValueError, match='mpl'): text_classifier(text_dls(texts, 'text', 'label', halves(12), bs=4), 'mpl')

@pytest.mark.parametrize('offline', ['1', None])
def test_no_network_for_weights(images, texts, monkeypatch, tmp_path, offline):
    "With the hub switched off, and with a network that answers nothing"
    df,folder = images
    monkeypatch.setenv('HF_HOME', str(tmp_path/'hub'))
    if offline: monkeypatch.setenv('HF_HUB_OFFLINE', offline)
    else: monkeypatch.delenv('HF_HUB_OFFLINE', raising=False)
    t = time.time()
    with pytest.raises(OSError, match='pretrained=False'): vision_classifier(image_dls(df, folder), 'resnet10t', pretrained=True)
    assert time.time()-t < 5
    t = time.time()
    with pytest.raises(OSError, match='folder'): text_dls(texts, 'text', 'label', halves(12), tokenizer='bert-base-uncased')
    assert time.time()-t < 5

def test_interrupted_fit_keeps_what_was_computed(images):
    "An interrupt in the second epoch: the history of the first and the best model are there"
    class Stop(Callback):
        def before_epoch(self):
            if self.epoch==1: raise KeyboardInterrupt
    df,folder = images
    learn = vision_classifier(image_dls(df, folder), 'test_resnet', pretrained=False)
    with pytest.raises(KeyboardInterrupt): fit_recipe(learn, 3, 1e-3, folder=folder/'models', csv=folder/'history.csv', cbs=Stop())
    assert len(history(learn))==1 and len(pd.read_csv(folder/'history.csv'))==1
    assert list((folder/'models').glob('*.safetensors'))
