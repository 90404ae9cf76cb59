import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import nn

from nbcore.measures.margins import input_margin, output_margin
from nbcore.models import papers

RNG = np.random.default_rng(0)


def test_output_margin_by_hand():
    assert output_margin([[3, 1, 2], [0, 0, -5], [-1, -4, -3]]).tolist() == [1, 0, 2]


@given(
    hnp.arrays(
        float,
        st.tuples(st.integers(1, 9), st.integers(2, 6)),
        elements=st.integers(-20, 20).map(lambda v: v / 4),
    )
)
def test_output_margin_equals_the_loop(logits):
    for row, margin in zip(logits.tolist(), output_margin(logits), strict=True):
        first = max(row)
        row.remove(first)
        assert margin == first - max(row) >= 0


@pytest.mark.parametrize("logits", [[[1.0]], [1.0, 2.0], [[1.0, np.nan]], np.zeros((2, 3, 4))])
def test_bad_logits_are_refused(logits):
    with pytest.raises(ValueError, match="2 or more classes"):
        output_margin(logits)


def linear(weight, bias):
    model = nn.Linear(*np.shape(weight)[::-1])
    with torch.no_grad():
        model.weight.copy_(torch.as_tensor(weight))
        model.bias.copy_(torch.as_tensor(bias))
    return model


def test_input_margin_by_hand():
    """The line x = y between two classes, and a third that is far away."""
    model = linear([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], [0.0, 0.0, -100.0])
    margins = input_margin(model, np.array([[3.0, 1.0], [2.0, 2.0], [0.0, 5.0]]))
    np.testing.assert_allclose(margins, [np.sqrt(2), 0, 5 / np.sqrt(2)], atol=1e-6)


def test_input_margin_of_a_linear_model_is_the_distance_to_its_hyperplanes():
    weight, bias = RNG.normal(size=(7, 20)), RNG.normal(size=7)
    x = RNG.normal(size=(50, 20))
    margins = input_margin(linear(weight, bias), x)
    for point, margin in zip(x, margins, strict=True):
        z = weight @ point + bias
        i = z.argmax()
        others = [j for j in range(7) if j != i]
        distances = [(z[i] - z[j]) / np.linalg.norm(weight[i] - weight[j]) for j in others]
        assert margin == pytest.approx(min(distances), rel=1e-4)
        # moved by its margin straight towards the nearest class, the point is on the boundary
        j = others[int(np.argmin(distances))]
        direction = (weight[j] - weight[i]) / np.linalg.norm(weight[j] - weight[i])
        there = weight @ (point + margin * direction) + bias
        assert there[i] == pytest.approx(there[j], abs=1e-4) and there.max() < there[i] + 1e-4


def by_the_text(model, x):
    """Jiang et al. 2018 as PD section 3.3 uses it: one example, one pair of classes at a time."""
    margins = []
    for point in x:
        point = point[None].double().requires_grad_()
        z = model(point)[0]
        i = int(z.argmax())
        ratios = []
        for j in set(range(len(z))) - {i}:
            difference = z[i] - z[j]
            (gradient,) = torch.autograd.grad(difference, point, retain_graph=True)
            ratios.append(float(difference.detach().abs() / gradient.norm()))
        margins.append(min(ratios))
    return margins


@pytest.mark.parametrize("batch", [1, 4, 100])
@pytest.mark.parametrize("classes_at_once", [1, 3, 20])
def test_input_margin_equals_autograd_class_by_class(batch, classes_at_once):
    torch.manual_seed(0)
    layers = nn.Linear(12, 16), nn.Tanh(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 5)
    model, x = nn.Sequential(*layers), torch.randn(9, 12)
    margins = input_margin(model, x, batch, classes_at_once)
    np.testing.assert_allclose(margins, by_the_text(model.double(), x), rtol=1e-4)


@pytest.mark.parametrize("architecture", ["mlp", "vgg16", "resnet18"])
def test_input_margin_of_the_papers_networks_is_in_raw_pixels(architecture):
    model = papers.build(architecture, 4, 3, channels=1, side=8, depth=2)
    with torch.no_grad():  # at its initialisation the last layer is almost 0
        model.head.weight.mul_(100)
    x = torch.from_numpy(RNG.integers(0, 256, (4, 1, 8, 8), dtype=np.uint8))
    margins = input_margin(model, x)
    np.testing.assert_allclose(margins, by_the_text(model.double(), x), rtol=1e-3)
    assert not any(p.grad is not None for p in model.parameters())
    assert torch.equal(x, x.clone()) and not x.requires_grad


def test_a_class_that_no_step_reaches_is_infinitely_far():
    model = linear(np.zeros((3, 4)), [1.0, 0.0, 0.0])
    assert input_margin(model, np.ones((2, 4))).tolist() == [np.inf, np.inf]
    half = linear([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]], [1.0, 0.0, 0.0])  # 0 and 1 never meet
    assert input_margin(half, np.array([[2.0, 0.0]])) == pytest.approx([3])


def test_one_class_has_no_margin():
    with pytest.raises(ValueError, match="two classes or more"):
        input_margin(nn.Linear(3, 1), np.ones((2, 3)))


def test_dropout_is_off_when_margins_are_measured():
    model = nn.Sequential(nn.Dropout(0.5), linear([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]))
    x = np.array([[3.0, 1.0]] * 20)
    assert input_margin(model.train(), x) == pytest.approx([np.sqrt(2)] * 20)
