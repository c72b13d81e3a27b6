#!/usr/bin/env python3
"""Known advisories against every package that constraints.txt pins, asked of the OSV database.

    python scripts/audit.py [--strict]        or: make audit

Ends with 1 if there is one that is not in `ACCEPTED`. Where the database cannot be reached it says that
nothing was checked and ends with 0 (with 1 if `--strict`). `OSV_URL` names a mirror."""

import argparse
import json
import os
import sys
import urllib.request

from lock import ROOT, pinned

URL = os.environ.get('OSV_URL', 'https://api.osv.dev').rstrip('/')
SECONDS = 60
# advisory -> why it does not concern this project
ACCEPTED: dict[str, str] = {}


class Unreachable(Exception):
    "The database did not answer, or not with what it says it answers."


def ask(queries: list[dict]) -> list[dict]:
    "The answers to a batch of queries, one for each."
    body = json.dumps({'queries': queries}).encode()
    request = urllib.request.Request(f'{URL}/v1/querybatch', body, {'Content-Type': 'application/json'})
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            found = json.load(answer)['results']
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unreachable(f'{type(error).__name__}: {error}') from None
    if not isinstance(found, list) or len(found) != len(queries):
        raise Unreachable(f'{len(queries)} questions, but the answer is {str(found)[:80]}')
    return [entry or {} for entry in found]


def advisories(packages: list[tuple[str, str]]) -> dict[tuple[str, str], list[str]]:
    "(package, version) -> the advisories that name it, page by page."
    found: dict[tuple[str, str], list[str]] = {}
    queries = [{'package': {'name': n, 'ecosystem': 'PyPI'}, 'version': v} for n, v in packages]
    while queries:
        more = []
        for query, answer in zip(queries, ask(queries), strict=True):
            package = query['package']['name'], query['version']
            ids = [advisory['id'] for advisory in answer.get('vulns', ())]
            if ids:
                found.setdefault(package, []).extend(ids)
            if answer.get('next_page_token'):
                more.append({**query, 'page_token': answer['next_page_token']})
        queries = more
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--strict', action='store_true', help='not to be able to ask is a failure')
    strict = parser.parse_args().strict
    versions = pinned(ROOT / 'constraints.txt')
    packages = [(name, version) for name, of_it in versions.items() for version in sorted(of_it)]
    try:
        found = advisories(packages)
    except Unreachable as error:
        print(f'NOT CHECKED: the database of advisories cannot be asked ({error})')
        return int(strict)
    unknown = 0
    for (name, version), ids in sorted(found.items()):
        for advisory in ids:
            reason = ACCEPTED.get(advisory)
            unknown += reason is None
            print(f'{name} {version}: {advisory} {f"(accepted: {reason})" if reason else ""}'.rstrip())
    print(f'{len(packages)} pinned versions asked about, {unknown} advisories to act upon')
    return int(unknown > 0)


if __name__ == '__main__':
    sys.exit(main())
