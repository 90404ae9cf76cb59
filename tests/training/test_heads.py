"""Last layers through a class map, the pull as weight decay, and the L-BFGS sweep."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from nbcore.errors import ParameterError
from nbcore.measures import zeroshot
from nbcore.training import heads, loop


@pytest.fixture
def layer():
    torch.manual_seed(0)
    weight, bias, x = torch.randn(7, 5), torch.randn(7), torch.randn(40, 5)
    return weight, bias, x, [[4, 0, 2], [6], [1, 5]]


def test_before_training_it_is_the_zero_shot_classifier(layer):
    weight, bias, x, targets = layer
    logits = x @ weight.T + bias
    named = {str(i): t for i, t in enumerate(targets)}
    for over in ("ten", "all"):
        head = heads.MappedHead(weight, bias, targets, over).eval()
        wanted = zeroshot.combine(logits.numpy(), named, "max")
        assert head(x).detach().numpy() == pytest.approx(wanted, abs=1e-5)
        chances = zeroshot.class_scores(torch.softmax(logits.double(), 1).numpy(), named, "max")
        assert (head(x).argmax(1).numpy() == chances.argmax(1)).all()


def test_over_all_the_denominator_is_that_of_every_source(layer):
    weight, bias, x, targets = layer
    head = heads.MappedHead(weight, bias, targets, "all").train()
    labels = torch.arange(40) % 3
    logits = x @ weight.T + bias
    best = torch.stack([logits[i, targets[k]].max() for i, k in enumerate(labels)])
    wanted = logits.logsumexp(1) - best
    loss = torch.nn.functional.cross_entropy(head(x), labels, reduction="none")
    assert loss.detach().numpy() == pytest.approx(wanted.numpy(), abs=1e-4)


def test_weight_decay_of_twice_lambda_is_the_pull(layer):
    """Gradient descent on the loss with its L2 term, written out, takes the same path."""
    weight, bias, x, targets = layer
    labels, pull, rate = torch.arange(40) % 3, 0.3, 0.05
    head = heads.MappedHead(weight, bias, targets)
    loop.train(
        head,
        (x, labels),
        {"id": (x, labels)},
        loop.Recipe(steps=5, batch=40, lr=rate, momentum=0.0, weight_decay=2 * pull, checkpoints=2),
        device="cpu",
        precision="float32",
    )
    kept = [i for t in targets for i in t]
    w, b = (t[kept].clone().requires_grad_() for t in (weight, bias))
    for _ in range(5):
        logits = x @ w.T + b
        best = torch.stack([part.amax(1) for part in logits.split([3, 1, 2], 1)], 1)
        loss = torch.nn.functional.cross_entropy(best, labels)
        loss = loss + pull * (((w - weight[kept]) ** 2).sum() + ((b - bias[kept]) ** 2).sum())
        grads = torch.autograd.grad(loss, (w, b))
        with torch.no_grad():
            w, b = ((p - rate * g).requires_grad_() for p, g in zip((w, b), grads, strict=True))
    assert (head.start + head.moved).detach().numpy() == pytest.approx(w.detach().numpy(), abs=1e-4)


def test_a_strong_pull_keeps_the_head_where_it_was(layer):
    weight, bias, x, targets = layer
    labels, moved = torch.arange(40) % 3, {}
    for pull in (0.0, 100.0):
        head = heads.MappedHead(weight, bias, targets)
        recipe = loop.Recipe(steps=50, batch=20, lr=0.003, weight_decay=2 * pull, checkpoints=2)
        loop.train(head, (x, labels), {}, recipe, device="cpu", precision="float32")
        moved[pull] = float(head.moved.detach().norm())
    assert moved[100.0] < 0.1 * moved[0.0]


def test_another_way_to_compare_is_refused(layer):
    weight, bias, _, targets = layer
    with pytest.raises(ParameterError, match="'ten' or 'all'"):
        heads.MappedHead(weight, bias, targets, "some")


def test_the_sweep_finds_a_useful_strength_on_digits():
    x, y = load_digits(return_X_y=True)
    x = x / 16
    fitted = heads.regression_sweep(x[:900], y[:900], max_iter=200)
    assert fitted.strengths == pytest.approx(np.logspace(-6, 7, 10))
    assert fitted.accuracies.max() > 0.93 and fitted.accuracies[-1] < 0.85
    assert 1e-5 < fitted.strength < 1e3
    assert fitted.model.score(x[900:], y[900:]) > 0.89
    again = heads.regression_sweep(x[:900], y[:900], max_iter=200)
    assert again.strength == fitted.strength
    # the chosen model is the one of that strength on all examples, whatever came before it
    alone = heads.regression_sweep(x[:900], y[:900], [fitted.strength], max_iter=200)
    assert alone.model.coef_ == pytest.approx(fitted.model.coef_, abs=1e-3)


def test_the_strength_is_the_penalty_on_the_summed_loss():
    """At the optimum the gradient of summed loss + λ/2 |w|² vanishes."""
    x, y = load_digits(return_X_y=True)
    x, y = x[:300] / 16, y[:300]
    fitted = heads.regression_sweep(x, y, [10.0], max_iter=2000).model
    chance = fitted.predict_proba(x) - np.eye(10)[y]
    slope = chance.T @ x + 10.0 * fitted.coef_
    assert np.abs(slope).max() < 0.05 * np.abs(10.0 * fitted.coef_).max()


def test_too_little_for_a_sweep_is_refused():
    with pytest.raises(ParameterError, match="two classes"):
        heads.regression_sweep(np.zeros((20, 2)), np.zeros(20))
    with pytest.raises(ParameterError, match="0 strengths"):
        heads.regression_sweep(np.zeros((20, 2)), np.arange(20) % 2, [])
