"""One rule for "the paper's setup": every chapter's paper preset is it, and no toy run can be."""

import dataclasses

import pytest

from nbcore import claims
from nbcore.chapters import chapter_folders
from nbcore.runs import config as presets
from nbcore.runs.config import AT_LEAST, EQUAL, FREE, config_class, resolve

SLUGS = [folder.replace("_", "-") for folder in chapter_folders()]
#: slug -> what makes a run of the paper preset a toy
TOYS = {
    "line": dict(level=0.5),
    "rise-and-fall": dict(steps=4, train_images=10, seeds=1),
    "prediction-depth": dict(datasets=["cifar10", "cifar10"], networks=["mlp", "mlp"], members=2),
    "depth-bounds": dict(k=1, members=2, full_members=0),
    "depth-learning-margins": dict(examples=10, members=2),
    "zero-shot-class-maps": dict(steps=4, train_images=10, seeds=1),
    "example-difficulty": dict(steps=4, subset=10, seeds=1),
    "corner-examples": dict(corner=2, members=2),
    "margins-and-depth": dict(ce_gd_steps=4, train_images=40, seeds=1),
    "holding-on": dict(head_steps=4, train_images=10, seeds=1),
    "every-image-its-own-line": dict(subset=20),
    "test-set-remembers": dict(epochs=16, datasets=["digits"], dataset="digits"),
    "meaning-of-a-probability": dict(predictors=20, splits=3, seeds=3, steps=40),
    "more-data-can-hurt": dict(epochs=4, images=100, draws=2, problems=3),
    "learned-first": dict(images=100, epochs=2, most=2000),
    "sampling-unseen": dict(particles=200, steps=20, levels=20),
    "sequences-and-rewards": dict(longest=3, steps=15, tuning=15),
    "honest-science": dict(studies=4, graphs=2, nodes=[60, 120]),
}


def test_every_chapter_has_its_toy():
    assert set(TOYS) == set(SLUGS)


@pytest.mark.parametrize("slug", SLUGS)
def test_the_paper_preset_is_the_papers_setup_on_any_device(slug):
    plain = resolve(slug, "paper", device="cuda") if slug != "line" else resolve(slug, "paper")
    assert plain.setup() == "paper"
    if slug != "line":
        more = dict(workers=7, device="cpu", resamples=1234)
        assert resolve(slug, "paper", **more).setup() == "paper"


@pytest.mark.parametrize("slug", SLUGS)
def test_a_toy_is_a_reduced_setup_and_never_reproduced(slug):
    toy = resolve(slug, "paper", **TOYS[slug])
    assert toy.setup() == "reduced"
    if slug != "line":  # its tables are the paper's kind of testbed in every preset
        assert resolve(slug, "smoke").setup() == resolve(slug, "book").setup() == "reduced"
    for claim in (c for c in claims.ledger().values() if c.chapter == slug):
        best = {c.name: claims.Estimate.exact(perfect(c), 1000, c.unit) for c in claim.checks}
        when = {"oldest": "2999-01-01T00:00:00+00:00"}
        seen = claims.Observation(claim.id, best, toy.setup(claim.id), run=when)
        allowed = {claims.REDUCED, claims.BY_CONSTRUCTION, claims.NOT_RUN}
        assert claims.judge(claim, [seen]).verdict in allowed, claim.id


def perfect(check):
    if check.expect is not None:
        return check.expect
    return check.bound + {"above": 1, "at_least": 1, "below": -1, "at_most": -1}[check.rule]


@pytest.mark.parametrize("slug", SLUGS)
def test_every_field_that_bears_on_the_numbers_is_compared(slug):
    paper = config_class(slug).paper()
    for f in dataclasses.fields(paper):
        how, value = f.metadata["paper"], getattr(paper, f.name)
        assert how in (EQUAL, AT_LEAST, FREE)
        if how == AT_LEAST:
            more, less = (dataclasses.replace(paper, **{f.name: value + d}) for d in (1, -1))
            assert (more.setup(), less.setup()) == ("paper", "reduced"), f.name
        elif how == EQUAL:
            changed = dataclasses.replace(paper, **{f.name: other(value)})
            assert changed.setup() == "reduced", f.name


def other(value):
    """Another value of the same type."""
    if isinstance(value, tuple):
        return value[:-1] if value else (1.0,)
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return "another"
    return value / 2


@pytest.mark.parametrize("slug", ["prediction-depth", "depth-bounds", "depth-learning-margins"])
@pytest.mark.parametrize(
    "less", [dict(k=29), dict(width=64), dict(members=249), dict(full_members=24)]
)
def test_what_an_ensemble_is_made_of_is_compared(slug, less):
    assert resolve(slug, "paper", **less).setup() == "reduced"
    assert resolve(slug, "paper", members=300, full_members=30).setup() == "paper"


def test_a_claim_on_one_ensemble_asks_for_that_one():
    one = resolve("depth-learning-margins", "paper", datasets=["cifar10"], networks=["vgg16"])
    assert one.setup("B20") == "reduced"
    assert one.setup("B17", ["cifar10:vgg16"]) == "paper"
    assert one.setup("B17", ["digits:vgg16"]) == "reduced"


@pytest.mark.parametrize("slug", SLUGS)
def test_stand_ins_are_named_by_claim(slug):
    paper = config_class(slug).paper()
    for claim in paper.stand_ins:
        assert paper.setup(claim) == "reduced" and claims.get(claim)
    assert presets.Config().setup() == "paper"
