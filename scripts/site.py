#!/usr/bin/env python3
"""Build the site from docs/, the notebooks and the library's docstrings, without any network.

    python scripts/site.py      or: make docs

The pages are laid together in build/site (notebooks by wing, a reference page for each of them), then
mkdocs makes _site of them. A link that leads nowhere, a module that no page names, a notebook that no
page holds stops the build."""

import ast
import json
import logging
import os
import re
import shutil
import sys
from pathlib import Path

import nbformat
import yaml
from latex2mathml.converter import convert
from mkdocs.commands.build import build
from mkdocs.config import load_config
from nbconvert import MarkdownExporter

ROOT = Path(__file__).resolve().parents[1]
LIBRARY, NBS = ROOT / 'korean_sparse', ROOT / 'nbs'
PAGES, OUT = ROOT / 'build/site', ROOT / '_site'
# in the order in which things build upon each other
WINGS = (
    'core text retrieval runtime store pages web wiki pairs timeline encoder examples training judging '
    'opensearch'
).split()
DOORS = ['search', 'command', 'server', 'intake', 'terminal', 'messages', 'sentence_transformers']
COPIED = {
    'CHANGELOG.md': 'changelog.md',
    'CONTRIBUTING.md': 'contributing.md',
    'benchmarks/README.md': 'benchmarks.md',
    'korean_sparse/model/README.md': 'model-card.md',
}
FENCE = '<<fence>>'  # stands for three backticks inside code while a notebook is converted
FORMULA = re.compile(r'\$\$(.+?)\$\$|(?<![\\$\w])\$(?! )([^$`\n]+?)(?<! )\$(?![\w$])', re.DOTALL)


def with_formulas(markdown: str) -> str:
    "Formulas as MathML, which browsers draw by themselves; code is left as it is."
    parts = re.split(r'(```.*?```|`[^`\n]*`)', markdown, flags=re.DOTALL)

    def formula(match: re.Match) -> str:
        block = match[1] is not None
        return convert(match[1] or match[2], display='block' if block else 'inline')

    return ''.join(p if n % 2 else FORMULA.sub(formula, p) for n, p in enumerate(parts))


def is_plumbing(cell: dict) -> bool:
    "Cells that a reader need not see: directives of nbdev, hidden set-up, exported imports."
    source = ''.join(cell['source'])
    if cell['cell_type'] != 'code':
        return False
    first = source.lstrip()
    return first.startswith(('#| default_exp', '#| hide')) or not source.strip()


def page_of(path: Path) -> str:
    "The page of a notebook, below the site's root."
    return f'notebooks/{path.relative_to(NBS).with_suffix(".md")}'


def copy_notebook(path: Path) -> None:
    "A notebook as a page: without plumbing and directives, formulas drawn, pictures beside it."
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if not is_plumbing(cell)]
    for cell in notebook.cells:
        if cell.cell_type == 'markdown':
            cell.source = relinked(with_formulas(cell.source), path, page_of(path))
        else:
            cell.source = re.sub(r'^#\|.*\n?', '', cell.source, flags=re.MULTILINE).replace('```', FENCE)
    notebook.metadata['language_info'] = {'name': 'python'}  # so that code is coloured
    pictures = {'output_files_dir': f'{path.stem}_pictures', 'unique_key': path.stem}
    body, resources = MarkdownExporter().from_notebook_node(notebook, pictures)
    # code that itself holds fences (cards) stands between longer ones
    blocks = re.split(r'(^```.*?^```$)', body, flags=re.MULTILINE | re.DOTALL)
    body = ''.join(f'``{block}``' if n % 2 and FENCE in block else block for n, block in enumerate(blocks))
    body = body.replace(FENCE, '```')
    target = PAGES / page_of(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(body, encoding='utf-8')
    for name, data in resources['outputs'].items():
        picture = target.parent / name
        picture.parent.mkdir(exist_ok=True)
        picture.write_bytes(data)


def title_of(path: Path) -> tuple[str, str]:
    "A notebook's title and its one-line subtitle."
    first = ''.join(json.loads(path.read_text(encoding='utf-8'))['cells'][0]['source'])
    title = re.search(r'^# (.+)', first, re.MULTILINE)
    subtitle = re.search(r'^> (.+)', first, re.MULTILINE)
    return title[1] if title else path.stem, subtitle[1] if subtitle else ''


def notebooks_by_module() -> dict[str, Path]:
    "module (without the package) -> the notebook that exports it."
    found = {}
    for path in sorted(NBS.rglob('*.ipynb')):
        match = re.search(r'#\| default_exp ([\w.]+)', path.read_text(encoding='utf-8'))
        if match and '.ipynb_checkpoints' not in path.parts:
            found[match[1]] = path
    return found


def public_names(stub: Path) -> dict[str, list[str]]:
    "module -> the names that a wing's face hands on."
    names: dict[str, list[str]] = {}
    for node in ast.parse(stub.read_text(encoding='utf-8')).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            names.setdefault(node.module, []).extend(alias.name for alias in node.names)
    return names


def definitions(path: Path) -> set[str]:
    "The functions and classes of a module."
    body = ast.parse(path.read_text(encoding='utf-8')).body
    return {n.name for n in body if isinstance(n, (ast.FunctionDef, ast.ClassDef))}


def module_heading(name: str, module: str, path: Path) -> list[str]:
    "What stands above a module's entries: its name, what it is for, its notebook."
    title, subtitle = title_of(path)
    return [
        f'## {name}',
        '',
        f'{subtitle}. Notebook: [{title}](../{page_of(path)}) (`korean_sparse.{module}`).',
        '',
    ]


def reference_page(wing: str, modules: dict[str, Path]) -> str:
    "What a wing's face offers, module by module, each with its notebook."
    doc = ast.get_docstring(ast.parse((LIBRARY / wing / '__init__.py').read_text(encoding='utf-8'))) or ''
    names = public_names(LIBRARY / wing / '__init__.pyi')
    lines = [f'# korean_sparse.{wing}', '', doc + '.', '']
    for module, path in modules.items():
        if module.partition('.')[0] != wing:
            continue
        short = module.partition('.')[2]
        lines += module_heading(short, module, path)
        documented = definitions(LIBRARY / wing / f'{short}.py')
        constants = [n for n in names.get(short, ()) if n not in documented]
        if constants:
            lines += [f'Values: {", ".join(f"`{n}`" for n in constants)}.', '']
        for name in names.get(short, ()):
            if name in documented:
                lines += [f'::: korean_sparse.{module}.{name}', '']
    return '\n'.join(lines)


def doors_page(modules: dict[str, Path]) -> str:
    "The doors: what applications use."
    lines = [
        '# Doors',
        '',
        'What most applications need is here: `from korean_sparse import Search, SparseEncoder`.',
        '',
    ]
    for module in DOORS:
        lines += module_heading(module, module, modules[module])
        tree = ast.parse((LIBRARY / f'{module}.py').read_text(encoding='utf-8'))
        public = [n.name for n in tree.body if isinstance(n, ast.ClassDef) and not n.name.startswith('_')]
        lines += [line for name in public for line in (f'::: korean_sparse.{module}.{name}', '')]
    return '\n'.join(lines)


def reference_index(modules: dict[str, Path]) -> str:
    "Every module of the library in one table."
    lines = [
        '# Reference',
        '',
        'Every module, the notebook that it is exported from, and what it is for.',
        '',
    ]
    lines += ['| module | notebook | |', '|---|---|---|']
    for module, path in sorted(modules.items(), key=lambda x: str(x[1])):
        title, subtitle = title_of(path)
        lines.append(f'| `korean_sparse.{module}` | [{title}](../{page_of(path)}) | {subtitle} |')
    return '\n'.join(lines) + '\n'


def relinked(text: str, source: Path, page: str) -> str:
    "Links of a file of the repository, as its page needs them: to pages of the site where there is one."

    def link(match: re.Match) -> str:
        picture, label, target = match[1], match[2], match[3]
        address, hash_sign, anchor = target.partition('#')
        if re.match(r'[a-z]+:', target) or not address:
            return match[0]
        place = (source.parent / address).resolve()
        inside = place.relative_to(ROOT) if place.is_relative_to(ROOT) else place
        if str(inside) in COPIED:
            found = COPIED[str(inside)]
        elif place.suffix == '.ipynb' and place.exists():
            found = page_of(place)
        elif inside.parts[0] == 'docs':  # pages that are made here (reference/) among them
            found = str(Path(*inside.parts[1:]))
        else:
            return f'{label} (`{inside}`)'
        way = os.path.relpath(found, Path(page).parent)
        return f'{picture}[{label}]({way}{hash_sign}{anchor})'

    return re.sub(r'(!?)\[([^\]]*)\]\(([^)\s]+)\)', link, text)


def without_header(text: str) -> str:
    "A page without the YAML block that model hubs read."
    return re.sub(r'\A---\n.*?\n---\n', '', text, flags=re.DOTALL)


def lay_together() -> dict[str, Path]:
    "All pages in build/site; returns the notebooks by module."
    shutil.rmtree(PAGES, ignore_errors=True)
    shutil.copytree(ROOT / 'docs', PAGES)
    for source, page in COPIED.items():
        text = without_header((ROOT / source).read_text(encoding='utf-8'))
        (PAGES / page).write_text(relinked(text, ROOT / source, page), encoding='utf-8')
    for source in (ROOT / 'docs').rglob('*.md'):
        page = str(source.relative_to(ROOT / 'docs'))
        (PAGES / page).write_text(
            relinked(source.read_text(encoding='utf-8'), source, page), encoding='utf-8'
        )
    modules = notebooks_by_module()
    for path in [*modules.values(), NBS / 'index.ipynb']:
        copy_notebook(path)
    (PAGES / 'reference').mkdir()
    (PAGES / 'reference/index.md').write_text(reference_index(modules), encoding='utf-8')
    (PAGES / 'reference/doors.md').write_text(doors_page(modules), encoding='utf-8')
    for wing in WINGS:
        (PAGES / f'reference/{wing}.md').write_text(reference_page(wing, modules), encoding='utf-8')
    return modules


def chapters() -> list:
    "The tour, the six stages and the box, in order."
    paths = [NBS / 'index.ipynb', *sorted(NBS.glob('0*.ipynb'))]
    return [{title_of(p)[0]: page_of(p)} for p in paths]


def reference(modules: dict[str, Path]) -> list:
    "One entry a wing: its page, then its notebooks."
    doors = [{title_of(modules[d])[0]: page_of(modules[d])} for d in DOORS]
    found: list = ['reference/index.md', {'doors': ['reference/doors.md', *doors]}]
    for wing in WINGS:
        paths = [p for m, p in modules.items() if m.startswith(f'{wing}.')]
        books = [{title_of(p)[0]: page_of(p)} for p in sorted(paths)]
        found.append({wing: [f'reference/{wing}.md', *books]})
    return found


def main() -> None:
    logging.basicConfig(level=logging.WARNING, format='%(levelname)s: %(message)s')
    modules = lay_together()
    nav = yaml.safe_load((ROOT / 'mkdocs.yml').read_text(encoding='utf-8'))['nav']
    filled = {'CHAPTERS': chapters(), 'REFERENCE': reference(modules)}
    nav = [{k: filled.get(v, v) if isinstance(v, str) else v for k, v in entry.items()} for entry in nav]
    config = load_config(
        str(ROOT / 'mkdocs.yml'),
        docs_dir=str(PAGES),
        site_dir=str(OUT),
        nav=nav,
        strict=True,
    )
    config.plugins.on_startup(command='build', dirty=False)
    try:
        build(config)
    finally:
        config.plugins.on_shutdown()
    unnamed = [m for m in modules if f'korean_sparse.{m}' not in (OUT / 'reference/index.html').read_text()]
    if unnamed:
        sys.exit(f'modules that no page names: {", ".join(unnamed)}')
    print(f'{OUT}/index.html')


if __name__ == '__main__':
    main()
