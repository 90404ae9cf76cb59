"""This chapter's exercises (truth, what is still right, hints), and a question on each section."""

from nbcore.exercises import Exercise, Question

EXERCISES = {
    "maps-sum": Exercise(
        lambda: 0.4,
        lambda truth: 0.005,
        "Add up what each class gets: .5 for the one with 40 sources, .1 for the other.",
        first=("What is the sum over the sources of one class, and what divides it in a mean?"),
    ),
    "maps-independent": Exercise(
        lambda: 0.6 * 0.2,
        lambda truth: 0.002,
        "Multiply the share that the weaker one gets right by what the stronger one gets wrong.",
        first="Dominance asks for two things at once; independent chances multiply.",
    ),
    "maps-dominance": Exercise(
        lambda: 0.1,
        lambda truth: 0.005,
        "Count the images that the weak model alone gets right, and divide by ten.",
        first=(
            "Go through the images one by one: on which is the weak model right and the "
            "strong one wrong?"
        ),
    ),
}

QUESTIONS = {
    "The idea": Question(
        "By which combination does a class gain most from having many sources?",
        ("The maximum", "The sum", "The mean"),
        1,
        (
            "A sum adds what each source gets. A mean divides it by their number, and a "
            "maximum looks at one of them."
        ),
    ),
    "The map": Question(
        "Who chose which classes of ImageNet count as which of CIFAR-10?",
        (
            "The network",
            "The makers of CINIC-10, when they collected their images",
            "This chapter, by accuracy",
        ),
        1,
        (
            "A map that was chosen by what it gives would flatter what it gives. This one was"
            " there before."
        ),
    ),
    "What the network makes of CIFAR-10": Question(
        "What must a shuffled map give?",
        ("The same accuracy", "Nothing, it cannot be computed", "About what guessing gives"),
        2,
        (
            "If a map without meaning did better than chance, the code would let the labels "
            "through somewhere."
        ),
    ),
    "Above the line": Question(
        (
            "With shuffled labels of the shifted images one network stands above the line. "
            "What follows?"
        ),
        (
            "Something in the code or the intervals is wrong",
            "The map is a good one",
            "It is especially robust",
        ),
        0,
        "On shuffled labels nobody can be right except by luck. The control is there to fail.",
    ),
    "Starting from the map": Question(
        "Why are the pulled head and the free one compared at equal accuracy?",
        (
            "To use fewer images",
            "Effective robustness changes with accuracy by itself",
            "Because the pull is weak",
        ),
        1,
        (
            "The room between the line and losing nothing depends on accuracy. At different "
            "accuracies one would compare rooms."
        ),
    ),
    "Right where better models are wrong": Question(
        "Two weak models err independently. How large is their dominance probability?",
        ("Zero", "Large, which by itself means little", "Small"),
        1,
        (
            "It depends on the accuracies: independent weak models often differ. Hence the "
            "comparison with models of like accuracy."
        ),
    ),
    "What could be wrong": Question(
        "Three of five networks are sizes of one design. How much is their agreement worth?",
        ("As much as that of five", "Less than that of five unrelated ones", "Nothing"),
        1,
        (
            "Relatives err alike, and all five learned the same images. They are not five "
            "independent witnesses."
        ),
    ),
}
