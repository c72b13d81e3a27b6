#!/usr/bin/env python3
"""Run notebooks and keep what they show, so that a reader of the repository sees it without running anything.

    python scripts/notebooks.py                            run all notebooks, write their outputs into them
    python scripts/notebooks.py nbs/text nbs/index.ipynb   some of them
    python scripts/notebooks.py --compare                  run them again, say where they show something else
    python scripts/notebooks.py --check                    run nothing: are the outputs clean, small, current?

What is kept: pictures (with fewer colours), tables, printed lines. What is not: progress bars, warnings,
outputs of hidden cells. A path of this machine, an address in memory or a broken cell is named. Each
notebook's metadata says of which cells its outputs are; an edited cell makes them stale, and `--check`
(which CI calls) says so. The picture of a cell that is tagged `picture:NAME` becomes
docs/pictures/NAME.png, for pages to show."""

import argparse
import base64
import hashlib
import io
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
NBS = ROOT / 'nbs'
PICTURES = ROOT / 'docs/pictures'
STAMP = 'outputs_of'  # the notebook's metadata: a hash of the cells that its outputs were made by
MOST_BYTES = 500_000
# what no output may hold: places of a machine, addresses in memory, rests of progress bars
FORBIDDEN = {
    'the path of this checkout': re.compile(re.escape(str(ROOT)) + '|' + re.escape(str(Path.home()))),
    'a path of this machine': re.compile(r'(?<![\w.])/(?:home|root|tmp|Users|usr|var|mnt|opt)/\S+'),
    'an address in memory': re.compile(r'\bat 0x[0-9a-f]{6,}'),
    'a progress bar': re.compile(r'\d+%\||\d+(?:it|text|batch)/s\]'),
}


def notebooks(given: list[Path]) -> list[Path]:
    "The notebooks of the given files and folders (all, if none is given), stages and what they need first."
    missing = [str(p) for p in given if not p.exists()]
    if missing:
        sys.exit(f'no such notebook or folder: {", ".join(missing)}')
    found = [q for p in given or [NBS] for q in ([p] if p.suffix == '.ipynb' else p.rglob('*.ipynb'))]
    found = [p.resolve() for p in found if '.ipynb_checkpoints' not in p.parts]
    return sorted(found, key=lambda p: (p.parent != NBS, p.name == 'index.ipynb', p))


def code_hash(notebook: nbformat.NotebookNode) -> str:
    "A hash (16 hex digits) of a notebook's code cells: what its outputs depend on, prose aside."
    cells = [c.source.strip() for c in notebook.cells if c.cell_type == 'code']
    return hashlib.sha256('\0'.join(cells).encode()).hexdigest()[:16]


def is_hidden(cell: nbformat.NotebookNode) -> bool:
    return any(line.strip() == '#| hide' for line in cell.source.splitlines()[:4])


def fewer_colours(png: str) -> str:
    "A picture (base64 PNG) with a palette of at most 96 colours: a third of the bytes, and nobody sees it."
    from PIL import Image

    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert('RGB')
    out = io.BytesIO()
    picture.quantize(96, dither=Image.Dither.NONE).save(out, format='PNG', optimize=True)
    smaller = base64.b64encode(out.getvalue()).decode()
    return smaller if len(smaller) < len(png) else png


def kept_output(output: nbformat.NotebookNode) -> nbformat.NotebookNode | None:
    "An output as it is committed; None if it is not."
    if output.output_type == 'stream':
        if output.name == 'stderr' or not output.text.strip():
            return None
        return nbformat.v4.new_output('stream', name='stdout', text=output.text)
    data = dict(output.data)
    if any('widget' in kind for kind in data):  # a progress bar
        return None
    if 'image/png' in data:
        data = {'image/png': fewer_colours(data['image/png'])}
    if not data or data.get('text/plain', '').startswith(('<IPython.core.display.HTML', 'Output()')):
        return None
    made = nbformat.v4.new_output(output.output_type, data=data)
    if output.output_type == 'execute_result':
        made.execution_count = None
    return made


def merged(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    "Kept outputs of a cell; printed lines that follow each other are one output."
    result: list[nbformat.NotebookNode] = []
    for output in filter(None, map(kept_output, outputs)):
        if result and output.output_type == result[-1].output_type == 'stream':
            result[-1].text += output.text
        else:
            result.append(output)
    return result


def texts(output: nbformat.NotebookNode) -> list[str]:
    "All that an output says in letters."
    if output.output_type == 'stream':
        return [output.text]
    return [value for kind, value in output.get('data', {}).items() if kind.startswith('text/')]


def faults(path: Path, notebook: nbformat.NotebookNode) -> list[str]:
    "What is wrong with the outputs of a notebook, in sentences that name the cell."
    name, found = path.relative_to(ROOT), []
    if any(c.get('outputs') for c in notebook.cells):
        stamp = notebook.metadata.get(STAMP)
        if stamp != code_hash(notebook):
            found.append(f'{name}: its cells were edited after its outputs were made: run `make notebooks`')
    for n, cell in enumerate(notebook.cells):
        for output in cell.get('outputs', ()):
            where = f'{name}, cell {n}'
            if output.output_type == 'error' or output.get('name') == 'stderr':
                found.append(f'{where}: an error or a warning')
            for text in texts(output):
                found += [
                    f'{where}: {what}: {m[0][:80]!r}'
                    for what, r in FORBIDDEN.items()
                    if (m := r.search(text))
                ]
    size = path.stat().st_size
    if size > MOST_BYTES:
        found.append(f'{name}: {size:,} bytes, more than {MOST_BYTES:,}: smaller pictures, fewer lines')
    return found


def executed(path: Path, folder: Path) -> nbformat.NotebookNode:
    "The notebook after all its cells have run; one that fails stops with the end of its error."
    out = folder / path.name
    command = [sys.executable, '-m', 'papermill', path, out, '--no-progress-bar', '--log-level', 'ERROR']
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd=path.parent)
    if done.returncode:
        sys.exit(f'{path.relative_to(ROOT)} failed\n' + '\n'.join(done.stderr.strip().splitlines()[-15:]))
    return nbformat.read(out, as_version=4)


def with_outputs(path: Path) -> nbformat.NotebookNode:
    "The notebook as it is on disk, with the outputs of a run."
    source = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        made = {c.id: c for c in executed(path, Path(folder)).cells}
    for cell in source.cells:
        if cell.cell_type == 'code':
            cell.execution_count = None
            cell.outputs = [] if is_hidden(cell) else merged(made[cell.id].outputs)
    if any(c.get('outputs') for c in source.cells):
        source.metadata[STAMP] = code_hash(source)
    else:
        source.metadata.pop(STAMP, None)
    return source


def save_pictures(notebook: nbformat.NotebookNode) -> None:
    "The pictures of cells that are tagged `picture:NAME`, as docs/pictures/NAME.png."
    for cell in notebook.cells:
        for tag in cell.metadata.get('tags', ()):
            kind, _, name = tag.partition(':')
            if kind == 'picture':
                shown = [o.data['image/png'] for o in cell.outputs if 'image/png' in o.get('data', {})]
                if not shown:
                    sys.exit(f'a cell that is tagged {tag} shows no picture')
                (PICTURES / f'{name}.png').write_bytes(base64.b64decode(shown[0]))


def changes(before: nbformat.NotebookNode, after: nbformat.NotebookNode) -> list[int]:
    "The cells whose text outputs differ (pictures are compared by eye)."
    said = [[[t for o in c.get('outputs', ()) for t in texts(o)] for c in nb.cells] for nb in (before, after)]
    return [n for n, (a, b) in enumerate(zip(*said)) if a != b]


def write(path: Path, notebook: nbformat.NotebookNode) -> None:
    "As nbdev writes notebooks: sorted keys, one space, Hangul as it is."
    nbformat.write(notebook, path, version=nbformat.NO_CONVERT)
    subprocess.run([Path(sys.executable).parent / 'nbdev_clean', '--fname', path], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'paths', nargs='*', type=Path, help='notebooks or folders of them; all, if none is given'
    )
    parser.add_argument('--check', action='store_true', help='run nothing, look at what is there')
    parser.add_argument(
        '--compare', action='store_true', help='run, write nothing, name the cells that changed'
    )
    args = parser.parse_args()
    wrong: list[str] = []
    for path in notebooks(args.paths):
        name = path.relative_to(ROOT)
        before = nbformat.read(path, as_version=4)
        if args.check:
            wrong += faults(path, before)
            continue
        print(f'{name} ...', flush=True)
        after = with_outputs(path)
        if args.compare:
            wrong += [f'{name}, cell {n}: what it shows has changed' for n in changes(before, after)]
            continue
        write(path, after)
        save_pictures(after)
        wrong += faults(path, nbformat.read(path, as_version=4))
    sys.exit('\n'.join(wrong) if wrong else 0)


if __name__ == '__main__':
    main()
