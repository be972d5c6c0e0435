"""Images per CPU-second of our loader and fastai's, from JPEG files to batches of floats at 224 pixels, in one process and without workers.

The augmentation is the same on both sides: the image squished to 256 x 256, a window of 224 x 224 at a random place, mirrored with probability .5.
fastai does it in its cheapest form, on single images before they are floats: `Resize(256, method='squish'), FlipItem(), RandomCrop(224)`;
ours is `vision_dls(size=256, batch_tfms=CropFlip(224))`. Files: 500 x 375 pixels, smooth noise, quality 90.
"""
import tempfile
from pathlib import Path

import numpy as np, pandas as pd

from bench.harness import bench, cpu_times, result

peer = 'fastai ImageDataLoaders, Resize, FlipItem, RandomCrop'

def jpegs(folder, n):
    "Frame of `n` JPEG files of 500 x 375 pixels in ten classes"
    from PIL import Image
    rng = np.random.default_rng(0)
    for i in range(n):
        im = Image.fromarray(rng.integers(0, 255, (24,32,3), dtype=np.uint8)).resize((500,375), Image.BICUBIC)
        noisy = np.asarray(im).astype(np.int16)+rng.integers(-8, 8, (375,500,3))
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(folder/f'{i}.jpg', quality=90)
    return pd.DataFrame(dict(file=[f'{i}.jpg' for i in range(n)], label=np.arange(n)%10))

def loaders(df, folder, splits, light=True):
    "fastai's DataLoaders, and a function that makes ours with a cache: with crop and mirror, or all of `aug_transforms()`"
    from fastai.vision.all import FlipItem, ImageDataLoaders, RandomCrop, Resize, aug_transforms
    from fastclf.all import vision_dls
    from fastclf.vision.batch import CropFlip
    squish = Resize(256, method='squish') if light else Resize(224, method='squish')
    item,batch = ([squish, FlipItem(), RandomCrop(224)],None) if light else (squish,aug_transforms())
    frame = df.assign(valid=np.isin(df.index, splits[1]))
    theirs = ImageDataLoaders.from_df(frame, folder, valid_col='valid', bs=32, num_workers=0, device='cpu', item_tfms=item, batch_tfms=batch)
    ours = lambda cache: vision_dls(df, 'file', 'label', folder, splits, size=256 if light else 224, bs=32, num_workers=0, device='cpu', cache=cache,
        batch_tfms=CropFlip(224) if light else aug_transforms())
    return theirs,ours

def epoch(dls, parts=1):
    "Draw all batches of the training part, or of the first `parts` parts"
    for dl in dls.loaders[:parts]:
        for b in dl: pass

@bench('image_cached', 'image_first')
def images(n=320, n_valid=32):
    "Training batches from the cache; and the first epoch, training and validation, with the loaders made and all files decoded"
    import torch
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        df,splits = jpegs(folder, n),(range(n_valid, n),range(n_valid))
        theirs,ours = loaders(df, folder, splits)
        theirs_all,ours_all = loaders(df, folder, splits, light=False)
        kept,kept_all,runs = ours(folder/'cache'),ours_all(folder/'cache'),iter(range(99))
        secs = cpu_times(3, theirs=lambda: epoch(theirs), kept=lambda: [epoch(kept) for _ in range(4)], first=lambda: epoch(ours(folder/f'cache{next(runs)}'), 2),
            theirs_first=lambda: epoch(theirs, 2), theirs_all=lambda: epoch(theirs_all), kept_all=lambda: epoch(kept_all))
        secs['kept'] /= 4
        rate = {k:(n if 'first' in k else (n-n_valid)//32*32)/s for k,s in secs.items()}
        n_bytes = sum(f.stat().st_size for f in (folder/'cache').rglob('*.npy'))
    more = dict(images_per_second={k:round(v) for k,v in rate.items()}, aug_transforms_ratio=round(rate['kept_all']/rate['theirs_all'], 2), cache_bytes=n_bytes)
    return [result(name, rate[k]/rate[p], target, 'higher', peer, round(rate[p], 1), n, 'x', **more)
        for name,k,p,target in (('image_cached','kept','theirs',25), ('image_first','first','theirs_first',1.5))]
