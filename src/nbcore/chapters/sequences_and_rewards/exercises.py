"""This chapter's exercises (truth, what is still right, hints), and a question on each section."""

from itertools import product

import numpy as np

from nbcore.chapters.sequences_and_rewards import by_hand, meanings
from nbcore.exercises import Exercise, Question

#: shares of the three meanings in the question of the last exercise, and steps that are written
CHANCES, WRITTEN = (0.6, 0.3, 0.1), 3


def _concluded() -> float:
    """Compute how likely the first meaning is concluded from the steps."""
    steps = np.array(list(product(range(meanings.CLASSES), repeat=WRITTEN)))
    chance = np.array(CHANCES)[steps].prod(1)
    return float(chance[meanings.concluded(steps) == 0].sum())


EXERCISES = {
    "sequences-majority": Exercise(
        lambda: by_hand.disagreement(3, 5),
        lambda truth: 0.001,
        "Three places must be split two to one, and both new ones must side with the one.",
        first="When can two new signs turn the majority of the first three over?",
    ),
    "sequences-gradient": Exercise(
        lambda: by_hand.pull(0.02) / by_hand.pull(0.5),
        lambda truth: 0.0005,
        "The gradient is p (1 - p): the squared standard deviation.",
        first="Which chance has the largest deviation, and how large is it squared?",
    ),
    "sequences-steps": Exercise(
        _concluded,
        lambda truth: 0.0005,
        "Two or three of the steps say so, or all differ and the first of them says so.",
        first="List in which cases the first meaning wins, with the chance of each.",
    ),
}

QUESTIONS = {
    "The idea": Question(
        "A reward is paid for an answer that the model gives once in ten thousand times. Why does "
        "the model hardly move?",
        (
            "Because the reward is far from its best",
            "Because its answers hardly ever differ in reward, and the gradient follows from that",
            "Because the learning rate falls",
        ),
        1,
        "The gradient is at most of the order of the reward's deviation, however much there is to "
        "gain.",
    ),
    "The experiment": Question(
        "Why do indices before every symbol help to copy a sequence with repeats?",
        (
            "They make the sequence longer",
            "They tell the model how long sequences were in training",
            "Each occurs once, so that finding it says where to go on",
        ),
        2,
        "Then the program is the one for different numbers: find the last, take what follows.",
    ),
    "What could be wrong": Question(
        "A transformer here fails at twice the length. What follows for the conjecture?",
        (
            "It is wrong",
            "Little: this one is small and was trained for minutes, on short sequences",
            "The task has no short program",
        ),
        1,
        "It says what transformers tend to do; one that fails may have found another program that "
        "serves as well where it was trained.",
    ),
}
