"""Find wrong labels by all evidence, by its parts, by cleanlab, neighbours and the training loss.

    python benchmarks/label_errors.py                       # 10 conditions, 10,000 images, 5 seeds
    python benchmarks/label_errors.py images=3000 seeds=3 only=0.1

A condition is a stored run (`difficulty.pretrained.against`), a member of it one seed, so that
what was stopped goes on; features are extracted once. `only` keeps the conditions whose name
contains it. Prints a table a condition: average precision with 95 % intervals over images and
seeds, all evidence minus each method, and the expected beside the true precision of suggestions.
"""

import sys

from nbcore.difficulty.pretrained import against


def main(words: list[str]) -> None:
    """Run the conditions, with fields of `Against` given as NAME=VALUE."""
    given = dict(word.split("=", 1) for word in words)
    only = given.pop("only", "")
    base = against.Against.resolve(**{name: int(value) for name, value in given.items()})
    for config in against.conditions(base):
        wrong = config.labels or f"{config.share:g} {config.kind}"
        name = f"{config.dataset}, {wrong}"
        if only not in name:
            continue
        run = against.run_against(config)
        print(f"\n{name}: {run.path.name}, {run.summary()['seconds']} s on {config.device}")
        print(against.methods_table(run).round(3).to_string(index=False))
        print(against.calibration(run).round(3).to_string(index=False), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
