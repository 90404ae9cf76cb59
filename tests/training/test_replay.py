"""Replay: by hand, against the plain loop, and with what it must refuse."""

import numpy as np
import pytest
import torch

from nbcore.errors import ParameterError
from nbcore.models.small import small_cnn
from nbcore.training import device, loop, replay
from nbcore.training.recipe import Recipe

RNG = np.random.default_rng(0)
X, Y = RNG.integers(0, 256, (48, 8, 8, 1), np.uint8), np.arange(48) % 3
OLD_X, OLD_Y = RNG.integers(0, 256, (30, 8, 8, 1), np.uint8), np.arange(30) % 4
RECIPE = Recipe(6, 8, 0.05, checkpoints=3)


@pytest.fixture(autouse=True)
def in_float32(monkeypatch):
    """These tests compare numbers that bfloat16, where a processor has it, would round."""
    monkeypatch.setattr(device, "_cpu_has_bf16", lambda: False)


def two_headed(seed=0) -> replay.TwoHeaded:
    return replay.TwoHeaded(small_cnn(2, 4, channels=1), 3, seed)


def trained(model, memory, recipe=RECIPE, **more):
    new, old = {"id": (X, Y)}, {"old": (OLD_X, OLD_Y)}
    return replay.train(model, (X, Y), memory, new, old, recipe, device="cpu", **more)


def test_without_replay_it_is_the_plain_loop():
    net, model = small_cnn(2, 4, channels=1), two_headed()
    net.net.set_submodule(net.head_name, torch.nn.Linear(net.feature_dim, 3))
    net.head.load_state_dict(model.fresh.state_dict())
    plain = loop.train(net, (X, Y), {"id": (X, Y)}, RECIPE, device="cpu")
    found = trained(model, None)
    assert (found["prediction_id"].values == plain["prediction_id"].values).all()
    assert torch.allclose(net.head.weight, model.fresh.weight, atol=1e-5)
    old = small_cnn(2, 4, channels=1).head
    assert torch.equal(model.net.head.weight, old.weight)  # nothing reaches the old head


def test_one_step_of_replay_worked_by_hand():
    """Loss (new + w old) / (1 + w), rate times sqrt(1 + w): of plain descent on a shared head."""
    model = replay.SharedHead(torch.eye(3), torch.zeros(3), [[0], [1, 2]])
    new, old = torch.tensor([[1.0, 0.0, 2.0]]), torch.tensor([[0.0, 1.0, 0.0]])
    recipe = Recipe(1, 1, 0.1, momentum=0.0, weight_decay=0.0, checkpoints=2)
    memory = replay.Memory((old, np.array([0])), 1, 3.0)
    replay.train(model, (new, np.array([0])), memory, {}, {}, recipe, device="cpu")
    # new: logits 1, max(0, 2) = 2; old: logits 0, 1, 0
    p = torch.softmax(torch.tensor([1.0, 2.0]), 0)
    q = torch.softmax(torch.tensor([0.0, 1.0, 0.0]), 0)
    towards = torch.zeros(3, 3)
    towards[0] += (p[0] - 1) * new[0]
    towards[2] += p[1] * new[0]
    towards += 3 * torch.outer(q - torch.tensor([1.0, 0.0, 0.0]), old[0])
    torch.testing.assert_close(model.moved.detach(), -0.1 * 2 * towards / 4)


def test_its_own_head_learns_at_the_full_rate():
    """From one pass in eval-like features the fresh head's first step is that without replay."""
    recipe = Recipe(1, 8, 0.05, momentum=0.0, weight_decay=0.0, checkpoints=2)
    features, y = torch.randn(48, 5, generator=torch.Generator().manual_seed(0)), Y

    class Plain(replay.TwoHeaded):
        def __init__(self):
            torch.nn.Module.__init__(self)
            self.body, self.fresh = torch.nn.Linear(5, 5), torch.nn.Linear(5, 3)
            self.last = torch.nn.Linear(5, 4)

        def forward(self, x):
            return self.fresh(self.body(x))

        def old(self, x):
            return self.last(self.body(x))

        def both(self, new, old):
            return self(new), self.old(old)

    ends = []
    for memory in (None, replay.Memory((features[:30], OLD_Y), 2, 8.0)):
        torch.manual_seed(1)
        model = Plain()
        replay.train(model, (features, y), memory, {}, {}, recipe, device="cpu")
        ends.append(model)
    torch.testing.assert_close(ends[0].fresh.weight, ends[1].fresh.weight)
    torch.manual_seed(1)
    fresh = Plain()
    assert torch.equal(ends[0].last.weight, fresh.last.weight)
    assert not torch.equal(ends[1].last.weight, fresh.last.weight)


def test_replay_keeps_the_old_task_and_shuffled_labels_do_not():
    model, bright = replay.TwoHeaded(small_cnn(4, 4, channels=1), 3), np.zeros_like(OLD_X)
    bright += (60 * OLD_Y + 20).astype(np.uint8)[:, None, None, None]
    loop.train(model.net, (bright, OLD_Y), {}, Recipe(80, 10, 0.1, checkpoints=2), device="cpu")
    state = {k: v.clone() for k, v in model.state_dict().items()}
    kept = {}
    for name, labels in (("true", OLD_Y), ("shuffled", RNG.permutation(OLD_Y))):
        model.load_state_dict(state)
        memory, recipe = replay.Memory((bright, labels), 2, 2.0), Recipe(40, 8, 0.05, checkpoints=2)
        found = replay.train(
            model, (X, Y), memory, {"id": (X, Y)}, {"old": (bright, OLD_Y)}, recipe, device="cpu"
        )
        right = (found["prediction_old"] == found["label_old"]).mean("example_old")
        kept[name] = float(right[-1])
        assert found["prediction_id"].shape == (2, 48) and float(right[0]) == 1.0
    assert kept["true"] > 0.8 > kept["shuffled"]


def test_grey_images_are_replayed_beside_colour():
    model = replay.TwoHeaded(small_cnn(2, 4, channels=3), 3)
    colour = np.repeat(OLD_X, 3, -1)
    found = replay.train(
        model, (X, Y), replay.Memory((colour, OLD_Y)), {"id": (X, Y)}, {}, RECIPE, device="cpu"
    )
    assert set(found) == {"step", "prediction_id", "label_id"}


def test_a_walk_reaches_both_ends_by_both_heads():
    model, other = two_headed(), two_headed(1)
    start, end = ({k: v.clone() for k, v in m.state_dict().items()} for m in (model, other))
    found = replay.walk(model, start, end, 3, {"id": (X, Y)}, {"old": (OLD_X, OLD_Y)}, "cpu")
    images = loop.as_tensor(X)
    for at, m in ((0, two_headed()), (2, other)):
        said = m.eval()(images).argmax(1).numpy()
        assert (found["prediction_id"][at].values == said).all()
    assert (found["prediction_old"][0] == found["prediction_old"][2]).all()  # same pretrained head


@pytest.mark.parametrize(
    ("memory", "told"),
    [
        (replay.Memory((OLD_X, OLD_Y), 1, -1.0), "a weight above 0"),
        (replay.Memory((OLD_X, OLD_Y), 0, 1.0), "1 batch or more"),
        (replay.Memory((OLD_X[:, :7], OLD_Y)), "7x8 pixels, but the new ones 8x8"),
        (replay.Memory((OLD_X, OLD_Y + 1)), "go up to 4, but their head has classes 0 to 3"),
        (replay.Memory((OLD_X[:0], OLD_Y[:0])), "go up to nothing"),
    ],
)
def test_what_cannot_be_replayed_is_one_sentence(memory, told):
    with pytest.raises(ParameterError, match=told) as error:
        trained(two_headed(), memory)
    assert "\n" not in str(error.value)
