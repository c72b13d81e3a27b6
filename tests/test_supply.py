"""What is installed is what was locked, by hash; licences are known and allowed; advisories are asked about."""

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from conftest import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

sys.path.append(str(ROOT / 'scripts'))  # last: one of them is called `site`
import install
import lanes
import licences
import lock

LOCKS = sorted((ROOT / 'locks').glob('*.txt'))
PINNED = lock.pinned(ROOT / 'constraints.txt')


def entries(path: Path) -> list[str]:
    "A lock's packages, each with its hashes."
    return re.findall(r'^[^\s#].*(?:\n    .*)*', path.read_text(), re.MULTILINE)


def test_there_is_a_lock_for_everything_that_setup_installs():
    assert {p.stem for p in LOCKS} == set(lock.locks())
    assert {f'locks/{p.name}' for p in LOCKS} <= set((ROOT / 'Makefile').read_text().split())


@pytest.mark.parametrize('path', LOCKS, ids=lambda path: path.stem)
def test_every_package_has_hashes_and_the_version_of_the_constraints(path):
    found = entries(path)
    assert found and all(re.search(r'--hash=sha256:[0-9a-f]{64}$', entry) for entry in found)
    assert all(versions <= PINNED[name] for name, versions in lock.pinned(path).items())


@pytest.mark.parametrize('path', [*LOCKS, ROOT / 'constraints.txt'], ids=lambda path: path.stem)
def test_a_lock_names_no_index(path):
    text = path.read_text()
    assert '://' not in text and '--index' not in text and '--find-links' not in text


@pytest.mark.parametrize('name', lock.locks())
def test_a_lock_is_in_step_with_the_settings(name):
    versions = lock.pinned(ROOT / f'locks/{name}.txt')
    for asked in map(Requirement, lock.locks()[name]):
        found = versions[canonicalize_name(asked.name)]
        assert all(asked.specifier.contains(v) for v in found), f'{asked}: locked {found}; `make lock`'


def make_wheel(folder: Path, text: str) -> Path:
    "The smallest package there is."
    files = {
        'tinypackage.py': text,
        'tinypackage-1.0.dist-info/METADATA': 'Metadata-Version: 2.1\nName: tinypackage\nVersion: 1.0\n',
        'tinypackage-1.0.dist-info/WHEEL': 'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    }
    rows = []
    for name, body in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(body.encode()).digest()).rstrip(b'=').decode()
        rows.append(f'{name},sha256={digest},{len(body.encode())}')
    files['tinypackage-1.0.dist-info/RECORD'] = '\n'.join([*rows, 'tinypackage-1.0.dist-info/RECORD,,\n'])
    folder.mkdir()
    path = folder / 'tinypackage-1.0-py3-none-any.whl'
    with zipfile.ZipFile(path, 'w') as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return path


@pytest.mark.parametrize('tool', ['uv', 'pip'])
def test_a_file_with_another_hash_is_refused(tmp_path, tool):
    "pip installs locks/build.txt, uv the others; here from a folder of wheels, without network."
    good, bad = make_wheel(tmp_path / 'good', 'x = 1\n'), make_wheel(tmp_path / 'bad', 'x = 2\n')
    asked = tmp_path / 'asked.txt'
    asked.write_text(f'tinypackage==1.0 --hash=sha256:{hashlib.sha256(good.read_bytes()).hexdigest()}\n')

    def refused(path: Path, target: str) -> str:
        "What the tool says when it will not install; '' if it does."
        place = ['--no-index', '--find-links', str(path.parent), '--target', str(tmp_path / target)]
        pip = [sys.executable, '-m', 'pip', 'install', '--require-hashes', '--requirement', str(asked)]
        uv = install.uv_install(Path(sys.prefix), asked)
        environment = {**os.environ, 'UV_CACHE_DIR': str(tmp_path / 'cache')}
        command = [*(pip if tool == 'pip' else uv), *place]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        return done.stderr if done.returncode else ''

    assert 'hash' in refused(bad, 'first').lower()
    assert not (tmp_path / 'first/tinypackage.py').exists()
    assert refused(good, 'second') == ''
    assert (tmp_path / 'second/tinypackage.py').read_text() == 'x = 1\n'
    asked.write_text('tinypackage==1.0\n')  # nor is one without a hash
    assert 'hash' in refused(good, 'third').lower()


def test_uv_uses_the_index_that_pip_is_set_up_for(tmp_path):
    listed = (
        ":env:.find-links='/nowhere/at/all'\n:env:.index-url='https://mirror.example/simple'\n"
        "global.index-url='https://other.example/simple'\nglobal.cert='/a.pem'\ndownload.index-url='https://no'\n"
        "install.extra-index-url='\\nhttps://one.example/\\nhttps://two.example/'\nsomething else\n"
    )
    pip = install.pip_settings(listed)
    assert install.uv_settings(pip, {}) == {
        'UV_DEFAULT_INDEX': 'https://mirror.example/simple',
        'UV_INDEX': 'https://one.example/ https://two.example/',
        'UV_INDEX_STRATEGY': 'unsafe-best-match',
        'SSL_CERT_FILE': '/a.pem',
    }
    assert install.uv_settings(pip_only(f'{tmp_path} https://wheels.example'), {}) == {
        'UV_FIND_LINKS': f'{tmp_path},https://wheels.example'
    }
    said = {'UV_DEFAULT_INDEX': 'https://mine.example', 'SSL_CERT_FILE': '/b.pem'}
    assert not set(install.uv_settings(pip, said)) & set(said)
    assert install.pip_settings('') == {}


def pip_only(places: str) -> dict[str, str]:
    return {'find-links': places, 'disable-pip-version-check': '1'}


def test_the_page_of_licences_is_in_step_with_the_lock():
    rows = {
        name: (versions, licence)
        for name, versions, licence in re.findall(
            r'^\| ([a-z0-9-]+) \| ([^|]+) \| ([^|]*) \| [^|]+ \|$', licences.PAGE.read_text(), re.MULTILINE
        )
        if name != 'package'
    }
    assert set(rows) == set(PINNED), f'`make licences`: {set(rows) ^ set(PINNED)}'
    for name, versions, licence, _ in licences.table():
        assert rows[name][0] == versions, f'{name}: `make licences`'
        assert rows[name][1] == licence or name not in licences.installed_packages()


def test_every_licence_is_known_and_allowed():
    rows = licences.table()
    assert licences.complaints(rows) == []
    of = {name: (licence, origin) for name, _, licence, origin in rows}
    assert (of['numpy'][1], of['torch'][1]) == ('base', 'sentence train')
    assert of['konlpy'] == ('GPL-3.0-or-later', 'konlpy')


@pytest.mark.parametrize(
    'licence, origin, fine',
    [
        ('MIT', 'base', True),
        ('(MIT OR Apache-2.0) AND BSD-3-Clause', 'base', True),
        (licences.NVIDIA, 'base', True),
        ('GPL-3.0-or-later', 'konlpy', True),
        ('GPL-3.0-or-later', 'base', False),
        ('GPL-3.0-or-later', 'stages konlpy', False),
        ('AGPL-3.0-only', 'dev', False),
        ('MIT AND LGPL-2.1-only', 'base', False),
        ('', 'base', False),
        ('ask me', 'dev', False),
    ],
)
def test_what_may_not_be_there_is_named(licence, origin, fine):
    found = licences.complaints([('some-package', '1.0', licence, origin)])
    assert (found == []) is fine and all('some-package' in line for line in found)


class Database(BaseHTTPRequestHandler):
    "Advisories as OSV gives them, in two pages."

    mode = 'clean'

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
        results = [self.answer(query) for query in body['queries']]
        data = json.dumps({'results': results[1:] if self.mode == 'short' else results}).encode()
        self.send_response(503 if self.mode == 'down' else 200)
        self.end_headers()
        self.wfile.write(b'<html>' if self.mode == 'html' else data)

    def answer(self, query: dict) -> dict:
        if self.mode != 'findings' or query['package']['name'] != 'numpy':
            return {}
        if 'page_token' in query:
            return {'vulns': [{'id': 'PYSEC-0000-2'}]}
        return {'vulns': [{'id': 'PYSEC-0000-1'}], 'next_page_token': 'more'}

    def log_message(self, *_):
        pass


@pytest.mark.parametrize(
    'mode, strict, code, words',
    [
        ('clean', False, 0, '0 advisories'),
        ('findings', False, 1, 'PYSEC-0000-2'),
        ('down', False, 0, 'NOT CHECKED'),
        ('html', False, 0, 'NOT CHECKED'),
        ('short', False, 0, 'NOT CHECKED'),
        ('nobody', False, 0, 'NOT CHECKED'),
        ('nobody', True, 1, 'NOT CHECKED'),
    ],
)
def test_advisories_are_asked_about(monkeypatch, mode, strict, code, words):
    monkeypatch.setattr(Database, 'mode', mode)
    server = HTTPServer(('127.0.0.1', 0), Database)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    if mode == 'nobody':
        server.shutdown()
        server.server_close()
    environment = {**os.environ, 'OSV_URL': f'http://127.0.0.1:{server.server_port}', 'NO_PROXY': '*'}
    command = [sys.executable, ROOT / 'scripts/audit.py', *(['--strict'] if strict else [])]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    server.server_close()
    assert done.returncode == code and words in done.stdout, done.stdout + done.stderr


def test_the_two_lanes_of_make_test_hold_everything_and_do_not_meet():
    by_lane = {name: [word for command in of for word in command] for name, of in lanes.lanes().items()}
    files = {lane: {w for w in words if w.startswith('tests/')} for lane, words in by_lane.items()}
    there = {f'tests/{p.name}' for p in (ROOT / 'tests').glob('test_*.py')}
    assert files['nodes'] | files['others'] == there and not files['nodes'] & files['others']
    # fixtures and modules that start nodes, and the wheel
    shared = re.compile(
        r'^from .*(opensearch\.node import|import client, node)|^def test.*\bwheel\b', re.MULTILINE
    )
    assert {name for name in there if shared.search((ROOT / name).read_text())} - files['nodes'] == set()
    assert 'nbs/opensearch' in by_lane['nodes'] and any('opensearch$' in word for word in by_lane['others'])
    of_nodes = {
        p.parent.name for p in (ROOT / 'nbs').rglob('*.ipynb') if 'opensearch.node import' in p.read_text()
    }
    assert of_nodes <= {'opensearch'}
