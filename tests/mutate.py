"""A thousand ways to spoil a file, always the same; what a reader may make of each is a value or a `DataError`."""

import random
import time
from pathlib import Path
from typing import Callable, Iterator

from korean_sparse.core import DataError

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


def mutations(data: bytes, count: int = 1000, seed: int = 0) -> Iterator[bytes]:
    "`count` spoilt copies of `data`, each changed one to four times; the same ones for the same `seed`."
    rng = random.Random(seed)
    for _ in range(count):
        spoilt = bytearray(data)
        for _ in range(rng.randint(1, 4)):
            _spoil(spoilt, rng)
        yield bytes(spoilt)


def survive(
    read: Callable[[Path], object], data: bytes, path: Path, count: int = 1000, seconds: float = 20
) -> tuple[int, int]:
    """Give `read` the file `path` with each of `count` mutations of `data`; how many were read, refused.

    Whatever is not a value or a `DataError` with the file's name fails, with the bytes that did it."""
    fine, refused, begin = 0, 0, time.monotonic()
    for number, spoilt in enumerate(mutations(data, count)):
        path.write_bytes(spoilt)
        try:
            read(path)
            fine += 1
        except DataError as error:
            assert path.name in str(error), f'mutation {number}: the error does not name the file: {error}'
            refused += 1
        except Exception as error:
            raise AssertionError(
                f'mutation {number}: {type(error).__name__}: {error}\n{spoilt[:400]!r}'
            ) from error
    assert time.monotonic() - begin < 10 * seconds, 'far too slow'
    return fine, refused
