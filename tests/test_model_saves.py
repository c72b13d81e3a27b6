"""A model is saved whole or not at all, whatever kills the saver; what stands in its way is named, not removed."""

import hashlib
import os
import stat
import threading
from pathlib import Path

import pytest
import torch

from korean_sparse.core import DataError
from korean_sparse.core.safe_writes import killed_at
from korean_sparse.encoder import SparseEncoder, from_scratch, pack
from korean_sparse.retrieval.query import idf_weights
from korean_sparse.text.analysers import get_analyzer
from korean_sparse.text.vectors import ppmi_vectors
from korean_sparse.text.vocabulary import train_vocabulary

TEXTS = [
    '혈당을 재는 기계는 손가락 끝에서 피를 조금 낸다.',
    '두부를 물에 담가 두면 잘 상하지 않는다.',
    'The blood sugar meter takes a drop of blood from a finger.',
    'Tofu keeps for days in fresh water.',
]


def tiny(layers: int = 1) -> SparseEncoder:
    "A model of a few hundred terms, made in a second."
    torch.set_num_threads(1)
    vocab = train_vocabulary(TEXTS, get_analyzer('kiwi'), 400)
    ids = [e.ids for e in vocab.tokenizer.encode_batch(TEXTS, add_special_tokens=False)]
    vectors = ppmi_vectors([vocab.spoken(text) for text in TEXTS], dim=8, min_count=1)
    sizes = {'layers': layers, 'heads': 2, 'top_own': 3, 'top_other': 4}
    return from_scratch(vocab, idf_weights(ids, vocab), vectors, TEXTS, **sizes)


@pytest.fixture(scope='module')
def models() -> tuple[SparseEncoder, SparseEncoder]:
    "Two models of one shape: as one and the same before and after some training."
    torch.manual_seed(0)
    before, after = tiny(), tiny()
    with torch.no_grad():
        for parameter in after.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    after.query.idf = after.query.idf * 0.5
    return before, after


def digest(folder: Path) -> str:
    "All names and bytes of a folder."
    parts = hashlib.sha256()
    for path in sorted(p for p in folder.rglob('*') if p.is_file()):
        parts.update(f'\0{path.relative_to(folder)}\0'.encode() + path.read_bytes())
    return parts.hexdigest()


@pytest.mark.parametrize('write', [SparseEncoder.save, pack], ids=['save', 'pack'])
def test_a_kill_at_any_moment_leaves_the_old_or_the_new(write, models, tmp_path):
    before, after = models
    write(before, tmp_path / 'old')
    write(after, tmp_path / 'new')
    old, new = digest(tmp_path / 'old'), digest(tmp_path / 'new')
    assert old != new
    home = tmp_path / 'home'
    target, kills, seen = home / 'model', 0, set()
    write(before, target)
    while killed_at(kills + 1, lambda: write(after, target)):
        kills += 1
        found = digest(target)
        assert found in (old, new), f'killed at operation {kills}: neither the old nor the new model'
        seen.add(found)
        if found == new:
            write(before, target)
    assert kills > 20 and seen == {old, new}, f'{kills} kills'
    write(before, target)
    assert digest(target) == old
    assert [p.name for p in home.iterdir()] == ['model']  # nothing is left over, ever


def test_a_kill_of_the_first_save_leaves_nothing_or_a_model(models, tmp_path):
    "Every seventh operation: there is no old one to lose."
    before, _ = models
    pack(before, tmp_path / 'whole')
    for operation in range(1, 10_000, 7):
        target = tmp_path / f'home{operation}/model'
        if not killed_at(operation, lambda: pack(before, target)):
            break
        assert not target.exists() or digest(target) == digest(tmp_path / 'whole')


def test_a_full_disk_leaves_the_old_model(models, tmp_path, monkeypatch):
    before, after = models
    before.save(tmp_path / 'model')
    old = digest(tmp_path / 'model')
    from korean_sparse.encoder import model as module

    def full(path, tensors):
        raise OSError(28, 'No space left on device', str(path))

    monkeypatch.setattr(module, 'put_tensors', full)
    for write in (SparseEncoder.save, pack):
        with pytest.raises(OSError, match='No space left'):
            write(after, tmp_path / 'model')
        assert digest(tmp_path / 'model') == old
    assert [p.name for p in tmp_path.iterdir()] == ['model']


@pytest.mark.parametrize('stranger', ['notes.txt', 'data/corpus.jsonl', 'head/notes.txt', '.git/config'])
def test_what_is_no_checkpoint_is_not_removed(stranger, models, tmp_path):
    before, _ = models
    before.save(tmp_path)
    path = tmp_path / stranger
    path.parent.mkdir(exist_ok=True)
    path.write_text('somebody needs this')
    for write in (SparseEncoder.save, pack):
        with pytest.raises(DataError, match='holds what no checkpoint holds') as error:
            write(before, tmp_path)
        assert stranger.split('/')[0] in str(error.value)
    assert path.read_text() == 'somebody needs this'
    SparseEncoder.load(tmp_path)


def test_the_current_folder_and_a_file_are_refused(models, tmp_path, monkeypatch):
    before, _ = models
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match='the current folder'):
        before.save('.')
    (tmp_path / 'file').write_text('')
    with pytest.raises(DataError, match='is a file'):
        before.save(tmp_path / 'file')
    before.save('model')  # a relative path is one as any other
    SparseEncoder.load('model')


def test_a_card_stays_and_the_other_kind_goes(models, tmp_path):
    before, after = models
    pack(before, tmp_path / 'model')
    (tmp_path / 'model/README.md').write_text('my model')
    after.save(tmp_path / 'model')  # no packed.safetensors stays, which a loader would prefer
    assert (tmp_path / 'model/README.md').read_text() == 'my model'
    again = SparseEncoder.load(tmp_path / 'model')
    assert abs(again.query.idf - after.query.idf)[5:].max() < 1e-5
    pack(before, tmp_path / 'model')
    names = sorted(p.name for p in (tmp_path / 'model').iterdir())
    assert names == ['README.md', 'config.json', 'packed.safetensors', 'tokenizer.json']


def test_links_are_followed_but_never_written_through(models, tmp_path):
    before, after = models
    before.save(tmp_path / 'real')
    outside = tmp_path / 'weights.safetensors'
    (tmp_path / 'real/model.safetensors').rename(outside)
    (tmp_path / 'real/model.safetensors').symlink_to(outside)
    (tmp_path / 'link').symlink_to(tmp_path / 'real')
    SparseEncoder.load(tmp_path / 'link')
    kept = outside.read_bytes()
    after.save(tmp_path / 'link')
    assert (tmp_path / 'link').is_symlink() and not (tmp_path / 'real/model.safetensors').is_symlink()
    assert outside.read_bytes() == kept
    SparseEncoder.load(tmp_path / 'link')


@pytest.mark.parametrize('mask', [0o022, 0o027, 0o077])
def test_modes_follow_the_umask(mask, models, tmp_path):
    before, _ = models
    old = os.umask(mask)
    try:
        before.save(tmp_path / 'saved')
        pack(before, tmp_path / 'packed')
    finally:
        os.umask(old)
    files = [p for p in tmp_path.rglob('*') if p.is_file()]
    assert len(files) > 10
    assert {oct(stat.S_IMODE(p.stat().st_mode)) for p in files} == {oct(0o666 & ~mask)}


def test_a_reader_sees_one_model_while_another_is_written(models, tmp_path):
    before, after = models
    target = tmp_path / 'model'
    before.save(target)
    stop = threading.Event()

    def write() -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            (after, before)[turn % 2].save(target)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(12):
            try:
                model = SparseEncoder.load(target)
            except DataError as error:
                assert 'again and again' in str(error)
                continue
            kind = next(m for m in models if abs(m.query.idf - model.query.idf)[5:].max() < 1e-5)
            assert torch.equal(kind.head.gate, model.head.gate)
            tables = [m.backbone.get_input_embeddings().weight for m in (kind, model)]
            assert torch.equal(*tables)
    finally:
        stop.set()
        writer.join()
