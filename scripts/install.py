#!/usr/bin/env python3
"""Make the environment: what locks/ names, each file by its hash, then the project itself.

    python scripts/install.py .venv        or: make setup

pip brings uv and what builds packages (locks/build.txt), uv brings the rest in parallel: a file that has
another hash than the lock says stops it. Whatever index, certificate or folder of wheels pip is set up for
on this machine is handed on to uv, which reads none of pip's settings."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ROOT / 'locks'
# analysers of Korean that nothing else needs: what to say where they cannot be installed
OPTIONAL = {
    'mecab': 'no mecab wheel for this platform: kiwi is used instead',
    'konlpy': 'konlpy could not be installed: its taggers are not available, nothing else needs them',
}
# pip's name of a setting -> uv's variable
SETTINGS = {
    'index-url': 'UV_DEFAULT_INDEX',
    'extra-index-url': 'UV_INDEX',
    'find-links': 'UV_FIND_LINKS',
    'no-index': 'UV_NO_INDEX',
    'trusted-host': 'UV_INSECURE_HOST',
    'cert': 'SSL_CERT_FILE',
    'default-timeout': 'UV_HTTP_TIMEOUT',
}
# whose word counts more, from the weakest on: settings for all commands, for `install`, the environment
SECTIONS = ('global', 'install', ':env:')


def pip_settings(listed: str) -> dict[str, str]:
    "What `pip config list` says, by pip's names of the settings."
    found: dict[str, str] = {}
    entries = [
        m.groups() for m in re.finditer(r"^(:env:|\w+)\.([\w-]+)=('.*'|\".*\")$", listed, re.MULTILINE)
    ]
    for section in SECTIONS:
        found |= {name: ast.literal_eval(value) for place, name, value in entries if place == section}
    return found


def uv_settings(pip: dict[str, str], environment: dict[str, str]) -> dict[str, str]:
    """The same settings for uv; what `environment` already says to uv stays.

    With more than one index pip takes the best version of all of them: so does uv when it is told. The
    hashes say which file is meant, wherever it comes from."""
    found = {SETTINGS[name]: ' '.join(value.split()) for name, value in pip.items() if name in SETTINGS}
    if 'UV_FIND_LINKS' in found:  # pip passes over folders that are not there, uv stops
        places = [p for p in found.pop('UV_FIND_LINKS').split() if '://' in p or Path(p).is_dir()]
        if places:
            found['UV_FIND_LINKS'] = ','.join(places)
    if 'UV_INDEX' in found:
        found['UV_INDEX_STRATEGY'] = 'unsafe-best-match'
    return {name: value for name, value in found.items() if name not in environment}


def uv_install(venv: Path, lock: Path, *options: str) -> list[str]:
    "The command that installs a lock's packages, all of them by hash."
    python = venv / 'bin/python'
    command = [venv / 'bin/uv', 'pip', 'install', '--quiet', '--python', python, '--no-build-isolation']
    return [str(part) for part in (*command, '--require-hashes', *options, '--requirement', lock)]


def install_optional(venv: Path, name: str, environment: dict[str, str]) -> None:
    "An analyser that may be missing for this platform; a wrong hash stops all the same."
    command = uv_install(venv, LOCKS / f'{name}.txt', '--only-binary', ':all:')
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode and 'hash' in done.stderr.lower():
        sys.exit(done.stderr)
    if done.returncode:
        print(f'{OPTIONAL[name]} ({done.stderr.strip().splitlines()[-1:]})')


def install(venv: Path) -> None:
    "The whole environment in the folder `venv`, which may be there already."
    python = venv / 'bin/python'
    if not python.exists():
        subprocess.run([sys.executable, '-m', 'venv', venv], check=True)
    pip = [python, '-m', 'pip', '--quiet', '--disable-pip-version-check', 'install']
    by_hash = ['--require-hashes', '--only-binary', ':all:', '--requirement', LOCKS / 'build.txt']
    subprocess.run([*pip, *by_hash], check=True)
    listed = subprocess.run([python, '-m', 'pip', 'config', 'list'], capture_output=True, text=True).stdout
    environment = {**os.environ, **uv_settings(pip_settings(listed), dict(os.environ))}
    subprocess.run(uv_install(venv, LOCKS / 'setup.txt'), env=environment, check=True)
    for name in OPTIONAL:
        install_optional(venv, name, environment)
    own = [
        '--no-deps',
        '--no-build-isolation',
        '--config-settings',
        'editable_mode=compat',
        '--editable',
        ROOT,
    ]
    subprocess.run([*pip, *own], check=True)


if __name__ == '__main__':
    try:
        install(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / '.venv').absolute())
    except subprocess.CalledProcessError as error:
        sys.exit(f'{" ".join(map(str, error.cmd))} ended with {error.returncode}')
