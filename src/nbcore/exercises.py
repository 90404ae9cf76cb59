"""Check a reader's answer: the truth is computed from the same runs, never stored.

`check(name, answer)` says whether an answer is right and, if not, in which direction to look.
"""

import importlib
import json
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from nbcore.chapters import chapter_folders
from nbcore.errors import ParameterError, did_you_mean

#: the variable that names a file to which answers are written instead of being judged
ANSWERS = "NBCORE_ANSWERS"
#: wrong answers to each exercise in this process
_misses: Counter[str] = Counter()


@dataclass(frozen=True)
class Exercise:
    """How to compute the truth, how far off still counts as right (absolute), and two hints.

    first: says where to look; hint: says what to do, and is given after it.
    """

    truth: Callable[[], float]
    tolerance: Callable[[float], float]
    hint: str
    first: str = ""

    @property
    def hints(self) -> list[str]:
        """The hints in the order in which they are given."""
        return [step for step in (self.first, self.hint) if step]


@dataclass(frozen=True)
class Question:
    """A question on one section: choices, of which one is right, and why.

    right: the place of the right choice, counted from 0; why: shown with the answer. Text in
    backticks is code; there are no other marks.
    """

    text: str
    choices: tuple[str, ...]
    right: int
    why: str


class Verdict(str):
    """A sentence displayed without quotes; `.right` says whether the answer was right."""

    right: bool

    def __new__(cls, sentence: str, right: bool = False) -> "Verdict":
        made = super().__new__(cls, sentence)
        made.right = right
        return made

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
    """Compare `answer` with the truth of the exercise `name`, e.g. "line-expect".

    A wrong answer gets the first hint, further ones the second. While a notebook is graded, the
    answer is written to the file that `NBCORE_ANSWERS` names, and the grader judges it.
    """
    try:
        number = float(answer)
    except (TypeError, ValueError):
        raise ParameterError(f"The answer to {name} is one number, not {answer!r}.") from None
    if ANSWERS in os.environ:  # nothing else is imported: a notebook's time is limited
        with open(os.environ[ANSWERS], "a") as file:
            file.write(json.dumps({"name": name, "answer": number}) + "\n")
        return Verdict("Handed in.")
    known = all_exercises()
    if name not in known:
        raise ParameterError(f"There is no exercise {name!r}; {did_you_mean(name, known)}")
    verdict = judge(known[name], number)
    if not verdict.right:
        _misses[name] += 1
        step = known[name].hints[min(_misses[name], len(known[name].hints)) - 1]
        verdict = Verdict(f"{verdict} {step}")
    return verdict


def judge(exercise: Exercise, number: float, truth: float | None = None) -> Verdict:
    """Say whether a number is right and, if not, whether it is too high or too low.

    truth: what was computed before; it is computed now where it is None.
    """
    truth = exercise.truth() if truth is None else truth
    off = number - truth
    if abs(off) <= exercise.tolerance(truth):
        return Verdict("Right.", right=True)
    wrong = "no number" if off != off else "too high" if off > 0 else "too low"
    return Verdict(f"Not yet: {number:g} is {wrong}.")
