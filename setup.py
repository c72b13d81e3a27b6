"Everything about the package is in settings.ini; this file only hands it to setuptools."

from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup

here = Path(__file__).parent
config = ConfigParser()
config.read(here / 'settings.ini', encoding='utf-8')
cfg = config['DEFAULT']
extras = {key.removesuffix('_requirements'): cfg[key].split() for key in cfg if key.endswith('_requirements')}
extras['all'] = sorted({req for reqs in extras.values() for req in reqs})

setup(
    name=cfg['lib_name'],
    version=cfg['version'],
    description=cfg['description'],
    keywords=cfg['keywords'].split(),
    author=cfg['author'],
    author_email=cfg['author_email'],
    url=cfg['git_url'],
    license='Apache-2.0',
    packages=find_packages(include=[cfg['lib_path'], cfg['lib_path'] + '.*']),
    package_data={
        # the model that SparseEncoder.load() finds, the types, what a browser is given
        cfg['lib_path']: ['model/*', 'py.typed', '*.pyi', '*/*.pyi', 'web/assets/*', 'server_page/*']
    },
    entry_points={
        'console_scripts': ['korean-sparse = korean_sparse.__main__:run'],
        'mkdocs.plugins': ['korean_sparse = korean_sparse.web.mkdocs:SearchPlugin'],
    },
    python_requires='>=' + cfg['min_python'],
    install_requires=cfg['requirements'].split(),
    extras_require=extras,
    long_description=(here / 'README.md').read_text(encoding='utf-8')
    if (here / 'README.md').exists()
    else '',
    long_description_content_type='text/markdown',
    zip_safe=False,
)
