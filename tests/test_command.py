"""The command as people use it: folders, tables, pipes, two languages, mistakes, kills, and the help's examples."""

import io
import json
import os
import pty
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT

from korean_sparse import SparseEncoder
from korean_sparse.command import command_parser, main
from korean_sparse.messages import MESSAGES, Messages
from korean_sparse.store.disk import Store

COMMANDS = ('index', 'search', 'serve', 'site', 'encode', 'export', 'eval')
COFFEE = '# 커피와 건강\n\n커피는 하루 두 잔까지 괜찮다.\n\n## 카페인\n\n카페인은 잠을 방해한다.\n'
QUAKE = '<title>지진 대피</title><p>지진이 나면 탁자 아래로 몸을 피한다.</p>'


@pytest.fixture(autouse=True)
def plain(monkeypatch, tmp_path):
    "An empty folder, an English locale, no terminal."
    for name in ('LC_ALL', 'LC_MESSAGES', 'NO_COLOR', 'KOREAN_SPARSE_TOKEN', 'COLUMNS'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv('LANG', 'en_US.UTF-8')
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope='module')
def model():
    return SparseEncoder.load()


@pytest.fixture
def notes(tmp_path) -> Path:
    folder = tmp_path / 'notes'
    (folder / 'sub').mkdir(parents=True)
    (folder / 'coffee.md').write_text(COFFEE)
    (folder / 'sub/quake.html').write_text(QUAKE)
    (folder / 'news.txt').write_text('Two cups of coffee a day do no harm to most adults, says the agency.')
    return folder


@pytest.fixture
def said(capsys):
    "Runs a command here; its exit code, what it printed, and what it noted."

    def run(*arguments) -> tuple[int, str, str]:
        code = main([str(a) for a in arguments])
        return code, *capsys.readouterr()

    return run


def process(*arguments, cwd: Path, stdin: bytes = b'', **environment) -> subprocess.CompletedProcess:
    "The same in a process of its own, with bytes."
    env = os.environ | {'PYTHONPATH': str(ROOT)} | environment
    command = [sys.executable, '-m', 'korean_sparse', *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, cwd=cwd, env=env, timeout=60)


def counts(text: str) -> tuple[int, ...]:
    "New, changed, removed, unchanged, and all documents, of what `index --json` prints."
    found = json.loads(text)
    return tuple(found[name] for name in ('new', 'changed', 'removed', 'same', 'documents'))


def test_a_folder_is_searched_and_kept_up_to_date(notes, said):
    index = ('index', notes, '-o', 'store', '--json')
    assert counts(said(*index)[1]) == (3, 0, 0, 0, 3)
    code, out, _ = said('search', 'store', '지진이', '나면')
    assert code == 0 and out.startswith(' 1. 지진 대피  sub/quake.html')
    code, out, _ = said('search', 'store', '커피', '--json')
    found = [json.loads(line) for line in out.splitlines()]
    assert {hit['id'] for hit in found} == {'coffee.md', 'news.txt'}
    assert counts(said(*index)[1]) == (0, 0, 0, 3, 3)

    (notes / 'news.txt').unlink()
    (notes / 'coffee.md').write_text(COFFEE.replace('두 잔', '세 잔'))
    (notes / 'tea.txt').write_text('녹차는 따뜻하게 마신다.')
    assert counts(said(*index)[1]) == (1, 1, 1, 1, 3)
    (notes / 'tea.txt').unlink()
    assert counts(said(*index, '--keep')[1]) == (0, 0, 0, 2, 3)
    assert counts(said(*index)[1]) == (0, 0, 1, 2, 2)
    with Store('store', read_only=True) as store:
        assert sorted(store) == ['coffee.md', 'sub/quake.html']
        assert (
            '세 잔' in store.get('coffee.md').text
            and store.get('coffee.md').metadata['title'] == '커피와 건강'
        )


def test_a_store_inside_the_folder_is_not_read(notes, said):
    os.chdir(notes)
    assert counts(said('index', '.', '-o', 'store', '--json')[1])[0] == 3
    assert counts(said('index', '.', '-o', 'store', '--json')[1]) == (0, 0, 0, 3, 3)


def test_what_cannot_be_read_stays_as_it_was(notes, said):
    said('index', notes, '-o', 'store')
    (notes / 'coffee.md').write_bytes(b'\xff\xfe\xfd' * 50 + b'\x00\x01\x02')
    code, out, err = said('index', notes, '-o', 'store')
    assert code == 3 and '1 files could not be read' in err and 'coffee.md' in err, (out, err)
    with Store('store', read_only=True) as store:
        assert '두 잔' in store.get('coffee.md').text
    shutil.rmtree(notes / 'sub')
    (notes / 'news.txt').unlink()
    assert said('index', notes, '-o', 'other')[0] == 2  # nothing could be read


def test_tables_have_columns_metadata_and_filters(tmp_path, said):
    rows = '번호,제목,내용,연도,분류\n1,여권,여권을 잃어버리면 신고한다.,2023,civic\n2,이사,이사하면 14일 안에 신고한다.,2024,civic\n'
    Path('faq.csv').write_bytes(rows.encode('cp949'))
    code, _, err = said('index', 'faq.csv', '-o', 'store')
    assert code == 2 and 'cp949' in err
    assert said('index', 'faq.csv', '-o', 'store', '--encoding', 'cp949')[0] == 0

    def ids(*filters):
        given = [part for text in filters for part in ('--filter', text)]
        code, out, _ = said('search', 'store', '신고', '--json', *given)
        assert code == (0 if out else 1)
        return sorted(json.loads(line)['id'] for line in out.splitlines())

    assert ids() == ['1', '2']
    assert ids('연도>=2024') == ids('연도=2024') == ids('{"연도": 2024}') == ids('title=이사') == ['2']
    assert ids('연도<2024', '분류=civic') == ids('연도!=2024') == ['1']
    assert ids('분류=other') == []
    for wrong in (
        '연도',
        '{"연도": ',
        '{"연도": {"near": 3}}',
        '{"연도": 1, "연도": 2}',
        '[1]',
        '연도>>5',
        '연도=>5',
        '연도==5',
    ):
        code, out, err = said('search', 'store', '신고', '--filter', '분류=civic', '--filter', wrong)
        assert code == 2 and not out and err.startswith('error: ') and 'Traceback' not in err, err
        assert '분류' not in err and ('near' in wrong or '= != > >= < <=' in err), err


def test_pipes_in(tmp_path, model):
    lines = ''.join(json.dumps({'text': t}, ensure_ascii=False) + '\n' for t in ('하나의 글', '두번째 글'))
    for wanted in ((2, 0, 0, 0, 2), (0, 0, 0, 2, 2)):
        done = process('index', '-', '-o', 'store', '--json', cwd=tmp_path, stdin=lines.encode())
        assert counts(done.stdout) == wanted, done.stderr
    done = process('index', '-', '-o', 'store', cwd=tmp_path, stdin=b'a,b\n')
    assert done.returncode == 2 and b'--format' in done.stderr
    done = process(
        'index',
        '-',
        '--format',
        'tsv',
        '-o',
        'store',
        cwd=tmp_path,
        stdin='id\ttext\nx\t고양이가 잔다\n'.encode(),
    )
    assert done.returncode == 0, done.stderr
    done = process('search', 'store', '-', '--json', cwd=tmp_path, stdin='고양이\n'.encode())
    assert json.loads(done.stdout)['id'] == 'x'


def test_answers_are_those_of_the_store(notes, said):
    said('index', notes, '-o', 'store')
    with Store('store', read_only=True) as store:
        for question, k, offset in (('커피', 10, 0), ('coffee', 1, 0), ('커피', 5, 1)):
            code, out, _ = said('search', 'store', question, '-k', k, '--offset', offset, '--json')
            wanted = store.search(question, k, offset=offset).to_dicts()
            assert code == 0 and [json.loads(line) for line in out.splitlines()] == wanted
    code, out, err = said('search', 'store', '기린')
    assert (code, out) == (1, '') and 'nothing was found' in err and '기린' in err
    code, out, err = said('search', 'store', '을 를')
    assert code == 1 and 'nouns' in err
    code, out, err = said('search', 'store', '커피', '--explain', '-k', '1')
    assert 'found by: 커피' in out and 'asked for: 커피' in err


def test_texts_cannot_speak_to_the_terminal(tmp_path, said):
    evil = '커피 \x1b]0;own\x07 \x1b[2J 잔 \u202e\x9b31m'
    Path('evil.jsonl').write_text(
        json.dumps({'id': 'a\x1b[2J', 'title': 'x\x1b[1m', 'text': evil, 'm': '\x1b[3m'})
    )
    said('index', 'evil.jsonl', '-o', 'store')
    code, out, err = said('search', 'store', '커피', '--explain', '--color', 'never')
    assert code == 0 and '커피' in out
    assert not re.search('[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]', out + err), (out, err)


def test_colour_is_for_terminals(notes, said):
    said('index', notes, '-o', 'store')
    assert '\x1b[' not in said('search', 'store', '커피')[1]
    assert '\x1b[1;33m커피\x1b[0m' in said('search', 'store', '커피', '--color', 'always')[1]
    for environment, coloured in (({}, True), ({'NO_COLOR': '1'}, False)):
        mine, theirs = pty.openpty()
        env = os.environ | {'PYTHONPATH': str(ROOT), 'TERM': 'xterm'} | environment
        command = [sys.executable, '-m', 'korean_sparse', 'search', 'store', '커피']
        done = subprocess.run(command, stdout=theirs, stderr=subprocess.DEVNULL, env=env, timeout=60)
        os.close(theirs)
        shown = os.read(mine, 10_000).decode()
        os.close(mine)
        assert done.returncode == 0 and ('\x1b[' in shown) == coloured


def test_locales_change_words_and_no_json(notes, tmp_path):
    process('index', notes, '-o', 'store', cwd=tmp_path)
    ko = process('search', 'nowhere', 'q', cwd=tmp_path, LC_ALL='ko_KR.UTF-8')
    en = process('search', 'nowhere', 'q', cwd=tmp_path, LC_ALL='en_US.UTF-8')
    assert ko.stderr.decode().startswith('오류: nowhere') and en.stderr.decode().startswith('error: nowhere')
    outs = set()
    for locale in ('ko_KR.UTF-8', 'C', 'ko_KR.eucKR'):
        extra = {'PYTHONUTF8': '0', 'PYTHONCOERCECLOCALE': '0', 'PYTHONIOENCODING': ''}
        done = process('search', 'store', '커피', '--json', cwd=tmp_path, LC_ALL=locale, **extra)
        assert done.returncode == 0, done.stderr
        outs.add(done.stdout)
    assert len(outs) == 1 and '커피' in outs.pop().decode('utf-8')


def test_a_pipe_that_is_closed_is_no_error(tmp_path):
    lines = ''.join(json.dumps({'text': f'글 {n} ' + '긴 글 ' * 50}) + '\n' for n in range(300))
    Path('many.jsonl').write_text(lines)
    command = [sys.executable, '-m', 'korean_sparse', 'encode', 'many.jsonl', '--query']
    env = os.environ | {'PYTHONPATH': str(ROOT)}
    done = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
    json.loads(done.stdout.readline())
    done.stdout.close()
    assert done.stderr.read() == b'' and done.wait(60) == 0


def many(path: Path, n: int) -> None:
    texts = ({'id': i, 'text': f'{i}번 글은 지진과 커피와 여권을 {i}번 말한다.'} for i in range(n))
    path.write_text(''.join(json.dumps(t, ensure_ascii=False) + '\n' for t in texts))


def started(*arguments, least: int) -> subprocess.Popen:
    "A command that is at work: its store has so many documents."
    env = os.environ | {'PYTHONPATH': str(ROOT)}
    running = subprocess.Popen(
        [sys.executable, '-m', 'korean_sparse', *arguments],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=env,
        # a shell starts what is behind it with Ctrl-C ignored, and children inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    until = time.monotonic() + 50
    while time.monotonic() < until and running.poll() is None:
        try:
            with Store('store', read_only=True) as store:
                if len(store) >= least:
                    return running
        except (FileNotFoundError, ValueError):
            pass
        time.sleep(0.02)
    raise AssertionError((running.poll(), running.stderr.read()))


@pytest.mark.parametrize('how', (signal.SIGKILL, signal.SIGINT))
def test_a_run_that_is_stopped_goes_on_where_it_was(how, said):
    many(Path('many.jsonl'), 400)
    running = started('index', 'many.jsonl', '-o', 'store', '--batch', '8', least=16)
    running.send_signal(how)
    err = running.communicate(timeout=60)[1].decode()
    if how == signal.SIGINT:
        assert running.returncode == 130 and 'safe in store' in err and 'Traceback' not in err
    with Store('store', read_only=True) as store:
        before = len(store)
    assert 16 <= before < 400
    new, changed, removed, same, total = counts(said('index', 'many.jsonl', '-o', 'store', '--json')[1])
    assert (new, changed, removed, same, total) == (400 - before, 0, 0, before, 400)
    with Store('store', read_only=True) as store:
        assert set(store) == {str(i) for i in range(400)}


def test_two_writers_are_told_apart(notes, said):
    with Store('store') as store:
        store.add(['글'])
        done = process('index', notes, '-o', 'store', cwd=Path.cwd())
    assert done.returncode == 2 and done.stderr.startswith(b'error: ') and b'Traceback' not in done.stderr


@pytest.mark.parametrize(
    'arguments',
    (
        ('index', 'nowhere', '-o', 'store'),
        ('index', 'picture.png', '-o', 'store'),
        ('index', 'empty', '-o', 'store'),
        ('index', 'bad.csv', '-o', 'store'),
        ('index', 'bad.csv', '-o', 'bad.csv'),
        ('index', 'good.csv', '-o', 'store', '--text', 'nothing'),
        ('index', 'good.csv', '-o', 'store', '--model', 'empty'),
        ('search', 'nowhere', 'q'),
        ('search', 'empty', 'q'),
        ('search', 'good.csv', 'q'),
        ('search', 'empty', ' '),
        ('search', 'empty', 'q', '-k', '0'),
        ('search', 'empty', 'q', '-k', '1e9'),
        ('serve', 'empty', '--host', '0.0.0.0'),
        ('serve', 'empty', '--port', '99999'),
        ('serve', 'empty', '--token-file', 'nowhere'),
        ('serve', 'empty', '--token-file', 'good.csv'),
        ('serve', 'empty', '--rate', 'nan'),
        ('encode', 'nowhere.csv'),
        ('export', 'empty', '-o', 'out', '--only', 'query'),
        ('eval', 'empty'),
        ('site', 'nowhere', '-o', 'out'),
        ('site', 'empty', '-o', 'out'),
        ('fly',),
        (),
    ),
)
def test_a_mistake_is_answered_by_a_sentence(arguments, said):
    Path('empty').mkdir()
    Path('picture.png').write_bytes(b'\x89PNG')
    Path('bad.csv').write_text('a,b\n"1,2\n')
    Path('good.csv').write_text('text,b\na,2\n')
    code, out, err = said(*arguments)
    assert (code, out) == (2, '') and 'Traceback' not in err and 1 <= len(err.splitlines()) < 30, err
    assert not arguments or re.search('^error: .{8,400}$', err, re.MULTILINE), err
    if 'nowhere' in arguments:
        assert 'nowhere' in err


def test_debug_shows_where(said):
    for arguments in (('--debug', 'search', 'nowhere', 'q'), ('search', 'nowhere', 'q', '--debug')):
        code, _, err = said(*arguments)
        assert code == 2 and 'Traceback' in err and err.splitlines()[-1].startswith('error: nowhere')


@pytest.mark.parametrize(
    'missing, extra, arguments',
    (
        ('fastapi', 'serve', ('serve', 'store', '--port', '0')),
        ('torch', 'train', ('export', '-o', 'out')),
        ('ir_measures', 'stages', ('eval', 'notes')),
    ),
)
def test_what_needs_more_says_what_to_install(missing, extra, arguments, notes, said, monkeypatch):
    said('index', notes, '-o', 'store')
    monkeypatch.setitem(sys.modules, missing, None)
    code, out, err = said(*arguments)
    assert code == 2 and f"pip install 'korean_sparse[{extra}]'" in err and 'Traceback' not in err
    assert not Path('out').exists()


def test_encode_gives_what_the_model_gives(said, model):
    Path('texts.jsonl').write_text(
        '{"id": "a", "text": "지진이 나면 탁자 아래로"}\n{"id": 7, "text": "coffee"}\n'
    )
    code, out, _ = said('encode', 'texts.jsonl', '-k', '5')
    rows = [json.loads(line) for line in out.splitlines()]
    wanted = model.encode(['지진이 나면 탁자 아래로', 'coffee'])
    assert code == 0 and [row['id'] for row in rows] == ['a', '7']
    for n, row in enumerate(rows):
        assert list(row['terms'].items()) == [(t, round(float(w), 4)) for t, w in model.terms(wanted[n], 5)]
    Path('lines.txt').write_text('커피\n\n커피를 마셔도 되나요\n')
    code, out, _ = said('encode', 'lines.txt', '--format', 'lines', '--query')
    rows = [json.loads(line) for line in out.splitlines()]
    assert len(rows) == 2 and {'커피', '마셔'} <= set(rows[1]['terms'])
    weight = float(model.query.idf[model.tokenizer.token_to_id('커피')])
    assert rows[0]['terms']['커피'] == pytest.approx(weight, abs=0.001)


def test_export_writes_what_a_cluster_takes(said):
    from korean_sparse.opensearch.artifacts import faults, open_artifact

    code, out, _ = said('export', '-o', 'zips', '--only', 'query', '--name', 'news', '--json')
    assert code == 0 and json.loads(out)['name'] == 'news-query'
    assert faults('zips/query.zip', 'query') == [] and open_artifact('zips/query.zip').name == 'news-query'
    assert sorted(p.name for p in Path('zips').iterdir()) == ['query.json', 'query.zip']


def test_eval_measures_beside_bm25(said):
    pytest.importorskip('ir_measures')
    Path('beir/qrels').mkdir(parents=True)
    texts = {
        'a': '지진이 나면 탁자 아래로 몸을 피한다.',
        'b': 'Two cups of coffee a day do no harm.',
        'c': '여권을 잃어버리면 신고한다.',
    }
    rows = (json.dumps({'_id': i, 'title': '', 'text': t}, ensure_ascii=False) for i, t in texts.items())
    Path('beir/corpus.jsonl').write_text('\n'.join(rows))
    Path('beir/queries.jsonl').write_text(
        '{"_id": "q1", "text": "커피를 마셔도 되나요"}\n{"_id": "q2", "text": "여권 분실"}\n'
    )
    Path('beir/qrels/test.tsv').write_text('query-id\tcorpus-id\tscore\nq1\tb\t1\nq2\tc\t1\n')
    code, out, _ = said('eval', 'beir', '--json')
    figures = json.loads(out)
    assert code == 0 and (figures['documents'], figures['queries']) == (3, 2)
    assert figures['systems']['korean-sparse']['nDCG@10'] == 1 > figures['systems']['BM25']['nDCG@10'] == 0.5
    code, out, _ = said('eval', 'beir', '--no-bm25')
    assert code == 0 and 'BM25' not in out and '1.000' in out


def test_site_is_built(notes, said):
    for _ in range(2):  # the second time nothing is encoded
        made = ('-o', 'public', '--title', '<b>우리</b> 안내서', '--lang', 'ko', '--cache', 'rows.sqlite')
        code, out, err = said('site', notes, *made)
        assert code == 0 and '3 pages' in out and Path('rows.sqlite').stat().st_size > 0, (out, err)
    page = Path('public/index.html').read_text()
    assert '&lt;b&gt;우리&lt;/b&gt; 안내서' in page and 'lang="ko"' in page


@pytest.mark.parametrize('lang', ('en', 'ko'))
def test_every_example_of_the_help_is_a_command(lang, said, monkeypatch):
    monkeypatch.setenv('LC_ALL', {'ko': 'ko_KR.UTF-8', 'en': 'en_US.UTF-8'}[lang])
    parser, seen = command_parser(Messages(lang)), set()
    for command in ('', *COMMANDS):
        code, out, _ = said(*filter(None, (command, '--help')))
        assert code == 0 and max(map(len, out.splitlines())) <= 110
        assert (
            ('사용법: ' if lang == 'ko' else 'usage: ') in out and re.search('[가-힣]', out) or lang == 'en'
        )
        for line in out.split('-h, --help')[1].splitlines():
            found = re.search(r'(?:^  |\| )(?:KOREAN_SPARSE_TOKEN=… )?korean-sparse (\w.*)', line)
            if found:
                text = re.split(r' \| | > |  +(?=\S)', found[1])[0]
                args = parser.parse_args(shlex.split(text))
                seen.add(args.command)
    assert seen == set(COMMANDS)


def test_the_table_of_messages_is_what_is_said():
    source = ''.join((ROOT / 'korean_sparse' / f'{name}.py').read_text() for name in ('command', 'terminal'))
    used = set(re.findall(r"say\(\s*['\"]([\w.]+)['\"]", source))
    made = {
        name for name in MESSAGES if name.split('.')[0] in COMMANDS and f"'{name.split('.')[-1]}'" in source
    }
    made |= {f'{c}{part}' for c in COMMANDS for part in ('', '.about', '.examples')}
    assert used <= set(MESSAGES)
    assert set(MESSAGES) - used - made == {'json'} - used


def test_it_starts_at_once(tmp_path):
    heavy = '("numpy", "onnxruntime", "fastapi")'
    code = f'import sys, korean_sparse.command; print([m for m in {heavy} if m in sys.modules])'
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == '[]', done.stderr
    done = process('--version', cwd=tmp_path)
    assert done.stdout.decode().startswith('korean-sparse ') and done.returncode == 0


@pytest.mark.parametrize('closed', (0, 1, 2))
def test_what_is_closed_is_named(closed, notes, said, tmp_path):
    said('index', notes, '-o', 'store')
    question = '-' if closed == 0 else '커피'
    env = os.environ | {'PYTHONPATH': str(ROOT)}
    shell = f'exec {shlex.quote(sys.executable)} -m korean_sparse search store {question} {closed}>&-'
    done = subprocess.run(['bash', '-c', shell], capture_output=True, text=True, env=env, timeout=60)
    if closed == 2:
        assert (done.returncode, done.stderr) == (0, '') and 'coffee.md' in done.stdout
    else:
        assert done.returncode == 2 and done.stderr.startswith(
            f'error: {("stdin", "stdout")[closed]} is closed'
        )
        assert len(done.stderr.splitlines()) == 1


def test_two_tables_that_count_alike_live_in_one_store(said):
    for name in 'ab':
        Path(f'{name}.csv').write_text(f'번호,내용\n1,{name}의 커피\n2,{name}의 지진\n')
    code, out, err = said('index', 'a.csv', 'b.csv', '-o', 'store')
    assert code == 2 and '--prefix' in err and 'b.csv:1' in err
    assert said('index', 'a.csv', 'b.csv', '-o', 'other', '--prefix')[0] == 0
    with Store('other', read_only=True) as store:
        assert sorted(store) == ['a.csv:1', 'a.csv:2', 'b.csv:1', 'b.csv:2']
    assert counts(said('index', 'a.csv', 'b.csv', '-o', 'store', '--prefix', '--json')[1]) == (4, 0, 2, 0, 4)


def test_columns_are_known_by_name_or_asked_for(said):
    Path('faq.csv').write_text('번호,질문,답변\n7,커피를 마셔도 되나요,하루 두 잔은 괜찮다\n')
    assert said('index', 'faq.csv', '-o', 'store')[0] == 0
    with Store('store', read_only=True) as store:
        document = store.get('7')
        assert document.metadata['title'] == '커피를 마셔도 되나요' and '두 잔' in document.text
    Path('bare.csv').write_text('커피는 두 잔,2024\n지진,2023\n')
    code, _, err = said('index', 'bare.csv', '-o', 'x')
    assert code == 2 and 'begins with a line of column names' in err and '--text' in err
    assert not Path('x').exists()


@pytest.mark.parametrize(
    'content, arguments',
    (
        (b'', ('-',)),
        (b' \n\n', ('-', '--format', 'lines')),
        (b'a,b\n', ('-',)),
        (b'{"text": \n', ('-',)),
        (b'\x00\x01', ('bad.bin',)),
        (b'', ('empty.csv',)),
        (b'', ('bad.pdf',)),
    ),
)
def test_what_gives_nothing_leaves_no_store(content, arguments, said, monkeypatch):
    Path('bad.bin').write_bytes(b'\x00\x01')
    Path('empty.csv').write_text('id,text\n')
    Path('bad.pdf').write_bytes(b'%PDF-1.4\n1 0 obj')
    monkeypatch.setattr(sys, 'stdin', io.TextIOWrapper(io.BytesIO(content)))
    code, out, err = said('index', *arguments, '-o', 'my x')
    assert code == 2 and not out and not Path('my x').exists(), err
    assert len(err.splitlines()) <= 2 and err.splitlines()[-1].startswith('error: '), err
    assert 'korean-sparse-' not in err  # a folder of the moment


def test_commands_that_are_shown_can_be_pasted(notes, said):
    err = said('index', notes, '-o', 'my store; ls')[2]
    assert "korean-sparse search 'my store; ls' " in err
    assert "-o 'no store'" in said('search', 'no store', 'q')[2]


def test_mistakes_in_stdin_name_its_line(said, monkeypatch):
    for command in (('index', '-', '-o', 'store'), ('encode',)):
        monkeypatch.setattr(sys, 'stdin', io.TextIOWrapper(io.BytesIO(b'{"text": "a"}\n{"text": \n')))
        code, _, err = said(*command)
        assert code == 2 and err.startswith('error: stdin, line 2: not JSON'), err


@pytest.mark.parametrize('lang', ('en', 'ko'))
def test_errors_speak_of_the_command(lang, notes, said, monkeypatch):
    monkeypatch.setenv('LC_ALL', {'ko': 'ko_KR.UTF-8', 'en': 'en_US.UTF-8'}[lang])
    (notes / 'faq.csv').write_bytes('번호,내용\n1,커피\n'.encode('cp949'))
    (notes / 'bad.docx').write_bytes(b'PK\x03\x04 no zip')
    code, _, err = said('index', notes, '-o', 'store')
    assert code == 3 and '--encoding cp949' in err and 'encoding=' not in err
    with Store('busy') as store:
        store.add(['글'])
        code, _, busy = said('index', notes, '-o', 'busy')
        assert code == 2 and 'read_only' not in busy
    near = said('search', 'store', '커피', '--filter', '{"a": {"near": 1}}')[2]
    odd = said('search', 'store', '커피', '--model', 'nowhere')[2]
    for line in (*err.splitlines()[1:], busy, near, odd):
        assert lang == 'en' or re.search('니다|세요', line), line


def test_tokens_are_ascii(said, monkeypatch):
    for token, word in (('열여섯 글자가 넘는 비밀 토큰입니다', 'ASCII'), ('short', 'at least 16')):
        monkeypatch.setenv('KOREAN_SPARSE_TOKEN', token)
        code, _, err = said('serve', 'store')
        assert code == 2 and word in err and token not in err


def test_an_early_interrupt_is_no_traceback(monkeypatch, tmp_path):
    lines = 'import sys\nclass Now:\n    def find_spec(self, name, *_):\n        if name == "argparse": raise KeyboardInterrupt\n'
    code = lines + (
        'sys.modules.pop("argparse", None)\nsys.meta_path.insert(0, Now())\n'
        'from korean_sparse.__main__ import run\nsys.exit(run())'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, cwd=ROOT, timeout=60)
    assert (done.returncode, done.stderr) == (130, b'')
