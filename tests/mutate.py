"""Many ways to spoil a file, always the same; what a reader may make of each is a value or a `DataError`.

How many: `KOREAN_SPARSE_FUZZ` (200) a reader where a test asks for no other number. `make fuzz`
(tests/fuzz_campaign.py) sets it, another seed, and a file in which each call says how it went."""

import contextlib
import json
import os
import random
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Callable, Iterator
from unittest import mock

from korean_sparse.core import DataError
from korean_sparse.core.left_out import LeftOut

MUTATIONS: int = int(os.environ.get('KOREAN_SPARSE_FUZZ', '200'))  # spoilt inputs a reader
SEED = int(os.environ.get('KOREAN_SPARSE_FUZZ_SEED', '0'))  # 0 in `make test`
RECORD = os.environ.get('KOREAN_SPARSE_FUZZ_RECORD')  # a file that `make fuzz` reads
# how reading a spoilt input may end; the first three are right
OUTCOMES = ('value', 'counted', 'named error', 'unnamed exception', 'nonsense accepted', 'timeout')
RIGHT = OUTCOMES[:3]

# what files in the wild hold where nobody expects it
NASTY = [
    b'\x00',
    b'\xef\xbb\xbf',
    b'\xff\xfe',
    b'\xed\xa0\xbd',  # half a character, as some programs write it
    b'\\ud83d',
    b'\xb0\xa1',  # cp949
    b'\r\n',
    b'\r',
    b'\n\n',
    b'\t',
    b'"',
    b"'",
    b',',
    b'{',
    b'}',
    b'[',
    b']]',
    b'null',
    b'NaN',
    b'1e999',
    b'-1',
    b'9' * 40,
    b'{"a":' * 50,
    b'\xe3\x86\x8d',  # U+318D
    '가'.encode(),
    '\u1112\u119e\u11ab'.encode(),  # old Hangul
    b'\xf0\x9f\x98\x80',
    b'\x1b[31m',
    b'\\',
    b'<',
    b'&amp;',
]


def _spoil(data: bytearray, rng: random.Random) -> None:
    "One change in place: a byte, a stretch, a line, the end."
    way, place = rng.randrange(7), rng.randrange(len(data) + 1)
    if way == 0 and data:
        data[place % len(data)] = rng.randrange(256)
    elif way == 1:
        del data[place : place + rng.randint(1, 12)]
    elif way == 2:
        data[place:place] = rng.choice(NASTY)
    elif way == 3:
        data[place:place] = data[place : place + rng.randint(1, 60)]
    elif way == 4:
        del data[place:]
    else:
        lines = data.split(b'\n')
        first, second = rng.randrange(len(lines)), rng.randrange(len(lines))
        lines[first] = lines[second] if way == 5 else bytearray(rng.choice(NASTY) + bytes(lines[first]))
        data[:] = b'\n'.join(lines)


def mutations(data: bytes, count: int | None = None, seed: int = 0) -> Iterator[bytes]:
    """`count` spoilt copies of `data` (`MUTATIONS`, if not given), each changed one to four times; the same
    ones for the same `seed`."""
    rng = random.Random(seed + 1_000_003 * SEED)
    for _ in range(MUTATIONS if count is None else count):
        spoilt = bytearray(data)
        for _ in range(rng.randint(1, 4)):
            _spoil(spoilt, rng)
        yield bytes(spoilt)


def record(reader: str, outcomes: dict[str, int]) -> None:
    """Tell `make fuzz` how many inputs of `reader` ended how (a name of `OUTCOMES`, or `checked`: the test
    itself asserts that all of them end well). Without `make fuzz` nothing is written."""
    if RECORD:
        test = os.environ.get('PYTEST_CURRENT_TEST', '').rpartition(' ')[0]
        with open(RECORD, 'a', encoding='utf-8') as f:
            f.write(json.dumps({'test': test, 'reader': reader, **outcomes}, ensure_ascii=False) + '\n')


class TooLong(BaseException):
    "One input took too long. (No `Exception`: a reader must not take it for an error of its own.)"


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    "`TooLong` after so many seconds (in the main thread, which alone gets signals)."
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_):
        raise TooLong(f'more than {seconds:g} s')

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def _watched(seen: list) -> Iterator[None]:
    "Whatever is counted as left out meanwhile goes into `seen` too."
    add = LeftOut.add

    def noted(self, reason: str, *args, **named) -> None:
        seen.append(reason)
        add(self, reason, *args, **named)

    with mock.patch.object(LeftOut, 'add', noted):
        yield


def _outcome(read: Callable[[Path], object], path: Path, seconds: float) -> tuple[str, BaseException | None]:
    "How reading the file ends (`counted`: as a value, with something left out), and the error that it ended with."
    seen: list[str] = []
    try:
        with time_limit(seconds), _watched(seen):
            read(path)
        return ('counted' if seen else 'value'), None
    except DataError as error:
        return ('named error' if path.name in str(error) else 'unnamed exception'), error
    except AssertionError as error:  # the test looked at the value
        return 'nonsense accepted', error
    except TooLong as error:
        return 'timeout', error
    except Exception as error:
        return 'unnamed exception', error


def survive(
    read: Callable[[Path], object],
    data: bytes,
    path: Path,
    count: int | None = None,
    seconds: float = 20,
) -> tuple[int, int]:
    """Give `read` the file `path` with each of `count` mutations of `data` (`MUTATIONS`, if not given); how
    many were read, refused.

    Whatever is not a value or a `DataError` with the file's name, or takes more than `seconds`, fails,
    with the bytes that did it. All of them are tried before the first failure is told."""
    outcomes: Counter[str] = Counter()
    first, begin = None, time.monotonic()
    for number, spoilt in enumerate(mutations(data, count)):
        path.write_bytes(spoilt)
        outcome, error = _outcome(read, path, seconds)
        outcomes[outcome] += 1
        if first is None and outcome not in RIGHT:
            first = number, outcome, error, spoilt[:400]
    record(path.name, outcomes)
    if first is not None:
        number, outcome, error, spoilt = first
        raise AssertionError(
            f'{dict(outcomes)}; mutation {number}: {outcome}: {type(error).__name__}: {error}\n{spoilt!r}'
        ) from error
    assert time.monotonic() - begin < 10 * seconds, 'far too slow'
    return outcomes['value'] + outcomes['counted'], outcomes['named error']
