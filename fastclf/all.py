"Everything at once, for notebooks: `from fastclf.all import *`"
from pathlib import Path

import matplotlib.pyplot as plt, numpy as np, pandas as pd
from fastai.basics import *

from fastclf.core import *
from fastclf.labels import *
from fastclf.metrics import *
from fastclf.preds import *
from fastclf.data.examples import *
from fastclf.data.split import *
from fastclf.data.imbalance import *
from fastclf.data.check import *
from fastclf.data.sampler import *
from fastclf.state import *
from fastclf.losses import *
from fastclf.optimizer import *
from fastclf.schedule import *
from fastclf.init import *
from fastclf.learner import *
from fastclf.callback.snapshot import *
from fastclf.preflight import *
from fastclf.finder import *
from fastclf.recipe import *
from fastclf.builder import *
from fastclf.vision.data import *
from fastclf.vision.learner import *
from fastclf.text.data import *
from fastclf.text.learner import *
from fastclf.text.transformers import *
from fastclf.baseline import *
from fastclf.adjust import *
from fastclf.ensemble import *
from fastclf.interpret import *
from fastclf.report import *
