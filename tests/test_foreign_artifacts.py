"Zips from elsewhere: right, or named for what is wrong; nothing in one runs, none fills the memory."

import json
import resource
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from mutate import mutations

from korean_sparse.core import DataError
from korean_sparse.encoder.made import from_scratch
from korean_sparse.opensearch.artifacts import describe, faults, open_artifact, write_query
from korean_sparse.opensearch.documents import write_document
from korean_sparse.retrieval.query import idf_weights
from korean_sparse.text.analysers import get_analyzer
from korean_sparse.text.vectors import ppmi_vectors
from korean_sparse.text.vocabulary import train_vocabulary

TEXTS = [
    '자전거 바퀴에 바람을 넣는다',
    '바퀴가 휘면 바퀴살을 조인다',
    '체인은 기름을 쳐야 조용하다',
    '브레이크 줄이 늘어나면 바꾼다',
    'A wheel is trued by its spokes.',
    'Oil keeps the chain quiet.',
]
FILES = {'document': ['model.pt', 'tokenizer.json'], 'query': ['tokenizer.json', 'idf.json']}


@pytest.fixture(scope='module')
def zips(tmp_path_factory) -> Path:
    "A small document.zip and query.zip with their JSON."
    folder = tmp_path_factory.mktemp('zips')
    vocab = train_vocabulary(TEXTS, get_analyzer('kiwi'), size=300)
    ids = [vocab.tokenizer.encode(t).ids for t in TEXTS]
    vectors = ppmi_vectors([t.split() for t in TEXTS], dim=4, min_count=1)
    model = from_scratch(vocab, idf_weights(ids, vocab), vectors, TEXTS, layers=1, heads=2)
    write_document(model, folder / 'document.zip', 'small')
    write_query(model.tokenizer, model.query.idf, folder / 'query.zip', 'small')
    return folder


def inside(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as z:
        return {n: z.read(n) for n in z.namelist()}


def pack(path: Path, parts: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, 'w', method) as z:
        for name, content in parts.items():
            z.writestr(name, content)
    return path


def test_right_ones_pass(zips):
    for kind in FILES:
        assert faults(zips / f'{kind}.zip', kind) == []
        assert open_artifact(zips / f'{kind}.zip').kind == kind


@pytest.mark.parametrize('kind', ['document', 'query'])
def test_spoilt_zips_are_named_or_right(kind, zips, tmp_path):
    "135 and 167 zips, spoilt outside, inside one of their files, or inside the graph, in under 20 seconds."
    whole, parts = (zips / f'{kind}.zip').read_bytes(), inside(zips / f'{kind}.zip')
    path, begin, refused = tmp_path / f'{kind}.zip', time.process_time(), 0
    for n, spoilt in enumerate(mutations(whole, 65)):
        path.write_bytes(spoilt)
        refused += bool(faults(path, kind))
    for name in FILES[kind]:
        for spoilt in mutations(parts[name], 35, seed=1):
            refused += bool(faults(pack(path, parts | {name: spoilt}), kind))
    if kind == 'document':
        (tmp_path / 'model.pt').write_bytes(parts['model.pt'])
        graph = inside(tmp_path / 'model.pt')
        for name in (
            'model/data.pkl',
            'model/constants.pkl',
            'model/data/0',
            next(n for n in graph if '.py' in n),
        ):
            for spoilt in mutations(graph[name], 8, seed=2):
                pack(tmp_path / 'model.pt', graph | {name: spoilt}, zipfile.ZIP_STORED)
                changed = (tmp_path / 'model.pt').read_bytes()
                refused += bool(faults(pack(path, parts | {'model.pt': changed}), kind))
    assert refused > 80
    assert time.process_time() - begin < 20


def test_notes_beside_it_are_named(zips, tmp_path):
    note = (zips / 'query.json').read_bytes()
    path = tmp_path / 'query.zip'
    path.write_bytes((zips / 'query.zip').read_bytes())
    read = 0
    for spoilt in mutations(note, 60):
        (tmp_path / 'query.json').write_bytes(spoilt)
        try:
            open_artifact(path)
            read += 1
        except DataError as error:
            assert 'query.' in str(error)
    assert read < 60


RUN = """
import resource, sys
from korean_sparse.opensearch.artifacts import faults
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path, kind in zip(sys.argv[1::2], sys.argv[2::2]):
    print(faults(path, kind)[0])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def bomb(path: Path, name: str, others: dict[str, bytes]) -> Path:
    "A zip one of whose files is 600 MB of spaces."
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as z:
        with z.open(name, 'w') as f:
            for _ in range(600):
                f.write(b' ' * 1_000_000)
        for other, content in others.items():
            z.writestr(other, content)
    return path


def test_bombs_are_refused_before_they_are_unpacked(zips, tmp_path):
    parts = inside(zips / 'query.zip')
    model = bomb(tmp_path / 'model.pt', 'model/code/__torch__/a.py', {'model/data.pkl': b'.'})
    inner = {'model.pt': model.read_bytes(), 'tokenizer.json': parts['tokenizer.json']}
    arguments = [
        (bomb(tmp_path / 'a.zip', 'tokenizer.json', {'idf.json': b'{}'}), 'query'),
        (bomb(tmp_path / 'b.zip', 'idf.json', {'tokenizer.json': parts['tokenizer.json']}), 'query'),
        (bomb(tmp_path / 'c.zip', 'model.pt', {'tokenizer.json': parts['tokenizer.json']}), 'document'),
        (pack(tmp_path / 'd.zip', inner), 'document'),
    ]
    flat = [str(word) for pair in arguments for word in pair]
    done = subprocess.run([sys.executable, '-c', RUN, *flat], capture_output=True, text=True, check=True)
    *said, grown = done.stdout.splitlines()
    assert all('zip bomb' in line for line in said), said
    assert int(grown) < 100_000  # kB


def test_a_bomb_of_small_files_is_refused_by_its_total(tmp_path):
    small = {f'model/data/{n}': b'\0' * 1_000_000 for n in range(100)}
    pack(tmp_path / 'model.pt', small)
    with zipfile.ZipFile(tmp_path / 'document.zip', 'w') as z:
        z.write(tmp_path / 'model.pt', 'model.pt')
        z.writestr('tokenizer.json', '{}')
    [said] = faults(tmp_path / 'document.zip', 'document')
    assert 'no tokenizer' in said or 'would unpack' in said


def test_what_python_or_torch_would_run_is_not_run(zips, tmp_path):
    "A pickle that calls, in each place where there is one; a victim stays as it is."
    parts, mark = inside(zips / 'document.zip'), tmp_path / 'mark'
    calls = f'cos\nsystem\n(S"touch {mark}"\ntR.'.encode()
    (tmp_path / 'model.pt').write_bytes(parts['model.pt'])
    graph = inside(tmp_path / 'model.pt')
    for name in ('model/data.pkl', 'model/constants.pkl'):
        pack(tmp_path / 'model.pt', graph | {name: calls}, zipfile.ZIP_STORED)
        pack(tmp_path / 'document.zip', parts | {'model.pt': (tmp_path / 'model.pt').read_bytes()})
        assert faults(tmp_path / 'document.zip', 'document')
    pack(tmp_path / 'document.zip', parts | {'model.pt': calls})
    assert 'not a zip' in faults(tmp_path / 'document.zip', 'document')[0]
    pack(tmp_path / 'query.zip', inside(zips / 'query.zip') | {'idf.json': calls})
    assert 'not JSON' in faults(tmp_path / 'query.zip', 'query')[0]
    assert not mark.exists()


def test_links_names_and_headers_are_read_before_anything_else(zips, tmp_path):
    parts = inside(zips / 'query.zip')
    for name in ('../idf.json', '/idf.json', 'C:idf.json', 'a/idf.json', 'IDF.json', 'idf.json ', 'extra.py'):
        assert faults(pack(tmp_path / 'a.zip', parts | {name: b'{}'}), 'query'), name
    with zipfile.ZipFile(tmp_path / 'link.zip', 'w') as z:
        link = zipfile.ZipInfo('idf.json')
        link.external_attr = 0o120777 << 16
        z.writestr(link, '/etc/passwd')
        z.writestr('tokenizer.json', parts['tokenizer.json'])
    assert 'link' in faults(tmp_path / 'link.zip', 'query')[0]
    (tmp_path / 'named.zip').symlink_to(zips / 'query.zip')  # a link to a zip is the zip
    assert faults(tmp_path / 'named.zip', 'query') == []


def test_values_in_the_table_are_checked(zips, tmp_path):
    parts = inside(zips / 'query.zip')
    table = json.loads(parts['idf.json'])
    term = next(iter(table))
    for value in (0, -1, 65, True, None, 'a', [1], {}, 10**4000, float('nan'), float('inf'), 1e-400):
        content = json.dumps(table | {term: value}).encode()
        assert faults(pack(tmp_path / 'a.zip', parts | {'idf.json': content}), 'query'), value
    doubled = parts['idf.json'].replace(b'{', f'{{{json.dumps(term)}: 1.0, '.encode(), 1)
    assert 'twice' in faults(pack(tmp_path / 'a.zip', parts | {'idf.json': doubled}), 'query')[0]
    deep = b'[' * 100_000
    assert 'deep' in faults(pack(tmp_path / 'a.zip', parts | {'idf.json': deep}), 'query')[0]


def test_a_description_of_a_large_file_reads_it_in_pieces(tmp_path):
    with open(tmp_path / 'query.zip', 'wb') as f:
        f.truncate(300_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert describe(tmp_path / 'query.zip', 'query', 'x').chunks == 30
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
