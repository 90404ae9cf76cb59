"""This chapter's exercises (truth, what is still right, hints), and a question on each section."""

from scipy.stats import binom

from nbcore.exercises import Exercise, Question
from nbcore.measures.generalization.copying import privacy_bound, replaced


def _largest_budget() -> float:
    """Find the ε, in steps of .01, whose bound for one picture in another's place is .05."""
    budgets = (k / 100 for k in range(1, 200))
    return max(e for e in budgets if privacy_bound(*replaced(e, 0.0)) <= 0.05)


EXERCISES = {
    "remembers-vote": Exercise(
        lambda: float(binom.sf(12, 25, 0.3)),
        lambda truth: 0.002,
        "The wrong label wins with 13 votes or more of 25, each of which is wrong with chance .3.",
        first="If all 25 neighbours are of the class, how many must be wrong for the vote to be?",
    ),
    "remembers-student": Exercise(
        lambda: 0.6**2 + 0.4**2 / 9,
        lambda truth: 0.002,
        "Both are right with .6 · .6; if both are wrong, they agree with one chance in nine.",
        first="Count the ways in which two noisy labels can be the same.",
    ),
    "remembers-budget": Exercise(
        _largest_budget,
        lambda truth: 0.011,
        "With 2 ε in the place of ε and δ = 0 the bound is the hyperbolic tangent of ε.",
        first="The bound is for one picture in another's place: one step away and one back.",
    ),
}

QUESTIONS = {
    "The idea": Question(
        "A tenth of the cats are labelled dogs. What does one nearest neighbour do with test cats?",
        (
            "It calls about a tenth of them dogs",
            "It calls none of them dogs, as most neighbours are cats",
            "It calls a tenth of all test images dogs",
        ),
        0,
        "It takes over the label of one training image, which is wrong with that chance.",
    ),
    "The experiment": Question(
        "Why must the student be one that smooths?",
        (
            "Because the teacher is slow",
            "Because one that fits every label copies the teacher's noise once more",
            "Because it has more pictures than the teacher",
        ),
        1,
        "The teacher's answers are noisy, but the most frequent one is right: it takes an average.",
    ),
    "What could be wrong": Question(
        "A network stopped early has no gap between training and test images either. What follows?",
        (
            "That privacy is not needed for it, though it guarantees it",
            "That privacy does not work",
            "That the bound is wrong",
        ),
        0,
        "Absence of a gap shows that nothing was learned by heart, not why.",
    ),
}
