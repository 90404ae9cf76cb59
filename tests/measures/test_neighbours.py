import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.neighbors import NearestNeighbors

from nbcore.measures import blocks, neighbours

RNG = np.random.default_rng(0)
BANK = RNG.normal(size=(400, 24)).astype(np.float32)
QUERIES = RNG.normal(size=(90, 24)).astype(np.float32)


@pytest.fixture(params=["torch", "faiss"])
def backend(request):
    pytest.importorskip(request.param)
    return request.param


@pytest.mark.parametrize("k", [1, 30, 400])
def test_neighbours_equal_scikit_learn(backend, k):
    found = neighbours.nearest(BANK, QUERIES, k, backend=backend)
    theirs = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(BANK.astype(float))
    wanted = theirs.kneighbors(QUERIES.astype(float), return_distance=False)
    assert found.dtype == np.int64 and found.shape == (90, k)
    # in float32 two distances may round to one and change places: the sets agree
    assert (found == wanted).mean() > 0.999
    assert (np.sort(found) == np.sort(wanted)).all()


def test_leaving_oneself_out_equals_scikit_learn(backend):
    found = neighbours.nearest(BANK, BANK, 10, exclude_self=True, backend=backend)
    theirs = NearestNeighbors(n_neighbors=10, algorithm="brute").fit(BANK.astype(float))
    assert (found == theirs.kneighbors(return_distance=False)).all()
    own = np.arange(len(BANK))
    assert not (found == own[:, None]).any()
    assert (neighbours.nearest(BANK, BANK, 1, backend=backend)[:, 0] == own).all()


# a coarse grid of whole numbers: distances are exact in float32 and many are equal
grid = hnp.arrays(
    np.float32, st.tuples(st.integers(2, 14), st.just(2)), elements=st.integers(0, 3).map(float)
)


@given(grid, st.data())
def test_the_k_smallest_distances_whatever_is_tied(bank, data):
    alone = data.draw(st.booleans())
    queries = bank if alone else data.draw(grid)
    k = data.draw(st.integers(1, len(bank) - alone))
    square = ((queries[:, None] - bank[None]) ** 2).sum(2)
    if alone:
        np.fill_diagonal(square, np.inf)
    for backend in neighbours.BACKENDS:
        found = neighbours.nearest(bank, queries, k, alone, backend)
        distances = np.take_along_axis(square, found, 1)
        np.testing.assert_array_equal(distances, np.sort(square, axis=1)[:, :k])
        assert all(len(set(row)) == k for row in found.tolist())


def test_duplicates_of_a_query_still_count(backend):
    bank = np.repeat(BANK[:20], 3, axis=0)
    found = neighbours.nearest(bank, bank, 2, exclude_self=True, backend=backend)
    own = np.arange(60)
    assert (found // 3 == own[:, None] // 3).all()  # its two copies
    assert not (found == own[:, None]).any()
    # more copies than neighbours asked for: whichever are found, oneself is not among them
    same = np.ones((50, 4), np.float32)
    crowd = neighbours.nearest(same, same, 5, exclude_self=True, backend=backend)
    assert crowd.shape == (50, 5)
    assert not (crowd == np.arange(50)[:, None]).any()
    assert all(len(set(row)) == 5 for row in crowd.tolist())


def brute_force(bank, queries, k, alone):
    """The k nearest in float64, from differences, and all squared distances."""
    bank, queries = (np.asarray(torch.as_tensor(a).double()) for a in (bank, queries))
    square = ((queries[:, None] - bank[None]) ** 2).sum(2)
    if alone:
        np.fill_diagonal(square, np.inf)
    return np.argsort(square, axis=1, kind="stable")[:, :k], square


def assert_nearest(found, bank, queries, k, alone=False):
    """The neighbours are a float64 brute force's, but for those equally far to its rounding."""
    wanted, square = brute_force(bank, queries, k, alone)
    norms = np.asarray(torch.as_tensor(bank).double() - torch.as_tensor(bank).double().mean(0))
    spread = (norms**2).sum(1).max()
    ours = np.sort(np.take_along_axis(square, found, 1), 1)
    theirs = np.take_along_axis(square, wanted, 1)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-14 * spread)
    assert all(len(set(row)) == k for row in found.tolist())


DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int32]


@given(
    st.sampled_from(DTYPES),
    st.sampled_from([0.0, 1.0, -1000.0, 3e4, 1e6]),
    st.sampled_from([1e-30, 1e-12, 1e-3, 1.0, 300.0, 1e6, 1e30]),
    st.integers(1, 12),
    st.sampled_from([1, 2, 24, 300]),
    st.booleans(),
    st.sampled_from(["torch", "faiss"]),
    st.integers(0, 2**16),
)
@settings(max_examples=300)
def test_neighbours_equal_a_float64_brute_force(dtype, offset, scale, k, d, alone, backend, seed):
    pytest.importorskip(backend)
    rng = np.random.default_rng(seed)
    exact = offset * min(scale, 1e3) + scale * rng.normal(size=(70, d))
    limit = torch.iinfo(dtype).max if dtype == torch.int32 else torch.finfo(dtype).max
    bank = torch.from_numpy(exact.clip(-limit / 2, limit / 2)).to(dtype)
    queries = bank if alone else bank[:20] + bank[20:40] // 2
    found = neighbours.nearest(bank, queries, k, alone, backend)
    assert_nearest(found, bank, queries, k, alone)


@pytest.mark.parametrize("dtype", DTYPES[:4])
@pytest.mark.parametrize(
    ("centres", "width"), [(1000.0, 1.0), (3e4, 200.0), (1e6, 1.0), (1.0, 1e-4)]
)
def test_tight_groups_far_apart_keep_their_neighbours(backend, dtype, centres, width):
    """A centre takes nothing from such data: float32 alone confuses them within a group."""
    rng = np.random.default_rng(1)
    group = rng.integers(0, 3, 300)
    exact = centres * (group[:, None] - 1.0) + width * rng.normal(size=(300, 40))
    bank = torch.from_numpy(exact.clip(-6e4, 6e4) if dtype == torch.float16 else exact).to(dtype)
    found = neighbours.nearest(bank, bank, 7, exclude_self=True, backend=backend)
    assert_nearest(found, bank, bank, 7, alone=True)


def test_one_far_example_does_not_cost_the_others_their_neighbours(backend):
    for far in (1e4, 1e8, 1e30):
        bank = np.vstack([BANK, np.full((1, 24), far, np.float32)])
        found = neighbours.nearest(bank, QUERIES, 5, backend=backend)
        assert (found == neighbours.nearest(BANK, QUERIES, 5, backend=backend)).mean() > 0.999
        assert_nearest(found, BANK, QUERIES, 5)
        odd = np.vstack([QUERIES, bank[-1:]])
        assert_nearest(neighbours.nearest(BANK, odd, 5, backend=backend)[:90], BANK, QUERIES, 5)


def test_large_half_precision_and_offset_embeddings_give_the_accuracy_of_exact_ones(backend):
    """Ten classes: squares beyond float16's 65,504, and float32 at an offset of 1,000."""
    rng = np.random.default_rng(2)
    labels = np.repeat(np.arange(10), 40)
    exact = 3 * rng.normal(size=(10, 64))[labels] + rng.normal(size=(400, 64))
    for shifted in (torch.from_numpy(60 * exact).half(), torch.from_numpy(exact + 1000).float()):
        found = neighbours.nearest(shifted, shifted, 5, exclude_self=True, backend=backend)
        assert (labels[found] == labels[:, None]).mean() == 1


@pytest.mark.parametrize("exclude_self", [False, True])
def test_the_block_size_bounds_memory_and_changes_nothing(monkeypatch, exclude_self):
    whole = neighbours.nearest(BANK, BANK, 30, exclude_self)
    sizes = []
    product = torch.addmm

    def watched(bias, block, bank, **options):
        out = product(bias, block, bank, **options)
        if out.dtype == torch.float32:  # not those few that are answered again
            sizes.append(out.numel() * out.element_size())
        return out

    monkeypatch.setattr(torch, "addmm", watched)
    monkeypatch.setattr(blocks, "ROWS", 1)
    for rows, parts in {1: 400, 7: 58, 400: 1, 10**6: 1}.items():
        sizes.clear()
        monkeypatch.setattr(blocks, "DISTANCE_BYTES", rows * 400 * 4)
        found = neighbours.nearest(BANK, BANK, 30, exclude_self)
        assert (np.sort(found) == np.sort(whole)).all()
        assert len(sizes) == parts and max(sizes) <= blocks.DISTANCE_BYTES
    monkeypatch.setattr(blocks, "DISTANCE_BYTES", 1)  # less than one row: row by row all the same
    assert (neighbours.nearest(BANK, BANK[:3], 30) == whole[:3]).all() or exclude_self


@pytest.mark.parametrize("rows", [13, 29, 399, 400])
def test_a_bank_that_is_centred_in_parts_gives_the_same_neighbours(monkeypatch, backend, rows):
    whole = np.sort(neighbours.nearest(BANK, BANK, 30, True, backend))
    monkeypatch.setattr(blocks, "COPY_BYTES", rows * 24 * 4)
    assert (np.sort(neighbours.nearest(BANK, BANK, 30, True, backend)) == whole).all()


def test_the_published_block_sizes_hold_less_than_the_promised_memory():
    """500 MB beyond bank and queries, for CIFAR-10's 50,000 images too: two copies of a block of
    distances, one and a half of a part of the bank, three of a part of the queries."""
    block = max(blocks.DISTANCE_BYTES, blocks.ROWS * 50_000 * 4)
    parts = (1.5 + 3 / neighbours.QUERIES) * blocks.COPY_BYTES
    assert 2 * block + parts <= 500e6


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU: its blocks are larger")
def test_a_gpu_finds_the_same():
    found = neighbours.nearest(torch.from_numpy(BANK).cuda(), torch.from_numpy(QUERIES).cuda(), 30)
    assert (found == neighbours.nearest(BANK, QUERIES, 30)).mean() > 0.999


def test_inputs_of_any_kind_are_left_as_they_were(backend):
    whole = np.arange(40).reshape(20, 2) ** 2  # integers, no two distances alike
    before = whole.copy()
    found = neighbours.nearest(whole, whole[:3], 4, backend=backend)
    assert (found == neighbours.nearest(torch.from_numpy(whole).float(), whole[:3], 4)).all()
    assert (neighbours.nearest(whole[::2], whole[::2], 1, backend=backend)[:, 0] == range(10)).all()
    assert (whole == before).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (dict(k=0), "k must be from 1 to 400, the size of the bank, not 0"),
        (dict(k=401), "k must be from 1 to 400"),
        (dict(k=400, queries=BANK, exclude_self=True), "k must be from 1 to 399"),
        (dict(exclude_self=True), "needs the bank itself as queries"),
        (dict(queries=QUERIES[:, :5]), "differ in dimension: 24 and 5"),
        (dict(bank=BANK[0]), r"bank must be \(example, feature\)"),
        (dict(queries=QUERIES[:0]), r"queries must be \(example, feature\)"),
        (dict(backend="annoy"), "torch, faiss, not 'annoy'"),
        (dict(bank=BANK.astype(complex)), "real numbers, not .* of complex128"),
        (
            dict(queries=QUERIES.astype(float) * 1e200),
            "lie .*e.200 apart, and squares of that are not finite",
        ),
    ],
)
def test_bad_arguments_are_one_sentence(change, words):
    case = dict(bank=BANK, queries=QUERIES, k=3) | change
    with pytest.raises(ValueError, match=words):
        neighbours.nearest(**case)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_embeddings_that_are_not_finite_are_counted(bad, backend):
    spoilt = BANK.copy()
    spoilt[[3, 3, 8], [0, 5, 1]] = bad
    with pytest.raises(ValueError, match="2 of 400 rows of the bank hold NaN or infinity"):
        neighbours.nearest(spoilt, QUERIES, 3, backend=backend)
    with pytest.raises(ValueError, match="2 of 400 rows of the queries"):
        neighbours.nearest(BANK, spoilt, 3, backend=backend)
