"The check finds each planted defect with exactly its rows, and nothing in the clean frame"
import numpy as np, pandas as pd, pytest
from PIL import Image

from fastclf.data.check import check_frame
from fastclf.data.examples import digits_frame, toy_images, toy_texts
from fastclf.data.fix import check_page, fix_frame
from fastclf.data.split import Splits

def found(checks): return {o.problem:o.rows for o in checks.itertuples() if o.severity!='info'}

def with_rows(df, *rows):
    "`df` with more rows, and their positions"
    more = pd.DataFrame(rows, columns=df.columns[:2])
    return pd.concat([df, more], ignore_index=True),list(range(len(df), len(df)+len(rows)))

# --- texts

texts = toy_texts(120)
tail = Splits(np.arange(0, 90), np.arange(90, 120))

def test_clean_texts():
    for splits in (None, tail):
        checks = check_frame(texts, 'text', 'label', splits=splits)
        assert len(checks)==0 and checks.note.startswith('No problems in 120 texts of 3 classes')

single = {'empty text':['', ' \t', None], 'near-empty text':['?!', 'N/A'], 'control characters':['a bell\x07 rang twice', 'nothing \x00 here'],
    'invisible characters':['zero\u200bwidth space', '\ufeffa mark at the start'], 'broken encoding':['a cafÃ© in town', 'it isnâ€™t so', 'what \ufffd was'],
    'letters outside normal form NFC':['a cafe\u0301 in Rome'], 'HTML in the text':['one line<br>and another', 'salt &amp; pepper here']}

@pytest.mark.parametrize('problem', single)
def test_single_texts(problem):
    df,rows = with_rows(texts, *[(o, 'food') for o in single[problem]])
    assert found(check_frame(df, 'text', 'label'))=={problem:rows}

def planted_texts():
    "All defects of texts and labels at once: frame, split, and the rows of each problem"
    rows,want = [],{}
    def add(problem, *items):
        want[problem] = [120+len(rows)+i for i in range(len(items))]
        rows.extend(items)
    for problem,items in single.items(): add(problem, *[(o, 'food') for o in items])
    add('missing label', ('an unread letter lies there', None), ('another one lies over here', ' '))
    add('same item under two labels', (texts.text[0].upper(), 'weather'))
    want['same item under two labels'].insert(0, 0)
    add('class names that differ in case or spaces', ('an old cheese was on offer', 'Food '))
    train = len(rows)
    add('same item in two parts', ('  ' + texts.text[1], texts.label[1]))
    add('nearly the same item in two parts', (texts.text[2] + ' x', texts.label[2]))
    add('nearly the same item under two labels', (texts.text[4] + ' y', texts.label[5]))
    want['nearly the same item under two labels'].insert(0, 4)
    want['nearly the same item in two parts'] += [want['nearly the same item under two labels'][1]]
    add('class not in training', ('the sky is full of stars', 'space'))
    df,_ = with_rows(texts, *rows)
    want['class names that differ in case or spaces'] = [i for i,o in enumerate(df.label) if o in ('food','Food ')]
    want['class not in every part'] = [i for i,o in enumerate(df.label) if o=='Food ']
    splits = Splits([*range(90), *range(120, 120+train)], [*range(90, 120), *range(120+train, len(df))])
    df['group'] = [f'g{i}' for i in range(len(df))]
    df.loc[[3,91], 'group'] = 'both'
    want['group in two parts'] = [91]
    df['answer'] = df.label.map(lambda o: str(o)[:1].lower())
    want['named column tells the label'] = list(range(len(df)))
    return df,splits,want

def test_planted_texts():
    df,splits,want = planted_texts()
    before = df.copy()
    checks = check_frame(df, 'text', 'label', splits=splits, groups='group', columns=['answer'])
    assert found(checks)==want and len(want)>=16
    assert df.equals(before)
    assert checks[['example','remedy']].map(len).max(axis=None)<50

def test_fixed_texts(capsys, tmp_path):
    "What was planted is gone after the fixes, and the page names every problem"
    df,splits,_ = planted_texts()
    checks = check_frame(df, 'text', 'label', splits=splits, groups='group')
    page = check_page(checks, tmp_path/'checks.html')
    assert all(o in page for o in checks.problem) and (tmp_path/'checks.html').stat().st_size<20_000
    fix = ['unusable','conflicts','leaks','spelling','characters','near-empty text','class not in training']
    good,kept = fix_frame(df, checks, fix, splits)
    assert 'dropped' in capsys.readouterr().out
    assert sorted(np.concatenate([*kept]))==list(range(len(good)))
    again = found(check_frame(good, 'text', 'label', splits=kept, groups='group'))
    assert again=={'broken encoding':again['broken encoding']} and good.text[again['broken encoding'][0]]=='what \ufffd was'

def test_name_in_text():
    said = texts.assign(text=[f'{t} {c}' if i%10 else t for i,(t,c) in enumerate(zip(texts.text, texts.label))])
    assert found(check_frame(said, 'text', 'label'))=={'text that names its class':[i for i in range(120) if i%10]}
    few = texts.assign(text=[t if i%10 else f'{t} {c}' for i,(t,c) in enumerate(zip(texts.text, texts.label))])
    assert found(check_frame(few, 'text', 'label'))=={}

def test_ids_and_groups_are_no_leak():
    rng = np.random.default_rng(0)
    df = texts.assign(row=np.arange(120), name=[f'n{i}' for i in range(120)], noise=rng.normal(size=120), day=pd.date_range('2024', periods=120))
    df['patient'] = df.label + rng.integers(0, 12, 120).astype(str)
    assert len(check_frame(df, 'text', 'label'))==0
    assert found(check_frame(df, 'text', 'label', columns=['row','name','noise','patient']))=={}

# --- several labels

def test_planted_sets():
    sets = texts.assign(label=[[c, 'short'] if len(t)<40 else [c] for t,c in zip(texts.text, texts.label)])
    assert found(check_frame(sets, 'text', 'label'))=={}
    df,_ = with_rows(sets, (texts.text[0], ['body']), ('no one has looked at this', None), ('a list of nothing at all', ['']), ('nothing was found in here', []),
        ('wild geese over the lake', ['Short']), ('the last of all the days', ['lonely']))
    checks = check_frame(df, 'text', 'label', splits=Splits([*range(90), *range(120, 125)], [*range(90, 120), 125]))
    twins = [i for i,o in enumerate(df.label) if o and {'short','Short'}&set(o)]
    assert found(checks)=={'missing label':[121,122], 'class not in training':[125], 'class names that differ in case or spaces':twins,
        'class not in every part':[120,124], 'same item under two labels':[0,120]}
    assert {o.problem:o.rows for o in checks.itertuples() if o.severity=='info'}=={'item without labels':[123]}

# --- images

@pytest.fixture(scope='module')
def images(tmp_path_factory): return toy_images(60, folder=tmp_path_factory.mktemp('toys'))

def test_clean_images(images):
    df,folder = images
    for splits in (None, Splits(np.arange(45), np.arange(45, 60))): assert len(check_frame(df, 'file', 'label', folder, splits))==0
    digits,folder = digits_frame(ir=10)
    assert len(check_frame(digits.drop(columns='split'), 'file', 'label', folder, [np.flatnonzero(digits.split==o) for o in ('train','test')]))==0

def spoil(folder, im):
    "Write a file for each defect; from problem to file names"
    exif = Image.Exif()
    exif[0x0112] = 6
    im.convert('L').rotate(90).save(folder/'grey.png')
    im.rotate(90).save(folder/'turned.jpg', exif=exif)
    im.rotate(180).save(folder/'film.gif', save_all=True, append_images=[im])
    Image.fromarray(np.random.default_rng(1).integers(0, 65536, (16,16)).astype(np.uint16)).save(folder/'deep.png')
    Image.new('RGB', (16,16), 'white').save(folder/'blank.png')
    im.resize((64,64), Image.Resampling.BICUBIC).save(folder/'large.jpg', quality=90)
    blob = (folder/'0003.png').read_bytes()
    (folder/'short.png').write_bytes(blob[:-60])
    (folder/'sum.png').write_bytes(blob[:60] + bytes([blob[60]^1]) + blob[61:])
    (folder/'page.png').write_text('<html>404</html>')

def test_planted_images(images):
    df,folder = images
    im = Image.open(folder/df.file[0])
    spoil(folder, im)
    (folder/'again.png').write_bytes((folder/df.file[1]).read_bytes())
    (folder/'other.png').write_bytes((folder/df.file[2]).read_bytes())
    names = ['gone.png',None,'short.png','sum.png','page.png','blank.png','film.gif','deep.png','again.png','large.jpg','other.png','grey.png','turned.jpg']
    labels = [*['green']*8, df.label[1], df.label[0], 'red', 'red', 'red']
    bad,rows = with_rows(df, *zip(names, labels))
    bad.loc[10, 'label'] = None
    checks = check_frame(bad, 'file', 'label', folder, splits=Splits([*range(45), *rows[:8], *rows[10:]], [*range(45, 60), *rows[8:10]]))
    assert found(checks)=={'missing label':[10], 'missing file':[60,61], 'unreadable image':[62,63,64], 'blank image':[65], 'several frames in a file':[66],
        'more than 8 bits per pixel':[67], 'same item in two parts':[68], 'nearly the same item in two parts':[69], 'same item under two labels':[2,70]}
    infos = {o.problem:o.rows for o in checks.itertuples() if o.severity=='info'}
    assert infos=={'image turned by EXIF':[72], 'image in another mode than most':[66,67,71]}
    good = fix_frame(bad, checks, ['unusable','conflicts','leaks','blank image'])
    assert not {'missing label','missing file','unreadable image','blank image','same item under two labels'} & set(check_frame(good, 'file', 'label', folder).problem)
