"""Check a reader's answer: the truth is computed from the same runs, never stored.

`check(name, answer)` says whether an answer is right and, if not, in which direction to look.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from nbcore.chapters import chapter_folders
from nbcore.errors import ParameterError, did_you_mean


@dataclass(frozen=True)
class Exercise:
    """How to compute the truth, how far off still counts as right (absolute), and a hint."""

    truth: Callable[[], float]
    tolerance: Callable[[float], float]
    hint: str


class Verdict(str):
    """A sentence displayed without quotes; `.right` says whether the answer was right."""

    right: bool

    def __repr__(self) -> str:
        return str(self)


def all_exercises() -> dict[str, Exercise]:
    """Collect every exercise by name, from the module `exercises` of each chapter that has one."""
    found: dict[str, Exercise] = {}
    for folder in chapter_folders():
        module = f"nbcore.chapters.{folder}.exercises"
        if find_spec(module):
            found |= importlib.import_module(module).EXERCISES
    return found


def check(name: str, answer: float) -> Verdict:
    """Compare `answer` with the truth of the exercise `name`, e.g. "line-expect"."""
    known = all_exercises()
    if name not in known:
        raise ParameterError(f"There is no exercise {name!r}; {did_you_mean(name, known)}")
    try:
        number = float(answer)
    except (TypeError, ValueError):
        raise ParameterError(f"The answer to {name} is one number, not {answer!r}.") from None
    exercise = known[name]
    truth = exercise.truth()
    off = number - truth
    right = bool(abs(off) <= exercise.tolerance(truth))
    direction = "too high" if off > 0 else "too low"
    verdict = Verdict("Right." if right else f"Not yet: {number:g} is {direction}. {exercise.hint}")
    verdict.right = right
    return verdict
