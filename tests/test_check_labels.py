"""Names that pages show: no words by which only programs know things, and the number that tells."""

import re

import pytest

from nbcore import claims
from nbcore.claims import Estimate

#: words by which programs know things: what no label on a page may hold
MACHINE = re.compile(
    r"[a-z0-9]_[a-z0-9]|[a-z0-9]:[a-z]|\b(?:cifar|imagenet|mnist|fashion-mnist|usps|svhn|cinic|vgg|"
    r"resnet|alexnet|mlp|lite|spearman|relu|laplace|bayes|ddim|ddpm|auroc|clip|r)\d*\b"
    r"|\b(?:ce|hinge)-(?:sgd|gd)\b|np\."
)


def test_labels_of_checks_are_words_of_people():
    labels = {
        (c.id, label)
        for c in claims.ledger().values()
        for label in [*(k.label for k in c.checks), *(m.check.label for m in c.misread)]
    }
    assert not {pair for pair in labels if MACHINE.search(pair[1])}
    for claim in claims.ledger().values():
        own = [k.label for k in claim.checks if k.setup == "any"]
        assert len(set(own)) == len(own), claim.id


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("cifar10.1 slope", "CIFAR-10.1 slope"),
        (
            "efficientnet_lite0 on cifar10, cinic10-imagenet",
            "EfficientNet-Lite0 on CIFAR-10, CINIC-10's ImageNet images",
        ),
        ("bit r101x3 minus r50x1 peak", "BiT R101x3 minus R50x1 peak"),
        ("verdicts of b5 to b12", "verdicts of B5 to B12"),
        ("zero-shot bit minus zero-shot clip", "zero-shot BiT minus zero-shot CLIP"),
        ("a bit of it is clipped", "a bit of it is clipped"),
        (
            "smallest resnet18-vgg16 minus vgg16-mlp spearman",
            "smallest ResNet18–VGG16 minus VGG16–MLP rank correlation",
        ),
        ("r101x3 m-1k minus s-1k peak", "R101x3 M-1k minus S-1k peak"),
        ("yes or no power at accuracy .6", "yes or no power at accuracy .6"),
    ],
)
def test_words_of_programs_become_words_of_people(given, shown):
    assert claims.readable(given) == shown


def test_every_data_set_has_the_name_that_the_catalogue_gives_it():
    from nbcore.data.catalog import CATALOG

    for name, entry in CATALOG.items():
        if entry.title and MACHINE.search(name):
            assert claims.readable(name).split(" at ")[0] == entry.title.split(",")[0], name


def test_the_telling_number_is_the_one_that_decides():
    claim = claims.get("A2")
    names = [c.name for c in claim.checks]
    near = {c.name: Estimate(c.expect, c.expect - 1e-3, c.expect + 1e-3, 30) for c in claim.checks}
    assert claims.telling(claim, [seen_of("A2", near)]).check.name == names[0]
    off = near | {names[2]: Estimate(9.0, 8.9, 9.1, 30)}
    assert claims.telling(claim, [seen_of("A2", off)]).check.name == names[2]
    few = near | {names[3]: Estimate(near[names[3]].value, -1.0, 0.0, 2)}
    assert claims.telling(claim, [seen_of("A2", few)]).check.name == names[3]
    assert claims.telling(claim, []) is None


def test_the_ledger_may_name_the_telling_check_and_a_control_tells_only_by_missing():
    claim = claims.get("C33")
    assert claim.telling == "risk at n = .95 d minus n = .5 d"
    seen = {c.name: Estimate(1.0, 0.9, 1.1, 50) for c in claim.checks if c.name != claim.telling}
    assert claims.telling(claim, [seen_of("C33", seen)]).check.name != claim.telling
    every = seen | {claim.telling: Estimate(1.0, 0.9, 1.1, 50)}
    assert claims.telling(claim, [seen_of("C33", every)]).check.name == claim.telling
    auditors = claims.get("C25")
    control = "control equally hard images held-out correlation"
    held = {control: Estimate(0.9, 0.8, 0.95, 20)}
    assert claims.telling(auditors, [seen_of("C25", held)]).check.name == control
    both = held | {"imagenetv2 chosen images held-out correlation": Estimate(-0.5, -0.6, -0.4, 20)}
    assert not claims.telling(auditors, [seen_of("C25", both)]).check.control


def seen_of(claim_id, observed):
    return claims.Observation(claim_id, observed, run={"oldest": "2999-01-01T00:00:00+00:00"})
