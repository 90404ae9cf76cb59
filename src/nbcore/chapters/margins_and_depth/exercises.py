"""This chapter's exercises (truth, what is still right, hints), and a question on each section."""

import numpy as np
import torch

from nbcore.chapters.margins_and_depth.descent import zero_hinge
from nbcore.chapters.margins_and_depth.study import half_gain_layer
from nbcore.exercises import Exercise, Question

#: logits of two images of three classes, and their labels
LOGITS, LABELS = [[1.0, 3.0, 0.5], [2.0, 1.5, 0.0]], [0, 0]
#: accuracy of a vote from input to softmax
VOTES = [0.3, 0.34, 0.4, 0.58, 0.7, 0.9, 1.0]


def _loss(scale: float = 1.0) -> float:
    return float(zero_hinge(scale * torch.tensor(LOGITS), torch.tensor(LABELS)))


EXERCISES = {
    "margins-loss": Exercise(
        _loss,
        lambda truth: 0.005,
        "Only classes whose logit is above the label's count, each by how far it is above.",
        first="Which of the two images is right already, and what does it add?",
    ),
    "margins-scale": Exercise(
        lambda: _loss(0.01) / _loss(),
        lambda truth: 1e-4,
        "Every term is a difference of logits, or 0.",
        first="Multiply all logits by a hundredth in the formula, and take the factor out.",
    ),
    "margins-layer": Exercise(
        lambda: half_gain_layer(np.array(VOTES)),
        lambda truth: 0.1,
        "Half of the gain is the middle between the first number and the last one.",
        first="The gain is counted from the input's vote, not from 0.",
    ),
}

QUESTIONS = {
    "The idea": Question(
        "A network has all of its training images right. What does the 0-hinge loss do with it?",
        (
            "It widens the margins further, ever more slowly",
            "Nothing: its gradient is 0",
            "It shrinks the margins back",
        ),
        1,
        "Every term is 0 where the label's logit leads, by however little.",
    ),
    "The experiment": Question(
        "Why is 0-hinge trained in float32 and cross-entropy where possible in bfloat16?",
        (
            "Because float32 trains faster",
            "Because the 0-hinge loss is not defined in bfloat16",
            "Because a margin below the spacing of bfloat16 numbers would be made of rounding",
        ),
        2,
        "A number near 1 has neighbours 1/128 away in bfloat16; margins can be smaller.",
    ),
    "What could be wrong": Question(
        "Two networks of full-batch descent agree. Why is nothing decided by them?",
        (
            "Two networks say too little about how much others would differ",
            "Full-batch descent has no randomness at all",
            "Two is an even number, so that votes can be tied",
        ),
        0,
        "Their start is random, and of two an interval over starts is nearly as wide as anything.",
    ),
}
