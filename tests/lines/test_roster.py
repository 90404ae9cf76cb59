"""Who is on the line."""

from types import SimpleNamespace

import pandas as pd
import pytest

from nbcore.chapters.rise_and_fall.config import RiseAndFall
from nbcore.lines.tables import network, roster
from nbcore.runs.config import resolve
from nbcore.training import kinds


def table(names, accuracies):
    return roster(SimpleNamespace(models=pd.DataFrame({"model": names, "id": accuracies})))


def test_the_roster_counts_networks_and_names_the_best_of_each_family():
    some = ["plain8-300", "vgg8-500", "resnet16-crops-10000", "resnet32-crops-50000"]
    found = table(some, [0.31, 0.4, 0.75, 0.86]).set_index("family")
    strong = "of 75 % and more"
    assert found.loc["ResNet"].tolist() == [
        2,
        "75 to 86",
        2,
        "ResNet, width 32, crops, on 50,000 images",
    ]
    assert found.loc["all", "networks"] == 4 and found.loc["all", strong] == 2


def test_the_line_is_fitted_to_the_books_networks_unless_others_are_named():
    book, own = RiseAndFall.book(), resolve("rise-and-fall", testbed=["knn-30", "mlp-30"])
    assert book.line_models == kinds.CONVOLUTIONAL and book.models_beside == kinds.CLASSICAL
    assert own.line_models == ("knn-30", "mlp-30") and own.models_beside == ()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("vgg16-crops-5000", "VGG, width 16, crops, on 5,000 images"),
        ("resnet32-crops-long-50000", "ResNet, width 32, crops, longer, on 50,000 images"),
        ("plain8-short-10000", "plain, width 8, shorter, on 10,000 images"),
        ("mlp-20000", "MLP on 20,000 images"),
        ("knn-300", "knn on 300 images"),
        ("EfficientNet-Lite0", "EfficientNet-Lite0"),
    ],
)
def test_models_of_a_testbed_have_names_for_people(name, words):
    assert network(name) == words
