"""This chapter's exercises: how the truth is computed, how far off is still right, a hint."""

from nbcore.exercises import Exercise

EXERCISES = {
    "maps-sum": Exercise(
        lambda: 0.4,
        lambda truth: 0.005,
        "Add up what each class gets: .5 for the one with 40 sources, .1 for the other.",
    ),
    "maps-independent": Exercise(
        lambda: 0.6 * 0.2,
        lambda truth: 0.002,
        "Multiply the share that the weaker one gets right by what the stronger one gets wrong.",
    ),
    "maps-dominance": Exercise(
        lambda: 0.1,
        lambda truth: 0.005,
        "Count the images that the weak model alone gets right, and divide by ten.",
    ),
}
