"""Chapter 18: tasks by other means, a transformer by hand, rewards, meanings, and its page."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nbcore import claims
from nbcore.chapters.sequences_and_rewards import (
    by_hand,
    exercises,
    figures,
    lengths,
    meanings,
    observe,
    rewards,
    study,
    tasks,
)
from nbcore.chapters.sequences_and_rewards.config import Lengths, SequencesAndRewards
from nbcore.errors import ParameterError
from nbcore.models import transformer


def drawn(name, length, n=7, seed=0):
    prompts, answers = tasks.TASKS[name].draw(np.random.default_rng(seed), n, length)
    return prompts - tasks.FIRST, answers - tasks.FIRST


@given(st.integers(1, 20), st.integers(0, 9))
def test_answers_are_those_of_plain_python(length, seed):
    x, y = drawn("counting", length, seed=seed)
    for row, answer in zip(x, y, strict=True):
        assert answer[:-1].tolist() == list(range(row[1], row[2] + 1))
    x, y = drawn("sort", length, seed=seed)
    for row, answer in zip(x, y, strict=True):
        assert answer[:-1].tolist() == sorted(row[1:-1].tolist())
        assert len(set(row[1:-1])) == length
    x, y = drawn("parity", length, seed=seed)
    assert (x[:, 1:-1].sum(1) % 2 == y[:, 0]).all()
    x, y = drawn("mode", length, seed=seed)
    for row, answer in zip(x, y, strict=True):
        counts = np.bincount(row[1:-1], minlength=tasks.KINDS)
        assert (counts == counts.max()).sum() == 1 and counts.argmax() == answer[0]
    for name in ("copy of different numbers", "copy with repeats", "copy with repeats, hinted"):
        x, y = drawn(name, length, seed=seed)
        assert (x[:, 1:-1] == y[:, :-1]).all()


def _number(bits):
    return int("".join(map(str, bits)), 2)


@given(st.integers(1, 12), st.integers(0, 9))
def test_sums_are_those_of_whole_numbers(length, seed):
    x, y = drawn("addition", length, seed=seed)
    for row, answer in zip(x.tolist(), y.tolist(), strict=True):
        a, b = row[1 : length + 1], row[length + 2 : -1]
        assert _number(a) + _number(b) == _number(answer)
    x, y = drawn("addition, hinted", length, seed=seed)
    for row, answer in zip(x.tolist(), y.tolist(), strict=True):
        a, b = row[2 : 2 * length + 1 : 2][::-1], row[2 * length + 3 : -1 : 2][::-1]
        assert _number(a) + _number(b) == _number(answer[2::3][::-1])
        assert row[1 : 2 * length + 1 : 2] == answer[0 : 3 * length : 3]  # the same indices
        assert set(answer[1::3]) <= {2, 3}  # carries are tokens of their own


def test_parity_with_hints_by_hand():
    x, y = drawn("parity, hinted", 4)
    for row, answer in zip(x, y, strict=True):
        bits, index = row[2:-1:2], row[1:-1:2]
        assert (answer[::2] == index).all() and (np.diff(index) == 1).all()
        assert answer[1::2].tolist() == (np.cumsum(bits) % 2).tolist()


def small(seed=0, **shape):
    return transformer.build(seed, 12, **dict(width=8, heads=2, positions=10) | shape)


def test_a_transformer_does_not_look_ahead():
    model, x = small(), torch.arange(6)[None] % 12
    other = x.clone()
    other[0, 4:] = 9
    assert torch.allclose(model(x)[:, :4], model(other)[:, :4], atol=1e-6)
    assert not torch.allclose(model(x)[:, 4], model(other)[:, 4], atol=1e-3)
    assert torch.allclose(model(x)[:, -2:], model(x, 2), atol=1e-6)


def test_attention_is_that_of_a_loop():
    block, x = transformer.Block(4, 2, 3), torch.randn(1, 5, 4)
    with torch.no_grad():
        block.bias.normal_()
        place = torch.arange(5)
        back = place[:, None] - place
        found = block(x, back.clamp(0, 3), back < 0)
        q, k, v = block.queries_keys_values(block.before_attention(x))[0].view(5, 3, 2, 2).unbind(1)
        seen = torch.zeros(5, 2, 2)
        for i in range(5):
            for head in range(2):
                score = torch.stack(
                    [
                        q[i, head] @ k[j, head] / 2**0.5 + block.bias[head, min(i - j, 3)]
                        for j in range(i + 1)
                    ]
                )
                seen[i, head] = score.softmax(0) @ v[: i + 1, head]
        after = x + block.together(seen.reshape(1, 5, 4))
        wanted = after + block.layers(block.before_layers(after))
    assert torch.allclose(found, wanted, atol=1e-5)


def test_a_sequence_longer_than_the_positions_is_refused():
    with pytest.raises(ParameterError, match="11 tokens is longer than the 10 positions"):
        small()(torch.zeros(1, 11, dtype=torch.long))


def test_a_loss_that_is_not_finite_is_refused():
    model = small()
    with torch.no_grad():
        model.out.bias.fill_(float("nan"))
    batches = iter([(torch.zeros(2, 3, dtype=torch.long), torch.zeros(2, 1, dtype=torch.long))])
    with pytest.raises(ParameterError, match="not a finite number; lower lr"):
        transformer.fit(model, batches, 1, 0.01)


def test_chances_of_answers_add_up_and_samples_follow_them():
    model, start = small(), torch.tensor([[1, 2]])
    pairs = torch.cartesian_prod(torch.arange(12), torch.arange(12))
    told = transformer.log_chance(model, start.expand(144, -1), pairs).sum(1).exp()
    assert told.sum().item() == pytest.approx(1, abs=1e-5)
    many = transformer.sample(model, start.expand(20_000, -1), 2, torch.Generator().manual_seed(0))
    seen = torch.bincount(many[:, 0] * 12 + many[:, 1], minlength=144) / 20_000
    assert (seen - told).abs().max() < 0.02


def test_the_mode_is_learned_and_holds_at_twice_the_length():
    model = lengths.train("mode", Lengths(longest=4, steps=250, batch=32), seed=3)
    rng = np.random.default_rng(0)
    assert lengths.accuracy(model, "mode", 4, 200, rng) > 0.8
    assert lengths.accuracy(model, "mode", 8, 200, rng) > 0.6  # a guess is right in a fifth


def test_the_interpolator_fits_short_inputs_and_ignores_new_places():
    weights = by_hand.least_degree(by_hand.majority, 3)
    assert weights == {(0,): 0.5, (1,): 0.5, (2,): 0.5, (0, 1, 2): -0.5}
    x = np.array([[1, -1, -1, 1, 1], [1, 1, -1, -1, -1], [1, 1, 1, -1, -1]])
    assert by_hand.evaluate(weights, x).tolist() == [-1, 1, 1]
    assert by_hand.disagreement(3, 5) == 3 / 16 and by_hand.disagreement(3, 3) == 0
    # the same polynomial by least squares over all of degree three or less
    inputs = np.array(np.meshgrid(*[[1, -1]] * 3)).reshape(3, -1).T
    columns = np.stack([inputs[:, list(s)].prod(1) for s in weights], 1)
    solved = np.linalg.lstsq(columns, np.sign(inputs.sum(1)), rcond=None)[0]
    assert solved == pytest.approx(list(weights.values()))


def test_first_places_are_right_as_long_as_nothing_is_new():
    rng = np.random.default_rng(0)
    assert by_hand.first_places(rng, 300, 6, 6) == 1
    assert 0.2 < by_hand.first_places(rng, 300, 12, 6) < 0.95


def test_a_gradient_by_hand():
    assert by_hand.pull(0.1) == pytest.approx(0.09)
    assert rewards.deviation(np.array([0.1]))[0] ** 2 == pytest.approx(by_hand.pull(0.1))
    eps, logit = 1e-6, np.log(0.3 / 0.7)
    slope = (1 / (1 + np.exp(-logit - eps)) - 0.3) / eps
    assert by_hand.pull(0.3) == pytest.approx(slope, abs=1e-5)
    # with small steps their number is the integral of 1 / (p (1 - p))^2 over p
    p = np.linspace(0.01, 0.9, 100_001)
    exact = np.trapezoid(1 / (p * (1 - p)) ** 2, p)
    assert by_hand.steps_to(0.01, rate=0.05) * 0.05 == pytest.approx(exact, rel=0.01)


def untrained():
    return transformer.build(5, rewards.TOKENS, width=8)


def test_norms_of_gradients_are_those_of_differences():
    model = untrained()
    prompts, most, _ = rewards.draw(np.random.default_rng(0), 2, 5)
    wanted = rewards.following(most)
    norms = rewards.gradient_norms(model, prompts, wanted, taught=False)
    told = rewards.chances(model, prompts).gather(1, wanted)[:, 0]
    assert norms / told.detach().numpy() == pytest.approx(
        rewards.gradient_norms(model, prompts, wanted, taught=True), rel=1e-3
    )
    # a step along the gradient of the first raises its chance by the step times the squared norm
    weights, step = [p for p in model.parameters() if p.requires_grad], 1e-3
    gradient = torch.autograd.grad(told[0], weights)
    moved = copy.deepcopy(model)
    with torch.no_grad():
        for w, g in zip((p for p in moved.parameters() if p.requires_grad), gradient, strict=True):
            w.add_(step * g)
        rise = rewards.chances(moved, prompts).gather(1, wanted)[0, 0] - told[0]
    assert rise.item() == pytest.approx(step * norms[0] ** 2, rel=0.05)


def test_the_next_symbol_follows_the_last_too():
    first, last = tasks.FIRST, tasks.FIRST + tasks.KINDS - 1
    assert rewards.following(torch.tensor([first, last])).tolist() == [first + 1, first]


def test_rewards_raise_what_earns_them_and_leave_what_never_does():
    prompts, most, styles = rewards.draw(np.random.default_rng(1), 20, 5, style=2)
    assert set(styles) == {2} and (prompts[:, 1] == rewards.STYLE + 2).all()
    wanted, curves = rewards.following(most), []
    for taught in (True, False):
        model = untrained()
        if taught:
            rewards.teach(model, prompts, wanted, 20, 0.1)
        by = torch.Generator().manual_seed(0)
        curves.append(rewards.reinforce(model, prompts, wanted, 40, 0.2, 4, by))
    # a lesson alone raises the reward; rewards then raise it, and hardly move what has none
    assert curves[0][0] > 5 * curves[1][0] and curves[0][-1] > 2 * curves[0][0]
    assert curves[1][-1] < 2 * curves[1][0]
    assert all(len(c) == 41 for c in curves)


@pytest.mark.parametrize(
    ("given", "told"), [([1.0, np.nan], "not a finite number"), ([2.0, 2.0], "without variance")]
)
def test_rewards_that_say_nothing_are_refused(given, told):
    with pytest.raises(ParameterError, match=told):
        rewards.checked(np.array(given))


def test_wordings_are_read_as_they_are_written():
    classes, forms = np.divmod(np.arange(meanings.CLASSES * meanings.FORMS), meanings.FORMS)
    words = meanings.wording(classes, forms)
    assert meanings.meaning(words).tolist() == classes.tolist()
    assert len({tuple(w) for w in words}) == len(words)
    swapped = words.copy()
    swapped[:, 0] = meanings.NOTHING
    assert (meanings.meaning(swapped) == -1).all()


def test_conclusions_by_hand():
    steps = np.array([[0, 1, 1, 2, 1], [2, 0, 0, 2, 1], [1, 0, 2, 1, 0]])
    assert meanings.concluded(steps).tolist() == [1, 2, 1]


def test_chances_of_meanings_are_those_of_their_wordings():
    model = transformer.build(1, meanings.TOKENS, width=8)
    x, true = meanings.questions(np.random.default_rng(0), 3, 6)
    assert true.sum(1) == pytest.approx(1) and true[:, 0] == pytest.approx((x == 0).mean(1))
    found = meanings.spread_of(model, meanings.prompt(x))
    for c in range(meanings.CLASSES):
        total = np.zeros(3)
        for form, lead in enumerate(meanings.LEADS):
            words = meanings.wording(np.array([c]), np.array([form]))[:, : len(lead) + 1]
            told = torch.as_tensor(words).expand(3, -1)
            with torch.no_grad():
                logs = transformer.log_chance(model, meanings.prompt(x), told)
            total += logs.sum(1).exp().numpy()
        assert found[:, c] == pytest.approx(total, rel=1e-4)


def test_steps_are_averaged_over_by_their_chance(monkeypatch):
    monkeypatch.setattr(meanings, "STEPS", 2)
    model = transformer.build(2, meanings.TOKENS, width=8)
    x, _ = meanings.questions(np.random.default_rng(0), 1, 4)
    start = meanings.prompt(x)
    start[0, -1] = meanings.REASON
    total = np.zeros(meanings.CLASSES)
    for a in range(meanings.CLASSES):
        for b in range(meanings.CLASSES):
            steps = np.array([[a, b]])
            with torch.no_grad():
                chance = transformer.log_chance(
                    model, start, torch.as_tensor(meanings.SYMBOL + steps)
                )
            said = meanings.spread_of(model, meanings.prompt(x, steps))[0]
            total += float(chance.sum().exp()) * said
    assert meanings.after_steps(model, x)[0] == pytest.approx(total, rel=1e-4)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CACHE", "OBSERVATIONS"):
            patch.setenv(f"NBCORE_{name}", str(tmp_path_factory.mktemp(name)))
        found = study.load(SequencesAndRewards.resolve("smoke"))
        yield found, observe.record(found, "smoke")


def test_every_check_is_observed_and_nothing_small_is_the_papers(tiny):
    _, seen = tiny
    assert sorted(seen) == ["C1", "C16", "C3"]
    for key, observation in seen.items():
        assert observation.setup == "reduced"
        assert set(observation.observed) == {c.name for c in claims.get(key).checks}


def test_every_figure_has_a_title_and_words(tiny):
    found, _ = tiny
    for name in ("by_length", "interpolator", "gradients", "tuning", "calibration"):
        told = getattr(figures, name)(found).to_dict()
        assert told["title"]["text"] and len(told["description"]) > 60
    assert len(figures.programs()) == len(tasks.TASKS)
    assert figures.confidence(found)["error"].between(0, 1).all()


def test_planted_numbers_are_found(tiny):
    """What is observed follows the tables: perfect accuracies, and a sure but wrong model."""
    found, _ = tiny
    assert found.at("counting", 2.0).shape == (3,)
    twin = study.Study(found.config, dict(found.runs))
    twin.__dict__["answers"] = lambda way: (np.full((3, 50), 0.9), np.full((3, 50), 0.6))
    assert twin.calibration(meanings.BASE) == pytest.approx(0.3, abs=1e-3)


@pytest.mark.parametrize("name", exercises.EXERCISES)
def test_exercises_are_solved(name):
    answers = {"sequences-majority": 0.1875, "sequences-gradient": 0.0784, "sequences-steps": 0.684}
    exercise = exercises.EXERCISES[name]
    assert exercise.truth() == pytest.approx(answers[name], abs=exercise.tolerance(0))
