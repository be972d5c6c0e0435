"Review in a real browser: JupyterLab and the classic notebook, in a headless Chromium"
import importlib.util, json, os, shutil, socket, subprocess, sys, time
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import nbformat, pandas as pd, pytest

from fastclf.data.examples import digits_frame
from fastclf.decisions import apply_review, review_table

root = Path(__file__).parent.parent
pictures = root/'artefacts'
browsers = 'chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'
token = 'only-for-this-test'
cell = "import pandas as pd\nfrom fastclf.review import review\nreview(pd.read_csv('items.csv'), path='images', vocab=range(10))"
films = pd.DataFrame(dict(text=['A soldier comes home.','Two thieves fall in love.','Nothing happens.'], label=['war','crime;war','']))
cell_films = """from fastclf.preds import Preds
review(pd.read_csv('films.csv', na_filter=False), 'films_review.csv', delim=';', preds=Preds([[.1,.8,.7],[.6,.1,.3],[.1,.2,.1]], vocab=['crime','drama','war'], multi=True))"""

def missing():
    "Why the browser cannot be tested here, or ''"
    packages = [o for o in ('playwright','jupyterlab','nbclassic','anywidget') if importlib.util.find_spec(o) is None]
    if packages: return f"not installed: {', '.join(packages)}; pip install 'fastclf[dev]'"
    return '' if any(map(shutil.which, browsers)) else f"no browser among {', '.join(browsers)}; on Debian: apt-get install chromium"

def wait_for(f, seconds=300):
    "The first true value of `f()`"
    end = time.time()+seconds
    while time.time()<end:
        try:
            if res := f(): return res
        except (URLError, OSError, ValueError): pass
        time.sleep(.1)
    raise TimeoutError(f"not within {seconds} s: {f}")

@contextmanager
def jupyter(folder):
    "A server on a free port with everything of its own; the address"
    with socket.socket() as s:
        s.bind(('127.0.0.1',0))
        port = s.getsockname()[1]
    own = {f'JUPYTER_{o}_DIR':str(folder/'.jupyter'/o) for o in ('CONFIG','DATA','RUNTIME')} | {f'JUPYTERLAB_{o}_DIR':str(folder/'.jupyter'/o) for o in ('SETTINGS','WORKSPACES')}
    env = {**os.environ, **own, 'IPYTHONDIR':str(folder/'.jupyter/ipython'), 'PYTHONPATH':os.pathsep.join(filter(None, [str(root),os.environ.get('PYTHONPATH')]))}
    cmd = [sys.executable, '-m', 'jupyterlab', '--no-browser', '--allow-root', '--ip=127.0.0.1', f'--port={port}', '--ServerApp.port_retries=0', f'--IdentityProvider.token={token}', f'--ServerApp.root_dir={folder}']
    quiet = folder/'.jupyter/SETTINGS/@jupyterlab/apputils-extension/notification.jupyterlab-settings'
    quiet.parent.mkdir(parents=True)
    quiet.write_text(json.dumps(dict(fetchNews='false', checkForUpdates=False)))
    with open(folder/'server.log', 'w') as log: server = subprocess.Popen(cmd, env=env, stdout=log, stderr=log)
    try:
        wait_for(lambda: urlopen(f'http://127.0.0.1:{port}/api/status?token={token}').status==200)
        yield f'http://127.0.0.1:{port}'
    finally:
        server.terminate()
        try: server.wait(60)
        except subprocess.TimeoutExpired: server.kill()

@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    "Thirty digits of which the first three have wrong labels, and two notebooks"
    d = tmp_path_factory.mktemp('review')
    df,images = digits_frame(head=40, ir=4, test=5)
    df = df.iloc[:30].assign(truth=lambda o: o.label, pred=lambda o: o.label, prob=.97)
    df['label'] = [str((int(o)+1)%10) if i<3 else o for i,o in enumerate(df.label)]
    (d/'images').mkdir()
    for o in df.file: shutil.copy(images/o, d/'images')
    df.to_csv(d/'items.csv', index=False)
    films.to_csv(d/'films.csv', index=False)
    kernel = dict(kernelspec=dict(name='python3', display_name='Python 3', language='python'))
    for o,cells in (('review.ipynb',[cell,cell_films]), ('classic.ipynb',[cell])):
        nbformat.write(nbformat.v4.new_notebook(cells=[*map(nbformat.v4.new_code_cell, cells)], metadata=kernel), d/o)
    return d

@pytest.fixture(scope='module')
def browser():
    if reason := missing(): (pytest.fail if os.environ.get('CI')=='true' else pytest.skip)(reason)
    from playwright.sync_api import sync_playwright
    with sync_playwright() as p:
        b = p.chromium.launch(executable_path=next(filter(None, map(shutil.which, browsers))))
        yield b
        b.close()

@pytest.fixture(scope='module')
def server(folder, browser):
    with jupyter(folder) as url: yield url

@pytest.fixture
def page(browser):
    p = browser.new_page(viewport=dict(width=1280, height=1150))
    p.set_default_timeout(300_000)
    yield p
    p.close()

def labels_after(folder):
    "Labels of the films as the file of decisions has them, whatever its state"
    with redirect_stdout(StringIO()): return apply_review(films, folder/'films_review.csv', delim=';').label.tolist() if (folder/'films_review.csv').exists() else []

def marks(page): return page.locator('.fclf-card').evaluate_all("os => os.map(o => o.dataset.mark || '')")

def decided(folder):
    "Decisions in the file that stand"
    return review_table(folder/'review.csv') if (folder/'review.csv').exists() else []

def test_jupyterlab(server, page, folder):
    df = pd.read_csv(folder/'items.csv', dtype=dict(label=str, truth=str))
    page.goto(f'{server}/lab/tree/review.ipynb?token={token}&reset')
    page.get_by_text('Python 3 (ipykernel) | Idle').first.wait_for() # a cell that is run before is lost
    page.locator('.jp-Notebook .cm-content').first.click()
    page.keyboard.press('Control+Enter')
    page.locator('.fclf-card').nth(11).wait_for()
    cells = page.locator('.jp-Notebook .jp-Cell').count()
    page.locator('.fclf').focus()
    page.keyboard.press('p')                      # the first: take the prediction
    page.keyboard.press('r')                      # the second: type the label
    page.keyboard.type(df.truth[1])
    page.keyboard.press('Enter')
    page.locator('.fclf-card').nth(2).get_by_role('button', name='relabel').click()
    page.locator('.fclf-list div').get_by_text(df.truth[2], exact=True).click()
    wait_for(lambda: len(decided(folder))==3)
    for o in 'dzddkuxa': page.keyboard.press(o)   # D D, X and A would change cells
    wait_for(lambda: decided(folder).decision.tolist()==['relabel']*3+['drop','drop','keep','unsure'])
    assert page.locator('.jp-Notebook .jp-Cell').count()==cells
    page.wait_for_function("document.querySelectorAll('.fclf-card[data-mark=unsure]').length===1")
    pictures.mkdir(exist_ok=True)
    page.screenshot(path=pictures/'review_lab.png')
    page.keyboard.press('Control+s')
    wait_for(lambda: json.loads((folder/'review.ipynb').read_text())['cells'][0]['outputs'])
    page.reload()
    page.locator('.fclf-card').nth(11).wait_for()
    assert marks(page)==['relabel']*3+['drop','drop','keep','unsure']+['']*5
    page.locator('.fclf').focus()
    for o in 'zzzz': page.keyboard.press(o)
    wait_for(lambda: decided(folder).decision.tolist()==['relabel']*3)
    assert apply_review(df, folder/'review.csv').label.tolist()==df.truth.tolist()
    page.keyboard.press('PageDown')
    page.get_by_text('page 2 of 3').wait_for()
    page.get_by_role('button', name='›').click()
    page.get_by_text('page 3 of 3').wait_for()
    assert page.locator('.fclf-card').count()==6
    several_labels(page, folder)

def several_labels(page, folder):
    "Labels ticked by mouse, by number and by name, one tick taken back, in a second cell of the same notebook"
    page.locator('.jp-Notebook .cm-content').nth(1).click()
    page.keyboard.press('Control+Enter')
    grid = page.locator('.fclf').nth(1)
    grid.locator('.fclf-card').nth(2).wait_for()
    assert grid.locator('.fclf-ticks').first.locator('button').all_text_contents()==['1war0.70','2drama0.80']
    grid.get_by_role('checkbox', name='drama').click()
    wait_for(lambda: labels_after(folder)==['drama;war','crime;war',''])
    # K leaves what is ticked; no war; no crime; crime again; of the next card, while the kernel still answers that: cr for crime
    for o in ('k','2','1','z','ArrowRight','r','c','r','Enter','Escape'): page.keyboard.press(o)
    wait_for(lambda: labels_after(folder)==['drama;war','crime','crime'])
    grid.screenshot(path=pictures/'review_labels.png')

def test_classic_notebook(server, page, folder):
    "Another front end and another kernel: what was decided before is shown, and the keys are heard"
    from nbclassic import nbclassic_path # another one where Notebook 7 is installed too
    before = len(decided(folder))
    page.goto(f'{server}{nbclassic_path()}/notebooks/classic.ipynb?token={token}')
    page.wait_for_function("window.Jupyter?.notebook?.kernel?.widget_manager && Jupyter.notebook.kernel.is_connected()")
    page.evaluate("Jupyter.notebook.kernel.widget_manager._loadFromKernel().then(() => null)") # a view that is drawn while it restores older ones is taken away
    page.evaluate("Jupyter.notebook.execute_all_cells()")
    page.locator('.fclf-card').nth(11).wait_for()
    assert marks(page).count('relabel')==before
    page.locator('.fclf').focus()
    for o in 'dd': page.keyboard.press(o)
    wait_for(lambda: len(decided(folder))==before+2)
    assert page.locator('.cell').count()==1
    page.wait_for_function("document.querySelectorAll('.fclf-card[data-mark=drop]').length===2")
    page.screenshot(path=pictures/'review_classic.png')
