"""Write README.md from nbs/index.ipynb: hidden cells and directives go, links to notebooks point into the repository.

    python tools/make_readme.py [--check]     --check only says whether README.md is up to date
"""
import re, sys
from pathlib import Path

import nbformat
from nbconvert import MarkdownExporter

root = Path(__file__).parent.parent

def readme_text(path):
    "The notebook at `path` as Markdown"
    nb = nbformat.read(path, 4)
    nb.cells = [c for c in nb.cells if not re.search(r'^#\|\s*hide\b', c.source, re.M)]
    for c in nb.cells:
        if c.cell_type=='code': c.source = re.sub(r'^#\|.*\n?', '', c.source, flags=re.M).strip()
        c.source = re.sub(r'\]\((?!https?:|#)([^)]+\.ipynb)', r'](nbs/\1', c.source)
    text,_ = MarkdownExporter().from_notebook_node(nb)
    return '<!-- made from nbs/index.ipynb by `make readme` -->\n\n' + re.sub(r'\n{3,}', '\n\n', text).strip() + '\n'

def main(check):
    "Write README.md, or say that it is out of date"
    text,path = readme_text(root/'nbs/index.ipynb'),root/'README.md'
    if not check: return path.write_text(text, encoding='utf-8') and None
    if path.read_text(encoding='utf-8')!=text: return 'README.md is not what nbs/index.ipynb says; run: make readme'

if __name__=='__main__': sys.exit(main('--check' in sys.argv[1:]))
