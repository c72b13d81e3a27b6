#!/usr/bin/env python3
"""Write down what settings.ini asks for as exact versions, for every Python from 3.10 on, and the hashes of
their files.

    .venv/bin/python scripts/lock.py [--upgrade | --upgrade-package NAME]        or: make lock UP=...

constraints.txt: everything, every extra (for `pip install -c constraints.txt`). locks/NAME.txt: what
`make setup` installs (scripts/install.py), with hashes, in the versions of constraints.txt. What is pinned
already stays, unless it is to be upgraded."""

import re
import subprocess
import sys
import tempfile
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEADER = '# What is known to co-install, for every Python from 3.10 on (made by `make lock`).\n'
# torch stays where it is known to work
KNOWN = {'torch': 'torch==2.13.0'}
BUILD = ['setuptools>=77', 'wheel']
# extras that `make setup` does not need
LEFT_OUT = {'hub'}
# extras with a lock of their own: their platforms are fewer
OWN_LOCK = ('mecab', 'konlpy')


def requirements() -> dict[str, list[str]]:
    "extra (`base` for what everybody gets) -> what settings.ini asks for."
    config = ConfigParser()
    config.read(ROOT / 'settings.ini', encoding='utf-8')
    settings = config['DEFAULT']
    found = {'base': settings['requirements'].split()}
    found |= {
        key.removesuffix('_requirements'): settings[key].split()
        for key in settings
        if key.endswith('_requirements')
    }
    return found


def locks() -> dict[str, list[str]]:
    "Name of a lock -> what it is made of."
    asked = requirements()
    general = [r for extra, rows in asked.items() if extra not in {*LEFT_OUT, *OWN_LOCK} for r in rows]
    return {'build': [*BUILD, 'uv'], 'setup': [*general, *BUILD], **{name: asked[name] for name in OWN_LOCK}}


def pinned(path: Path) -> dict[str, set[str]]:
    "package -> its versions (they differ between Pythons) in a file that this script wrote."
    found: dict[str, set[str]] = {}
    for line in path.read_text(encoding='utf-8').splitlines():
        match = re.match(r'([a-z0-9-]+)==([^\s;\\]+)', line)
        if match:
            found.setdefault(match[1], set()).add(match[2])
    return found


def compile_lock(asked: list[str], target: Path, *options: str) -> None:
    "Exact versions of `asked` and of all that they need, into the file `target`."
    name = {r: re.split(r'[<>=!~\[; ]', r)[0] for r in asked}
    lines = sorted({KNOWN.get(name[r], r) for r in asked})
    command = [
        Path(sys.executable).with_name('uv'),
        'pip',
        'compile',
        '--universal',
        '--python-version',
        '3.10',
    ]
    bare = ['--no-annotate', '--no-header', '--no-emit-index-url', '--no-emit-find-links', '--quiet']
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / 'asked.in'
        source.write_text('\n'.join(lines) + '\n', encoding='utf-8')
        subprocess.run([*command, *bare, *options, source, '--output-file', target], check=True)


def main(options: list[str]) -> None:
    constraints = ROOT / 'constraints.txt'
    everything = [r for rows in requirements().values() for r in rows]
    compile_lock([*everything, *BUILD, 'uv'], constraints, *options)
    constraints.write_text(HEADER + constraints.read_text(encoding='utf-8'), encoding='utf-8')
    (ROOT / 'locks').mkdir(exist_ok=True)
    for name, asked in locks().items():
        target = ROOT / f'locks/{name}.txt'
        compile_lock(asked, target, '--generate-hashes', '--constraint', str(constraints))


if __name__ == '__main__':
    main(sys.argv[1:])
