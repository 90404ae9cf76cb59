"""Who is on the line."""

from types import SimpleNamespace

import pandas as pd

from nbcore.chapters.rise_and_fall.config import RiseAndFall
from nbcore.lines.tables import roster
from nbcore.runs.config import resolve
from nbcore.training import kinds


def table(names, accuracies):
    return roster(SimpleNamespace(models=pd.DataFrame({"model": names, "id": accuracies})))


def test_the_list_says_which_networks_wait():
    some = ["plain8-300", "vgg8-500", "resnet16-crops-10000", "resnet32-crops-50000"]
    found = table(some, [0.31, 0.4, 0.75, 0.86]).set_index("family")
    strong = "of 75 % and more"
    assert found.loc["resnet"].tolist() == [2, "75 to 86", 2, "resnet32-crops-50000"]
    assert found.loc["all", "networks"] == 4 and found.loc["all", strong] == 2
    waiting = found.loc["not trained yet", "the best"].split(", ")
    assert set(waiting) | set(some) == set(kinds.CONVOLUTIONAL)
    assert found.loc["not trained yet", "networks"] == len(waiting)


def test_a_testbed_of_ones_own_waits_for_nothing():
    assert "not trained yet" not in set(table(["knn-30", "plain8-300"], [0.2, 0.3])["family"])
    assert "not trained yet" not in set(table(kinds.CONVOLUTIONAL, 0.5)["family"])


def test_the_line_is_fitted_to_the_books_networks_unless_others_are_named():
    book, own = RiseAndFall.book(), resolve("rise-and-fall", testbed=["knn-30", "mlp-30"])
    assert book.line_models == kinds.TRAINED and book.models_beside == kinds.CLASSICAL
    assert set(kinds.AWAITED) | set(kinds.TRAINED) == set(kinds.CONVOLUTIONAL)
    assert own.line_models == ("knn-30", "mlp-30") and own.models_beside == ()
