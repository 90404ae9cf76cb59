"""Images of one's own in the pretrained network that ships with a package, and bad input."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from nbcore.errors import DataError, ParameterError
from nbcore.runs import own_depths
from nbcore.runs.own_depths import OwnDepths


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three kinds of digits, fifteen pictures each, one subfolder a class."""
    root = tmp_path_factory.mktemp("mine")
    digits = load_digits()
    for label in (0, 1, 4):
        (root / f"digit {label}").mkdir()
        for i in np.flatnonzero(digits.target == label)[:15]:
            picture = Image.fromarray((digits.images[i] * 15).astype(np.uint8))
            picture.resize((40, 40)).save(root / f"digit {label}" / f"{i}.png")
    return root


def test_depths_of_a_folder_of_pictures(folder, own_cache):
    config = OwnDepths(dataset=str(folder), k=5, device="cpu")
    run = own_depths.run_own(config)
    seen = run.member("images")
    assert seen.sizes["image"] == 45 and int(seen["held_out"].sum()) == 9
    assert seen.attrs["classes"] == ["digit 0", "digit 1", "digit 4"]
    assert seen["probe"].values[0] == "input" and seen["probe"].values[-1] == "softmax"
    right = seen["prediction"].values == seen["label"].values
    assert right[~seen["held_out"].values].mean() > 0.9  # the head was fitted to them
    last = seen.sizes["probe"] - 1
    assert set(seen["depth"].values) <= {-1, *range(last + 1)}
    assert (seen["votes"].values <= 5).all()
    # a picture that all probes give to its class with most votes, and the network too, is shallow
    sure = right & (seen["votes"].values >= 3).all(1)
    assert sure.any() and (seen["depth"].values[sure] == 0).all()
    table = pd.read_csv(own_depths.write_table(run, str(folder)))
    assert len(table) == 45 and {"file", "label", "prediction", "depth"} <= set(table)
    assert own_depths.run_own(config).origin == "cached"


def test_bad_input_gets_one_sentence(folder, own_cache, tmp_path):
    with pytest.raises(ParameterError, match="k is 100, but there are only 36 training images"):
        own_depths.run_own(OwnDepths(dataset=str(folder), k=100, device="cpu"))
    with pytest.raises(ParameterError, match="There is no model 'no_such_net'"):
        own_depths.run_own(OwnDepths(dataset=str(folder), model="no_such_net", k=5))
    alone = tmp_path / "alone" / "only"
    alone.mkdir(parents=True)
    for i in range(6):
        Image.new("L", (32, 32), i * 40).save(alone / f"{i}.png")
    with pytest.raises(DataError, match="class"):
        own_depths.run_own(OwnDepths(dataset=str(tmp_path / "alone"), k=2, device="cpu"))
    (alone / "0.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="is no readable image"):
        own_depths.run_own(OwnDepths(dataset=str(tmp_path / "alone"), k=2, device="cpu"))
