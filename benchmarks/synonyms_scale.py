"""Stage 02 on millions of title links: pairs per second and memory.

    python benchmarks/synonyms_scale.py --links 2000000

Made-up titles in the proportions of a Korean Wikipedia beside the English one: for each Korean article a
language link that is returned, one and a half redirects a pair of articles, some to a section. The sample's
articles stand beside them, so that every source has something to read."""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from korean_sparse.core.files import find_rows, read_rows, write_rows
from korean_sparse.core.rows import TitleLink
from korean_sparse.core.stage import stage_folder

RUN = """
import json, re, sys, time
from korean_sparse.synonyms import SynonymConfig, build
start = time.perf_counter()
result = build(SynonymConfig(run='scale', wikipedia=sys.argv[1], force=True))
seconds = round(time.perf_counter() - start, 1)
peak_mb = int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]) // 1024
counts = {k: v for k, v in result.manifest['counts'].items() if k != 'refused'}
print(json.dumps({'seconds': seconds, 'peak_mb': peak_mb, 'counts': counts}))
"""


def made_links(n, seed=0):
    rng = random.Random(seed)
    hangul = [chr(c) for c in range(ord('가'), ord('힣'), 7)]

    def ko():
        return ''.join(rng.choices(hangul, k=rng.randint(3, 6)))

    def en():
        return ' '.join(
            ''.join(rng.choices('abcdefghijklmnoprstuvwy', k=rng.randint(4, 9)))
            for _ in range(rng.randint(1, 3))
        ).capitalize()

    left = n
    while left > 0:
        k, e = ko(), en()
        yield TitleLink(k, e, 'interlanguage', 'ko', 'en', mutual=True)
        yield TitleLink(e, k, 'interlanguage', 'en', 'ko', mutual=True)
        left -= 2
        for _ in range(rng.choice((0, 1, 2, 3))):
            if rng.random() < 0.5:
                yield TitleLink(ko(), k, 'redirect', 'ko', 'ko', 'section' if rng.random() < 0.1 else '')
            else:
                yield TitleLink(en(), e, 'redirect', 'en', 'en')
            left -= 1


if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--links', type=int, default=2_000_000)
    a = p.parse_args()
    sample = stage_folder('sample', '01_wikipedia')
    with tempfile.TemporaryDirectory() as tmp:
        folder = Path(tmp)
        shutil.copy(find_rows(sample, 'articles'), folder)
        n = write_rows(
            folder / 'links.jsonl.gz',
            (
                l
                for part in (read_rows(find_rows(sample, 'links'), TitleLink), made_links(a.links))
                for l in part
            ),
        )
        done = subprocess.run([sys.executable, '-c', RUN, str(folder)], capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr[-3000:])
        r = json.loads(done.stdout.splitlines()[-1])
    print(
        f'links={n} seconds={r["seconds"]} peak_mb={r["peak_mb"]} pairs={r["counts"]["pairs"]} '
        f'pairs_per_second={r["counts"]["pairs"] / r["seconds"]:.0f} '
        f'links_per_second={n / r["seconds"]:.0f}'
    )
    print(r['counts'])
