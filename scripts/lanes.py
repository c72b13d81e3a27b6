#!/usr/bin/env python3
"""All notebooks and all of tests/, in two lanes side by side.

    python scripts/lanes.py        or: make test

One lane has the OpenSearch nodes to itself: whatever starts, stops or fills one is in it, one after another,
and whatever builds the wheel, which is made in build/. The other lane shares nothing with it but
outputs/sample, which `make test` has run before and both only read."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
# tests that need a node or the wheel, and (for the balance) those in the browser
OF_NODES = (
    *('box', 'cluster', 'house', 'install', 'jupyterlab', 'opensearch', 'readme'),
    *('web_engine', 'web_page', 'command', 'server'),
)
NOTEBOOKS = [str(BIN / 'nbdev_test'), '--n_workers', '1', '--timing']
PYTEST = [sys.executable, '-m', 'pytest', '--durations', '20', '-p', 'no:cacheprovider']


def lanes() -> dict[str, list[list[str]]]:
    "Lane -> its commands, to be run one after another; every notebook and every file of tests is in one of them."
    of_nodes = [f'tests/test_{name}.py' for name in OF_NODES]
    others = [str(p.relative_to(ROOT)) for p in sorted((ROOT / 'tests').glob('test_*.py'))]
    others = [name for name in others if name not in of_nodes]
    return {
        'nodes': [[*NOTEBOOKS, '--path', 'nbs/opensearch'], [*PYTEST, *of_nodes]],
        'others': [[*NOTEBOOKS, '--skip_folder_re', '^[_.]|^opensearch$'], [*PYTEST, *others]],
    }


def run(lane: str, commands: list[list[str]], failed: list[str]) -> None:
    "Run a lane's commands, all of them; each line that they print bears the lane's name."
    # two lanes on few processors: a thread that waits for others must not spin
    environment = {'OMP_WAIT_POLICY': 'PASSIVE', 'PYTHONUNBUFFERED': '1', **os.environ}
    for command in commands:
        begin = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors='replace',
        )
        for line in process.stdout:
            print(f'{lane:6} | {line}', end='', flush=True)
        name = Path(command[0]).name if command[0] == NOTEBOOKS[0] else 'pytest'
        if process.wait():
            failed.append(f'{lane}: {name}')
        print(
            f'{lane:6} | {name}: {time.monotonic() - begin:.0f} s, ended with {process.returncode}',
            flush=True,
        )


def main() -> int:
    failed: list[str] = []
    threads = [threading.Thread(target=run, args=(*lane, failed)) for lane in lanes().items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f'FAILED: {", ".join(failed)}' if failed else 'all passed')
    return int(bool(failed))


if __name__ == '__main__':
    sys.exit(main())
