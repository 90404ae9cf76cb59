import io
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

from nbcore import files
from nbcore.errors import ParameterError, StoreError
from nbcore.models.papers import resnet18
from nbcore.models.small import mlp, small_cnn
from nbcore.training import loop
from nbcore.training.device import as_tensor, memory_layout, place_model
from nbcore.training.loop import cached_features, checkpoint_steps, train
from nbcore.training.recipe import Recipe

RNG = np.random.default_rng(0)
LABELS = np.arange(60) % 3
IMAGES = (RNG.integers(0, 60, (60, 8, 8, 1)) + 60 * LABELS[:, None, None, None]).astype(np.uint8)
DATA = (IMAGES, LABELS)
TEST = {"id": (IMAGES[:30], LABELS[:30]), "ood": (IMAGES[30:, ::-1].copy(), LABELS[30:])}


def fit(recipe, model=None, seed=0, **options):
    model = model or small_cnn(4, 3, channels=1, seed=seed)
    return train(model, DATA, TEST, recipe, seed=seed, **options)


def test_same_seed_same_run_and_global_state_untouched():
    recipe = Recipe(steps=12, batch=16, lr=0.1, augment=True, checkpoints=5)
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first = fit(recipe)
    assert torch.equal(state, torch.get_rng_state())
    torch.rand(3)
    assert first.identical(fit(recipe))
    assert not first.loss.equals(fit(recipe, small_cnn(4, 3, channels=1), seed=1).loss)
    assert first.sizes == {"checkpoint": 5, "example_id": 30, "example_ood": 30}
    assert first.step.values.tolist() == checkpoint_steps(12, 5).tolist()


@pytest.mark.parametrize("loss", ["cross-entropy", "mse"])
def test_both_losses_learn(loss):
    history = fit(Recipe(steps=60, batch=20, lr=0.1, loss=loss, checkpoints=3))
    assert history.accuracy_id[-1] > 0.8 and history.loss[-1] < history.loss[1]


def test_mse_is_against_one_hot():
    model = torch.nn.Linear(2, 2)
    with torch.no_grad():
        model.weight.zero_()
        model.bias.copy_(torch.tensor([0.5, 0.0]))
    recipe = Recipe(steps=1, batch=4, lr=0.0, loss="mse", checkpoints=2)
    data = np.ones((4, 2), np.float32), np.ones(4, int)
    history = train(model, data, {}, recipe, precision="float32")
    assert history.loss[-1].item() == pytest.approx((0.5**2 + 1) / 2)


def test_step_schedule():
    recipe = Recipe(steps=100, lr=1.0, drop_at=(0.5, 0.8), factor=0.1)
    rates = [recipe.rate(s) for s in (0, 49, 50, 79, 80, 99)]
    assert rates == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


def test_checkpoints_are_log_spaced():
    steps = checkpoint_steps(1000, 11, first=1)
    assert steps[0] == 0 and steps[1] == 1 and steps[-1] == 1000 and len(steps) <= 11
    ratios = np.diff(np.log(steps[4:]))
    assert np.allclose(ratios, ratios.mean(), atol=0.2)
    assert checkpoint_steps(5, 100).tolist() == [0, 1, 2, 3, 4, 5]
    with pytest.raises(ParameterError, match="2 checkpoints"):
        checkpoint_steps(0, 5)


def test_momentum_decay_and_updates_equal_torch():
    """Three full-batch updates equal plain torch code."""
    x, y = torch.randn(6, 4, generator=torch.Generator().manual_seed(1)), torch.arange(6) % 2
    ours, theirs = torch.nn.Linear(4, 2), torch.nn.Linear(4, 2)
    theirs.load_state_dict(ours.state_dict())
    train(ours, (x, y), {}, Recipe(3, 6, 0.5, 0.9, 0.01, checkpoints=2), precision="float32")
    optimiser = torch.optim.SGD(theirs.parameters(), lr=0.5, momentum=0.9, weight_decay=0.01)
    for _ in range(3):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(theirs(x), y).backward()
        optimiser.step()
    torch.testing.assert_close(ours.weight, theirs.weight)


def test_last_layer_on_features_equals_frozen_body():
    recipe = Recipe(steps=20, batch=20, lr=0.1, checkpoints=4)
    whole = mlp(8, 16, 1, 3, channels=1)
    head = torch.nn.Linear(16, 3)
    head.load_state_dict(whole.head.state_dict())
    features = cached_features(whole, IMAGES, precision="float32")
    for name, weight in whole.named_parameters():
        weight.requires_grad = whole.head_name in name
    full = fit(recipe, whole, precision="float32")
    banks = {"id": (features[:30], LABELS[:30])}
    last = train(head, (features, LABELS), banks, recipe, precision="float32")
    assert np.allclose(full.loss, last.loss, atol=1e-5, equal_nan=True)
    assert full.prediction_id.equals(last.prediction_id)


class Dropped(torch.nn.Module):
    """A network with dropout, which the `dies`-th training step kills together with its process."""

    def __init__(self, dies=None):
        super().__init__()
        self.net, self.drop = small_cnn(4, 3, channels=1), torch.nn.Dropout()
        self.dies, self.calls = dies, 0

    def forward(self, x):
        self.calls += self.training
        if self.calls == self.dies:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.net(x) * self.drop(torch.ones(len(x), 1))


def test_resumed_after_kill_equals_uninterrupted(tmp_path):
    recipe = Recipe(steps=40, batch=16, lr=0.1, augment=True, checkpoints=6)
    file = tmp_path / "run.pt"
    code = (
        f"import sys, pathlib, torch; sys.path.insert(0, {os.path.dirname(__file__)!r})\n"
        f"torch.set_num_threads({torch.get_num_threads()})\n"  # sums differ in their last bits
        f"import test_loop as t; t.fit(t.{recipe!r}, t.Dropped(18), "
        f"checkpoint_file=pathlib.Path({str(file)!r}), save_every=0.0)"
    )
    process = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert process.returncode == -signal.SIGKILL, process.stderr.decode()
    assert torch.load(io.BytesIO(files.read_checked(file)), weights_only=True)["step"] == 17
    resumed = fit(recipe, Dropped(), checkpoint_file=file)
    assert resumed.identical(fit(recipe, Dropped()))
    assert not file.exists()


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    torch.save({"identity": "other"}, buffer := io.BytesIO())
    files.write_checked(tmp_path / "run.pt", buffer.getvalue())
    with pytest.raises(StoreError, match="another run"):
        fit(Recipe(steps=2), checkpoint_file=tmp_path / "run.pt")


def test_a_damaged_checkpoint_is_set_aside_and_the_run_is_what_it_was(tmp_path, capsys):
    """A changed byte anywhere: one in three changed the network unnoticed when none was checked."""
    recipe, file, whole = Recipe(steps=6, batch=16, lr=0.1), tmp_path / "run.pt", []

    def stop(*state):
        if state[-1] == 3:
            whole.append(file.read_bytes())
            raise KeyboardInterrupt
        return batch(*state)

    batch = loop._batch
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(loop, "_batch", stop)
        fit(recipe, checkpoint_file=file, save_every=0.0)
    expected = fit(recipe)
    places = RNG.integers(0, len(whole[0]), 23)
    for place in [0, files.HEADER - 1, files.HEADER, *places, len(whole[0]) - 1]:
        content = bytearray(whole[0])
        content[place] ^= 1 << int(RNG.integers(8))
        file.write_bytes(content)
        assert fit(recipe, checkpoint_file=file).identical(expected)
        (aside,) = tmp_path.glob("run.pt.damaged-*")
        assert aside.read_bytes() == content
        aside.unlink()
    for content in (b"", b"half a file", whole[0][:-1], whole[0] + b"!"):
        file.write_bytes(content)
        assert fit(recipe, checkpoint_file=file).identical(expected)
    assert "is damaged" in capsys.readouterr().err


CPU = torch.device("cpu")


def strided(inside, kernel=1, stride=2):
    """A network that ends in one strided convolution, all of it in channels_last before."""
    convolution = torch.nn.Conv2d(inside, 8, kernel, stride)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, inside, 3, padding=1),
        convolution,
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(8, 3),
    )
    return net.to(memory_format=torch.channels_last)


class Scaled(torch.nn.Module):
    """uint8 images as floats, then a network."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net(x / 255)


def test_channels_last_is_kept_clear_of_the_shape_that_damages_memory():
    first, last = torch.contiguous_format, torch.channels_last
    for inside, kernel, stride, wanted in [
        (4, 1, 2, first),
        (7, 1, 2, first),
        (1, 1, (1, 2), first),
        (8, 1, 2, last),
        (4, 3, 2, last),
        (4, 1, 1, last),
    ]:
        assert memory_layout(strided(inside, kernel, stride), CPU) == wanted
    assert memory_layout(strided(4), torch.device("cuda")) == last
    assert memory_layout(resnet18(4), CPU) == first and memory_layout(resnet18(8), CPU) == last


def test_weights_laid_out_channels_first_have_such_strides():
    """A 1x1 kernel counts as contiguous with the strides of either layout."""
    model = strided(4)
    assert model[1].weight.stride() == (4, 1, 4, 4) and model[1].weight.is_contiguous()
    place_model(model, CPU)
    assert model[1].weight.stride() == (4, 1, 1, 1)


@pytest.mark.parametrize("network", ["t.resnet18(4, 3, channels=1)", "t.Scaled(t.strided(4))"])
def test_training_with_one_thread_survives_the_strided_convolution(network):
    code = (
        f"import sys; sys.path.insert(0, {os.path.dirname(__file__)!r})\n"
        "import torch, test_loop as t; torch.set_num_threads(1)\n"
        "for seed in range(3):\n"
        f"    h = t.fit(t.Recipe(steps=30, batch=32, lr=.05, checkpoints=3), {network}, seed)\n"
        "    assert h.loss[1:].notnull().all()"
    )
    process = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert process.returncode == 0, process.stderr.decode()


def test_bad_input_is_one_sentence():
    with pytest.raises(ParameterError, match="labels of ood are 0 to 7"):
        train(small_cnn(4, 3, channels=1), DATA, {"ood": (IMAGES[:8], np.arange(8))}, Recipe(2))
    with pytest.raises(ParameterError, match="uint8 images"):
        as_tensor(np.zeros((3, 8, 8, 4), np.uint8))
    with pytest.raises(ParameterError, match="loss must be"):
        fit(Recipe(steps=2, loss="hinge"))
    with pytest.raises(ParameterError, match="precision must be"):
        fit(Recipe(steps=2), precision="half")
    if not torch.cuda.is_available():
        with pytest.raises(ParameterError, match="no CUDA"):
            fit(Recipe(steps=2), device="cuda")
