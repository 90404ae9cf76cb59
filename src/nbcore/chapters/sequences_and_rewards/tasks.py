"""Seven tasks on sequences of any length, some with hints, as prompts and answers (C1).

A task draws n prompts (n, token) of a given length, and the one right answer of each (n, token).
Hints are index tokens before every item, counted from a random start, in prompt and answer; a
scratchpad writes down what the answer is made of.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Drawn = tuple[Ints, Ints]

BEGIN, ASK, END, PLUS = range(4)
#: numbers, then index tokens
FIRST, NUMBERS, INDICES = 4, 60, 32
INDEX = FIRST + NUMBERS
TOKENS = INDEX + INDICES
KINDS, SYMBOLS = 5, 2


@dataclass(frozen=True)
class Task:
    """How it is drawn, the program in words ("" if no short one is known), and why that is so.

    hinted: with hints or a scratchpad. longer: how many times as long sequences it is trained on
    as others are, since they are cheap. effort: how many times as many updates it gets.
    """

    draw: Callable[[np.random.Generator, int, int], Drawn]
    program: str
    why: str
    hinted: bool = False
    longer: int = 1
    effort: float = 1

    @property
    def short(self) -> bool:
        """Whether a short program is known that works at every length."""
        return bool(self.program)


def _column(n: int, token: int) -> Ints:
    return np.full((n, 1), token)


def _prompt(*parts: Ints) -> Ints:
    n = len(parts[0])
    return np.hstack([_column(n, BEGIN), *parts, _column(n, ASK)])


def _ended(answer: Ints) -> Ints:
    return np.hstack([answer, _column(len(answer), END)])


def _unique(rng: np.random.Generator, n: int, length: int) -> Ints:
    return FIRST + rng.random((n, NUMBERS)).argsort(1)[:, :length]


def _indices(rng: np.random.Generator, n: int, length: int) -> Ints:
    return INDEX + rng.integers(0, INDICES - length + 1, (n, 1)) + np.arange(length)


def weave(*rows: Ints) -> Ints:
    """Put one item of each row (n, length) after another: (n, rows x length)."""
    return np.stack(rows, 2).reshape(len(rows[0]), -1)


def counting(rng: np.random.Generator, n: int, length: int) -> Drawn:
    """First and last number -> all from one to the other."""
    run = FIRST + rng.integers(0, NUMBERS - length + 1, (n, 1)) + np.arange(length)
    return _prompt(run[:, :1], run[:, -1:]), _ended(run)


def mode(rng: np.random.Generator, n: int, length: int) -> Drawn:
    """Symbols -> the most frequent one, which is unique."""
    kept: list[Ints] = []
    while sum(map(len, kept)) < n:
        x = rng.integers(0, KINDS, (2 * n, length))
        often = np.sort((x[:, :, None] == np.arange(KINDS)).sum(1), 1)
        kept.append(x[often[:, -1] > often[:, -2]])
    x = np.concatenate(kept)[:n]
    most = (x[:, :, None] == np.arange(KINDS)).sum(1).argmax(1)
    return _prompt(FIRST + x), FIRST + most[:, None]


def sorting(rng: np.random.Generator, n: int, length: int) -> Drawn:
    """Different numbers -> the same in order."""
    x = _unique(rng, n, length)
    return _prompt(x), _ended(np.sort(x, 1))


def copying(rng: np.random.Generator, n: int, length: int) -> Drawn:
    """Different numbers -> the same once more."""
    x = _unique(rng, n, length)
    return _prompt(x), _ended(x)


def copying_repeated(rng: np.random.Generator, n: int, length: int) -> Drawn:
    """Two symbols in any order -> the same once more."""
    x = FIRST + rng.integers(0, SYMBOLS, (n, length))
    return _prompt(x), _ended(x)


def copying_hinted(rng: np.random.Generator, n: int, length: int) -> Drawn:
    """As `copying_repeated`, with an index before every symbol."""
    x = FIRST + rng.integers(0, SYMBOLS, (n, length))
    told = weave(_indices(rng, n, length), x)
    return _prompt(told), _ended(told)


def parity(rng: np.random.Generator, n: int, length: int) -> Drawn:
    """Bits -> whether their sum is odd."""
    x = rng.integers(0, 2, (n, length))
    return _prompt(FIRST + x), FIRST + x.sum(1, keepdims=True) % 2


def parity_hinted(rng: np.random.Generator, n: int, length: int) -> Drawn:
    """Bits with indices -> with the same indices, the parity so far."""
    x, index = rng.integers(0, 2, (n, length)), _indices(rng, n, length)
    so_far = x.cumsum(1) % 2
    return _prompt(weave(index, FIRST + x)), weave(index, FIRST + so_far)


def _sum(rng: np.random.Generator, n: int, length: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Draw binary digits (n, length), lowest first; with sums and carries (n, length + 1)."""
    a, b = rng.integers(0, 2, (2, n, length))
    total, carry = np.zeros((n, length + 1), int), np.zeros((n, length + 1), int)
    for k in range(length):
        at = a[:, k] + b[:, k] + carry[:, k]
        total[:, k], carry[:, k + 1] = at % 2, at // 2
    total[:, length] = carry[:, length]
    return a, b, total, carry


def addition(rng: np.random.Generator, n: int, length: int) -> Drawn:
    """Two binary numbers, highest digit first -> their sum."""
    a, b, total, _ = _sum(rng, n, length)
    plus = _column(n, PLUS)
    return _prompt(FIRST + a[:, ::-1], plus, FIRST + b[:, ::-1]), FIRST + total[:, ::-1]


def addition_hinted(rng: np.random.Generator, n: int, length: int) -> Drawn:
    """Both lowest digit first with indices -> with the same indices, carry and digit of the sum."""
    a, b, total, carry = _sum(rng, n, length)
    index, plus = _indices(rng, n, length + 1), _column(n, PLUS)
    given = [weave(index[:, :-1], FIRST + digits) for digits in (a, b)]
    # carries are other tokens than digits, so that looking for one does not find the other
    return _prompt(given[0], plus, given[1]), weave(index, FIRST + 2 + carry, FIRST + total)


TASKS = {
    "counting": Task(
        counting,
        "next = last + 1; stop when it equals the second number",
        "one look-up and one comparison, wherever they stand",
        longer=2,
        effort=2,
    ),
    "mode": Task(
        mode,
        "for each symbol, the share of the prompt that equals it; take the largest",
        "shares are averages, which do not depend on the length",
    ),
    "sort": Task(
        sorting,
        "the smallest number that is larger than the last one; stop when there is none",
        "every step selects by comparing with one token",
    ),
    "copy of different numbers": Task(
        copying,
        "find the last token in the prompt; take the one after it",
        "a token that occurs once says where one is",
        effort=2,
    ),
    "copy with repeats": Task(
        copying_repeated,
        "",
        "a token that occurs often says not where one is; that takes positions, which are new in "
        "longer sequences",
    ),
    "copy with repeats, hinted": Task(
        copying_hinted,
        "after an index, find it in the prompt and take what follows; else the next index",
        "indices occur once, as different numbers do",
        hinted=True,
        effort=1.5,
    ),
    "parity": Task(
        parity,
        "",
        "an average over bits tells their sum only up to an error that grows with the length",
    ),
    "parity, hinted": Task(
        parity_hinted,
        "after an index, find its bit and add it to the last parity; else the next index",
        "every step needs one bit and the last result",
        hinted=True,
        effort=1.5,
    ),
    "addition": Task(
        addition,
        "",
        "the first digit depends on all carries, and digits have to be found by position",
    ),
    "addition, hinted": Task(
        addition_hinted,
        "find both digits of the last index and its carry; write the next carry, then the digit",
        "every step needs two digits, found by their index, and one carry",
        hinted=True,
        effort=1.5,
    ),
}
