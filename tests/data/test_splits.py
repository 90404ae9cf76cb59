"""Nothing is tested on what it was trained on: the split itself, and each chapter's loader."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import encoded, noise, write

from nbcore import data
from nbcore.data.splits import hold_out
from nbcore.errors import DataError


@pytest.fixture(autouse=True)
def alone(monkeypatch, own_cache, tmp_path):
    monkeypatch.setenv("NBCORE_OFFLINE", "1")
    monkeypatch.setenv("NBCORE_RESULTS", str(tmp_path / "results"))


def tree(root, *prefixes, n=12, names=("ant", "bee", "cow")):
    """`n` pictures a class, all different, under each of the prefixes; returns the folder."""
    rng = np.random.default_rng(len(str(root)))
    for prefix in prefixes or ("",):
        for name in names:
            for i in range(n):
                write(root / prefix / name / f"{i:02}.png", encoded(noise(rng, 16, 16)))
    return root


def keys(images):
    return [x.tobytes() for x in images]


def disjoint(train, test):
    a, b = set(keys(train)), set(keys(test))
    assert len(a) == len(train) and len(b) == len(test)  # all pictures differ
    return not a & b


FORMS = {
    "no splits": lambda root: tree(root),
    "one split": lambda root: tree(root, "train"),
    "splits": lambda root: tree(root, "train", "test"),
    "validation": lambda root: tree(root, "train", "valid"),
    "Intel's": lambda root: tree(root, "seg_train/seg_train", "seg_test/seg_test"),
    "hive": lambda root: tree(root, "split=train", "split=test"),
    "parquet": lambda root: parquet(root, "data"),
    "parquet, test alone": lambda root: parquet(root, "test-00000-of-00001"),
    "parquet splits": lambda root: parquet(root, "train-0", "test-0"),
}


def parquet(root, *names, n=36):
    rng = np.random.default_rng(5)
    root.mkdir()
    for name in names:
        cells = [encoded(noise(rng, 16, 16)) for _ in range(n)]
        pq.write_table(
            pa.table({"img": cells, "label": np.arange(n) % 3}), root / f"{name}.parquet"
        )
    return root


@pytest.fixture(params=FORMS)
def folder(request, tmp_path):
    return FORMS[request.param](tmp_path / "mine")


def test_images_to_test_on_are_none_of_those_to_train_on(folder):
    both = data.train_test(folder)
    assert disjoint(both.train.images, both.test.images)
    assert set(both.train.labels) == set(both.test.labels) == {0, 1, 2}
    own = data.has_test(folder)
    assert (len(both.train), len(both.test)) == ((36, 36) if own else (30, 6))
    assert ("has splits of its own: 36" if own else "of each class 20%") in both.said
    again = data.train_test(folder)
    assert keys(again.test.images) == keys(both.test.images)


def test_rise_and_fall_and_zero_shot(folder):
    """Chapters 2, 6 and 7 load their images by this."""
    from nbcore.lines.trained import load_sets

    sets = load_sets(str(folder), (str(folder),), 16, 1000)
    for role in ("id", "ood"):  # a shifted set that is the same folder is tested on its test part
        assert disjoint(sets.train[0], sets.evaluations[role][0])


def test_zero_shot(folder):
    from nbcore.chapters.zero_shot_class_maps import sources
    from nbcore.runs.config import resolve

    config = resolve("zero-shot-class-maps", "smoke", id=str(folder), ood=[], image_size=16)
    sets, classes = sources.load_images(config)
    assert disjoint(sets.train[0], sets.evaluations["id"][0]) and len(classes) == 3


def test_example_difficulty(folder):
    """The labels to choose from, and the networks that score, are of the training images alone."""
    from nbcore.chapters.example_difficulty import c_scores, choices
    from nbcore.lines.trained import load_sets
    from nbcore.runs.config import resolve

    given = dict(id=str(folder), ood=[], image_size=16, model="resnet18", subset=6)
    config = resolve("example-difficulty", "smoke", **given)
    sets = load_sets(config.id, config.ood, 16, 1000)
    assert choices.training_labels(config).tolist() == sets.train[1].tolist()
    scored = c_scores.CScoreRun.resolve("smoke", dataset=str(folder), image_size=16)
    scored_on = c_scores.load_training_set(scored).images
    assert keys(scored_on) == keys(sets.train[0])
    assert disjoint(scored_on, sets.evaluations["id"][0])


def test_what_a_network_is_pretrained_on(folder):
    from nbcore.chapters.example_difficulty.pretraining import PretrainingSize, pictures
    from nbcore.lines.trained import load_sets

    sets = load_sets(str(folder), (), 16, 1000)
    config = PretrainingSize.resolve(
        "book", id=str(folder), ood=[], pretrain_set=str(folder), image_size=16
    )
    assert disjoint(pictures(config)[0], sets.evaluations["id"][0])


def test_ensembles(folder):
    """Chapters 3, 4, 5 and 8."""
    from nbcore.depths.ensembles import Ensemble, load_pool

    pool = load_pool(Ensemble(dataset=str(folder), examples=100, test_examples=100))
    assert disjoint(pool.images, pool.test_images)


def test_difficulty_judges_every_image_on_networks_that_did_not_see_it(folder):
    from nbcore.depths.ensembles import load_pool
    from nbcore.difficulty.planning import Difficulty, plan
    from nbcore.difficulty.sample import look
    from nbcore.training.ensemble import held_out_mask

    sample = look(str(folder))
    ensemble = plan(Difficulty(dataset=str(folder), network="vgg16"), sample)
    assert ensemble.whole is not data.has_test(folder)
    pool = load_pool(ensemble)
    assert len(pool.labels) == 36 == len(sample.labels)
    masks = [held_out_mask(36, i, ensemble.held_out, ensemble.splits) for i in range(10)]
    assert (np.sum(masks, 0) == 2).all()
    if not ensemble.whole:
        assert disjoint(pool.images, pool.test_images)
    positions = sample.some(ensemble.examples, ensemble.seed)
    assert sample.labels[positions].tolist() == pool.labels.tolist()


def test_own_images_of_prediction_depth(folder):
    from nbcore.chapters.prediction_depth import own_images

    chosen = own_images.load(str(folder), 16, lambda _: 10**6, held_out=0.25, seed=3)
    train, test = np.split(chosen.images, [chosen.training])
    assert disjoint(train, test)
    said = " ".join(chosen.notes)
    assert ("of each class 25% of the images" in said) is not data.has_test(folder)


@given(
    st.lists(st.integers(0, 5), min_size=2, max_size=60), st.floats(0.05, 0.95), st.integers(0, 99)
)
def test_of_every_class_the_share_is_held_out(labels, share, seed):
    labels = np.array(labels)
    out = hold_out(labels, share, seed)
    for c in np.unique(labels):
        n = int((labels == c).sum())
        assert out[labels == c].sum() == max(round(share * n), 1)
    assert np.array_equal(out, hold_out(labels, share, seed))
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    assert out[shuffled].sum() == hold_out(labels[shuffled], share, seed).sum()


def test_a_class_of_one_image_is_refused(tmp_path):
    root = tree(tmp_path / "mine")
    write(root / "dog" / "1.png", encoded(noise(np.random.default_rng(0), 16, 16)))
    with pytest.raises(DataError, match="its class 'dog' has 1 image, of which none can be held"):
        data.train_test(root)


def test_splits_without_one_to_learn_from_are_refused(tmp_path):
    root = tree(tmp_path / "mine", "test", "val")
    with pytest.raises(DataError, match="has the splits test, val, and none to learn from"):
        data.train_test(root)


def test_copies_among_the_test_images_are_counted(tmp_path):
    root = tree(tmp_path / "mine", "train", "test", n=3)
    for name in ("ant", "bee"):
        copy = (root / "train" / name / "00.png").read_bytes()
        write(root / "test" / name / "copy.png", copy)
    assert "2 of them are, pixel for pixel, among the training images" in data.train_test(root).said


def test_a_set_of_the_catalogue_keeps_its_splits():
    both = data.train_test("digits")
    for part, split in ((both.train, "train"), (both.test, "test")):
        assert np.array_equal(part.images, data.load("digits", split).images)
    assert both.said == ""


def test_grey_and_coloured_splits_get_equal_channels(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(3):
        for name in ("ant", "bee"):
            write(tmp_path / "x/train" / name / f"{i}.png", encoded(noise(rng, channels=0)))
            write(tmp_path / "x/test" / name / f"{i}.png", encoded(noise(rng)))
    both = data.train_test(tmp_path / "x")
    assert both.train.images.shape[-1] == both.test.images.shape[-1] == 3
