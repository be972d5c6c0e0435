"""Check the layout of nbs/api: names, import order, sizes. Prints a line per problem and exits 1 if there is one.

    python tools/check_layout.py [folder of notebooks]
"""
import ast, json, re, sys
from pathlib import Path

max_lines,max_cells,cell_lines,cell_defs,example_lines,in_a_row,max_kb = 230,70,25,3,10,2,200
late = 'timm', 'torchvision', 'transformers', 'fastai.vision.augment', 'fastai.vision.learner', 'fastai.vision.all'

def code_cells(nb):
    "Sources of the code cells, each with whether it is exported"
    for c in nb['cells']:
        s = ''.join(c['source'])
        if c['cell_type']=='code': yield s,bool(re.search(r'^#\|\s*exports?\b', s, re.M))

def n_lines(src):
    "Lines of code: no blanks, no directives"
    return sum(1 for l in src.splitlines() if l.strip() and not l.lstrip().startswith('#|'))

def imported(node):
    "Names of the modules that an import statement loads"
    return [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module] if isinstance(node, ast.ImportFrom) else []

def run_in_a_row(nb):
    "The longest run of exported code cells without anything between"
    best = run = 0
    for c in nb['cells']:
        exported = c['cell_type']=='code' and re.search(r'^#\|\s*exports?\b', ''.join(c['source']), re.M)
        run = run+1 if exported else 0
        best = max(best, run)
    return best

def check_cell(src, exported, number, numbers):
    "Problems of one code cell"
    hidden = re.search(r'^#\|\s*hide\b', src, re.M)
    try: tree = ast.parse(re.sub(r'^\s*[%!].*$', '', src, flags=re.M))
    except SyntaxError as e: return [f'does not parse: {e}']
    res = []
    imports = [(n,m) for n in ast.walk(tree) for m in imported(n) if m]
    for n,m in imports:
        if m.startswith('fastclf.') and m in numbers and numbers[m]>=number: res.append(f'imports {m}, number {numbers[m]:02d}, which is not lower')
        if exported and isinstance(n, ast.ImportFrom) and n.names[0].name=='*': res.append(f'star import of {m} in an exported cell')
        if exported and n in tree.body and m.startswith(late): res.append(f'imports {m} at the top; import it in the function that needs it')
    size,defs = n_lines(src),sum(isinstance(o, (ast.FunctionDef,ast.ClassDef)) for o in tree.body)
    if exported and size>cell_lines: res.append(f'exported cell of {size} lines, over {cell_lines}: {src.splitlines()[1][:60]}')
    if exported and defs>cell_defs: res.append(f'exported cell with {defs} definitions, over {cell_defs}')
    if not exported and not hidden and size>example_lines: res.append(f'example of {size} lines, over {example_lines}: {src.splitlines()[0][:60]}')
    return res

def check_notebook(path, numbers):
    "Problems of one notebook"
    nb = json.loads(path.read_text(encoding='utf-8'))
    cells = list(code_cells(nb))
    number,module = path.stem.split('_', 1)
    exp = [m[1] for s,_ in cells for m in [re.search(r'^#\|\s*default_exp\s+(\S+)', s, re.M)] if m]
    res = [] if exp==[module] else [f'default_exp is {exp}, the file name says {module}']
    for s,e in cells: res += check_cell(s, e, int(number), numbers)
    total = sum(n_lines(s) for s,e in cells if e)
    if total>max_lines: res.append(f'{total} exported lines, over {max_lines}: split it by the reader\'s question')
    if len(nb['cells'])>max_cells: res.append(f"{len(nb['cells'])} cells, over {max_cells}")
    if run_in_a_row(nb)>in_a_row: res.append(f'{run_in_a_row(nb)} exported cells in a row, over {in_a_row}')
    if path.stat().st_size>max_kb*1000: res.append(f'{path.stat().st_size/1000:.0f} kB, over {max_kb}')
    return res

def main(folder='nbs/api'):
    "Check every notebook of `folder`"
    paths = sorted(Path(folder).glob('*.ipynb'))
    numbers,problems = {},[]
    for p in paths:
        if not re.fullmatch(r'\d\d_[a-z_.]+', p.stem): problems.append(f'{p.name}: the name must be NN_module.name.ipynb')
        else: numbers['fastclf.'+p.stem[3:]] = int(p.stem[:2])
    if not problems: problems = [f'{p.name}: {o}' for p in paths for o in check_notebook(p, numbers)]
    print('\n'.join(problems) or f'layout: {len(paths)} notebooks, no problem')
    return bool(problems)

if __name__=='__main__': sys.exit(main(*sys.argv[1:]))
