"One recipe, read from a file, fits Learners of images, of texts, and fastai's own"
import numpy as np, pytest, torch
from fastai.basics import CrossEntropyLossFlat, DataLoaders, Learner, accuracy, nn

from fastclf.all import (Recipe, dls_counts, fit_as, fit_recipe, fit_staged, load_recipe, sampled, save_recipe, text_classifier, text_dls, toy_images,
    toy_texts, vision_classifier, vision_dls)

recipe = Recipe(('logit_adjusted', dict(tau=1.)), ('ranger', dict(eps=1e-6)), ('warm_up', dict(warm=.1, then='flat_cos')), 1, 3e-3, ['clip'])

def image_learner(tmp):
    df,folder = toy_images(36, folder=tmp/'images')
    return vision_classifier(vision_dls(df, 'file', 'label', folder, size=16, bs=8, num_workers=0), 'test_resnet', pretrained=False, path=tmp)

def text_learner(tmp): return text_classifier(text_dls(toy_texts(60), 'text', 'label', bs=8), 'mlp', path=tmp)

def stock_learner(tmp):
    y = torch.arange(60)%3
    items = list(zip(torch.randn(60, 4), y))
    dls = DataLoaders.from_dsets(items[:45], items[45:], bs=8, device='cpu')
    dls.vocab = ['a','b','c']
    return Learner(dls, nn.Linear(4,3), CrossEntropyLossFlat(), metrics=accuracy, path=tmp)

@pytest.mark.parametrize('build', [image_learner, text_learner, stock_learner])
def test_one_recipe_fits_all(build, tmp_path, capsys):
    r = load_recipe(save_recipe(recipe, tmp_path/'recipe.json'))
    learn = build(tmp_path)
    run = fit_as(learn, r, monitor='valid_loss')
    assert r==recipe and len(run.history)==1
    assert torch.allclose(learn.loss_func.log_priors.exp().cpu(), torch.tensor(dls_counts(learn.dls)/dls_counts(learn.dls).sum()).float())
    assert 'recipe: loss LogitAdjusted(' in capsys.readouterr().out and "optimizer opt_for('ranger', eps=1e-06)" in run.note

def test_priors_are_those_that_are_drawn(tmp_path):
    "Six, three and one of ten in the data, a third each as drawn"
    df = toy_texts(120)
    df = df[[(i%3==0) or (i%3==1 and i%2==0) or (i%18==2) for i in range(len(df))]].reset_index(drop=True)
    learn = text_classifier(text_dls(df, 'text', 'label', bs=8), 'mlp', path=tmp_path)
    learn.dls = sampled(learn.dls, 'balanced')
    assert np.ptp(dls_counts(learn.dls))>10
    fit_as(learn, recipe.but(cbs=()), monitor=None)
    assert torch.allclose(learn.loss_func.log_priors.exp(), torch.full((3,), 1/3), atol=.02)

def test_several_labels_without_an_argument(tmp_path):
    "The fits keep the best mean average precision, where items may have several labels"
    df = toy_texts(120)
    df['labels'] = [[o] if i%3 else [o,'both'] for i,o in enumerate(df.label)]
    learn = text_classifier(text_dls(df, 'text', 'labels', bs=8), 'mlp', path=tmp_path)
    runs = fit_recipe(learn, 2, 1e-2),fit_staged(learn, 1, 1, 1e-2)
    assert all('best label_mean_ap' in o.note and o.best.exists() for o in runs)
