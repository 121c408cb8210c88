"""The matchers: equal to their definitions, whatever the matrix, its dtype and its layout."""

import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import refkernels
from refkernels import matcher as matcher_module
from refkernels.definition import matcher as definition
from refkernels.matcher import (
    BipartiteMatcher,
    CompositeMatcher,
    Matcher,
    MaximumMatcher,
    ThresholdMatcher,
)

DTYPES = [np.float16, np.float32, np.float64]

# Few distinct values make many exact ties.
VALUES = st.sampled_from([2, 3, 5, 64])
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "threshold": st.sampled_from([0.0, 0.5, 1 / 3, 0.4, -0.5, 2.0, 1e6, -1e6]),
        "eps": st.sampled_from([0.0, 1 / 3, 0.25, 3e-4, 1e6]),
        "is_ascend": st.booleans(),
        "share_max": st.booleans(),
    },
)


@st.composite
def matrices(draw, longest=9):
    shape = draw(st.lists(st.integers(0, 3), max_size=2))
    shape += [draw(st.integers(0, longest)), draw(st.integers(0, longest))]
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    distinct = draw(VALUES)
    x = rng.integers(draw(st.sampled_from([0, -distinct])), distinct + 1, shape) / distinct
    kind = draw(st.sampled_from(["ties", "zero columns", "zero rows", "same order", "sorted"]))
    if kind == "zero columns":
        x = x * rng.integers(0, 2, (x.shape[-1],))
    elif kind == "zero rows":
        x = x * rng.integers(0, 2, (x.shape[-2], 1))
    elif kind == "same order":
        x = np.repeat(x[..., :1], x.shape[-1], axis=-1)
    elif kind == "sorted":
        x = np.sort(x, -2)
    return x.astype(draw(st.sampled_from(DTYPES)))


@given(matrices(), OPTIONS)
def test_bipartite_is_what_its_definition_says(x, options):
    matches = BipartiteMatcher(**options)(x)
    assert matches.dtype == np.int64
    assert matches.shape == x.shape[:-1]
    assert matches.tolist() == definition.BipartiteMatcher(x, **options).tolist()


@given(matrices(longest=40), OPTIONS)
@settings(max_examples=20)
def test_bipartite_is_what_its_definition_says_beyond_a_block_and_a_queue(x, options):
    x = x[(0,) * (x.ndim - 2)] if x.size else x
    assert (
        BipartiteMatcher(**options)(x).tolist()
        == definition.BipartiteMatcher(x, **options).tolist()
    )


@given(matrices(), st.sampled_from([0.0, 0.5, 1 / 3, 0.4, -1e6, 1e6]))
def test_maximum_is_what_its_definition_says(x, threshold):
    matches = MaximumMatcher(threshold)(x)
    assert matches.dtype == np.int64
    assert matches.tolist() == definition.MaximumMatcher(x, threshold=threshold).tolist()


@given(matrices(), OPTIONS, st.sampled_from([0.0, 0.4]))
def test_composite_is_what_its_definition_says(x, options, threshold):
    matches = CompositeMatcher([BipartiteMatcher(**options), MaximumMatcher(threshold)])(x)
    expected = definition.CompositeMatcher(
        x,
        matchers=[
            lambda x: definition.BipartiteMatcher(x, **options),
            lambda x: definition.MaximumMatcher(x, threshold=threshold),
        ],
    )
    assert matches.dtype == np.int64
    assert matches.tolist() == expected.tolist()


@given(matrices(), OPTIONS)
def test_ascending_is_the_exact_mirror(x, options):
    options = {"threshold": 0.25, **options}
    down = {**options, "is_ascend": False}
    up = {**options, "is_ascend": True, "threshold": -options["threshold"]}
    assert BipartiteMatcher(**down)(x).tolist() == BipartiteMatcher(**up)(-x).tolist()


@given(matrices(longest=9).filter(lambda x: x.size > 0), OPTIONS)
def test_every_match_is_a_pair_that_exceeds_the_threshold(x, options):
    options = {**options, "is_ascend": False}
    matches = BipartiteMatcher(**options)(x)
    assert ((matches >= -1) & (matches < x.shape[-1])).all()
    with np.errstate(over="ignore"):
        threshold = x.dtype.type(options.get("threshold", 1e-12))
    chosen = np.take_along_axis(x, np.maximum(matches, 0)[..., None], -1)[..., 0]
    assert (chosen > threshold)[matches >= 0].all()


def matched_by_sorting(x, share_max):
    """Match one matrix of positive numbers, without eps, by sorting all of it."""
    matches = np.full(x.shape[0], -1)
    columns = set()
    for place in np.argsort(-x, axis=None, kind="stable").tolist():
        r, c = divmod(place, x.shape[1])
        if matches[r] < 0 and c not in columns:
            matches[r] = c
            columns.add(c)
    own, good = x.argmax(1), x >= x.max(0)
    shares = good.any(1) if share_max else np.take_along_axis(good, own[:, None], 1)[:, 0]
    return np.where((matches < 0) & shares, own, matches)


@pytest.mark.parametrize("shape", [(1500, 20), (20, 900), (90, 90), (2000, 3), (1, 700)])
@pytest.mark.parametrize("kind", ["random", "ascending", "descending", "equal", "few values"])
def test_large_matrices_whose_columns_want_the_same_rows(kind, shape):
    count, columns = shape
    # But for the random ones, all columns have the same order, so that at every step all of those
    # that are left lose their row.
    x = {
        "random": np.random.default_rng(0).permutation(count * columns).reshape(shape) + 1.0,
        "ascending": np.repeat(np.arange(1.0, count + 1)[:, None], columns, axis=1),
        "descending": np.repeat(np.arange(1.0, count + 1)[::-1, None], columns, axis=1),
        "equal": np.ones(shape),
        "few values": np.repeat((np.arange(count) % 7 + 1.0)[:, None], columns, axis=1),
    }[kind]
    for share_max in (False, True):
        matches = BipartiteMatcher(eps=0, share_max=share_max)(x)
        assert np.array_equal(matches, matched_by_sorting(x, share_max))
        mirrored = BipartiteMatcher(threshold=0, eps=0, share_max=share_max, is_ascend=True)(-x)
        assert np.array_equal(matches, mirrored)


def test_columns_of_padding_match_nothing():
    ious = refkernels.BBoxBatchIOU()(
        [[0, 0, 2, 2], [1, 1, 3, 3], [9, 9, 9, 9.0]], [[0, 0, 2, 2], [-1, -1, -1, -1], [0, 0, 0, 0]]
    )
    assert BipartiteMatcher()(ious).tolist() == [0, -1, -1]
    assert BipartiteMatcher()(ious * 0).tolist() == [-1, -1, -1]


@pytest.mark.parametrize("dtype", DTYPES)
def test_thresholds_are_strict_or_not_exactly_as_written(dtype):
    x = np.array([[0.7], [0.3]], dtype)
    assert BipartiteMatcher(threshold=0.7)(x).tolist() == [-1, -1]
    assert BipartiteMatcher(threshold=0.3)(x).tolist() == [0, -1]
    assert BipartiteMatcher(threshold=0.3, is_ascend=True)(x).tolist() == [-1, -1]
    assert MaximumMatcher(0.7)(x).tolist() == [0, -1]


def test_float16_sums_are_rounded_to_float16():
    x = np.array([[0.5 + 2**-11], [0.5]], np.float16)
    assert BipartiteMatcher(eps=3e-4)(x).tolist() == [0, 0]
    assert BipartiteMatcher(eps=3e-4)(x.astype(np.float32)).tolist() == [0, -1]
    assert BipartiteMatcher(eps=3e-4, threshold=1, is_ascend=True)(
        np.array([[0.5], [0.5 + 2**-11]], np.float16)
    ).tolist() == [0, 0]


def test_integers_and_bools_are_matched_as_float64():
    assert BipartiteMatcher()(np.array([[0, 3], [2, 0]], np.uint8)).tolist() == [1, 0]
    assert MaximumMatcher(1)([[True, False], [False, False]]).tolist() == [0, -1]


@pytest.mark.parametrize(
    "matcher",
    [
        BipartiteMatcher(),
        BipartiteMatcher(is_ascend=True, threshold=0.5),
        MaximumMatcher(0.5),
        CompositeMatcher([BipartiteMatcher(), MaximumMatcher(0.5)]),
    ],
    ids=["bipartite", "ascending", "maximum", "composite"],
)
class TestEveryMatcher:
    @pytest.mark.parametrize("dtype", DTYPES)
    def test_the_layout_makes_no_difference_and_the_input_stays_as_it_is(self, matcher, dtype):
        x = (np.random.default_rng(1).integers(0, 5, (2, 30, 7)) / 5).astype(dtype)
        expected = matcher(x)
        read_only = x.copy()
        read_only.flags.writeable = False
        layouts = [
            read_only,
            np.asfortranarray(x),
            np.repeat(x, 2, axis=1)[:, ::2],
            x[:, ::-1, ::-1].copy()[:, ::-1, ::-1],
            np.moveaxis(np.moveaxis(x, 0, -1).copy(), -1, 0),
            x.astype(x.dtype.newbyteorder(">")),
            np.broadcast_to(x, (1, 2, 30, 7))[0],
        ]
        for layout in layouts:
            before = layout.copy()
            assert np.array_equal(matcher(layout), expected)
            assert np.array_equal(layout, before)

    def test_an_image_has_the_same_matches_alone_and_in_a_batch(self, matcher):
        x = np.random.default_rng(2).integers(0, 4, (3, 2, 20, 5)) / 4
        batch = matcher(x)
        assert batch.shape == (3, 2, 20)
        for index in np.ndindex(3, 2):
            assert np.array_equal(matcher(x[index]), batch[index])

    @pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0), (0, 2, 3), (2, 0, 3), (2, 3, 0)])
    def test_nothing_to_match_leaves_every_row_unmatched(self, matcher, shape):
        matches = matcher(np.zeros(shape, np.float32))
        assert matches.dtype == np.int64
        assert matches.shape == shape[:-1]
        assert (matches == -1).all()

    def test_threads_get_what_one_thread_gets(self, matcher):
        rng = np.random.default_rng(3)
        images = [rng.integers(0, 9, (200, 10)) / 9 for _ in range(24)]
        expected = [matcher(x).tolist() for x in images]
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda x: matcher(x).tolist(), images))
        assert found == expected

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_what_is_not_finite_is_named_with_its_place(self, matcher, bad):
        x = np.zeros((2, 20, 4), np.float32)
        x[0, 17, 3] = bad
        with pytest.raises(ValueError, match=rf"^x\[0, 17, 3\] is {bad}, expected finite numbers$"):
            matcher(x)

    @pytest.mark.parametrize("x", [3.0, [1.0, 2.0], np.zeros(())])
    def test_fewer_than_two_axes_are_an_error(self, matcher, x):
        with pytest.raises(ValueError, match=r"^x: expected at least 2 axes, got shape \("):
            matcher(x)

    @pytest.mark.parametrize("x", [[["a"]], [[None]], [[1j]], np.zeros((2, 2), object)])
    def test_what_is_not_real_is_an_error_that_names_the_dtype(self, matcher, x):
        with pytest.raises(TypeError, match=r"^x: expected float16, .* or integers, got dtype "):
            matcher(x)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("build", [MaximumMatcher, BipartiteMatcher])
def test_a_threshold_is_finite(build, bad):
    with pytest.raises(ValueError, match=rf"^threshold is {bad}, expected a finite number$"):
        build(threshold=bad)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"threshold": "0.5"}, TypeError, "threshold: expected a real number, got '0.5'"),
        ({"threshold": None}, TypeError, "threshold: expected a real number, got None"),
        ({"eps": -1e-9}, ValueError, "eps: expected a number of at least 0, got -1e-09"),
        ({"eps": np.nan}, ValueError, "eps is nan, expected a finite number"),
        ({"eps": np.inf}, ValueError, "eps is inf, expected a finite number"),
        ({"is_ascend": 1}, TypeError, "is_ascend: expected True or False, got 1"),
        ({"share_max": None}, TypeError, "share_max: expected True or False, got None"),
    ],
)
def test_a_bad_parameter_is_an_error_that_names_it(options, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        BipartiteMatcher(**options)


def test_a_composite_needs_matchers():
    with pytest.raises(ValueError, match=r"^matchers: expected at least one matcher, got none$"):
        CompositeMatcher([])
    with pytest.raises(TypeError, match=r"^matchers\[1\]: expected a Matcher, got 0.5$"):
        CompositeMatcher([MaximumMatcher(0.5), 0.5])
    with pytest.raises(TypeError, match=r"^matchers\[0\]: expected a Matcher, got <class "):
        CompositeMatcher([MaximumMatcher])
    with pytest.raises(TypeError, match=r"^matchers: expected a list of matchers, got MaximumM"):
        CompositeMatcher(MaximumMatcher(0.5))


class Fixed(Matcher):
    """A matcher of one's own that says the same whatever it gets."""

    def __init__(self, matches):
        self.matches = matches

    def __call__(self, x):
        return self.matches


def test_matchers_of_ones_own_and_composites_go_into_a_composite():
    inner = CompositeMatcher([Fixed([-1, 1.0, -1]), Fixed(np.array([-1, 0, 1], np.int8))])
    assert CompositeMatcher([inner, MaximumMatcher(0.5)])([[0, 1], [1, 0], [1, 0]]).tolist() == [
        1,
        1,
        1,
    ]


@pytest.mark.parametrize(
    ("matches", "message"),
    [
        ([0, 1], r"matchers\[0\]\(x\): expected matches of shape \(3,\), got \(2,\)"),
        ([0, 2, 0], r"matchers\[0\]\(x\): expected matches from -2 to 1"),
        ([0, -3, 0], r"matchers\[0\]\(x\): expected matches from -2 to 1"),
        ([0, 0.5, 0], r"matchers\[0\]\(x\)\[1\] is 0.5, expected whole numbers"),
    ],
)
def test_a_matcher_of_ones_own_that_returns_no_matches_is_an_error(matches, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        CompositeMatcher([Fixed(matches)])(np.zeros((3, 2)))


def test_what_is_neither_is_left_to_the_next_matcher_and_stays_if_none_matches_it():
    x = np.array([[0.0, 0.5], [0.4, 0.0], [0.0, 0.1], [0.8, 0.0]])
    neither = ThresholdMatcher(0.7, 0.3)
    assert neither(x).tolist() == [-2, -2, -1, 0]
    both = [neither, MaximumMatcher(0.45)]
    assert CompositeMatcher(both)(x).tolist() == [1, -2, -1, 0]
    assert CompositeMatcher(both[::-1])(x).tolist() == [1, -2, -1, 0]


def test_a_matcher_without_a_call_cannot_be_built():
    class Nothing(Matcher):
        pass

    with pytest.raises(TypeError, match="abstract"):
        Nothing()


def test_matchers_are_values():
    assert BipartiteMatcher() == BipartiteMatcher(threshold=1e-12, share_max=True)
    assert CompositeMatcher([MaximumMatcher(0.5)]) == CompositeMatcher((MaximumMatcher(0.5),))
    assert len({MaximumMatcher(0.5), MaximumMatcher(0.5), MaximumMatcher(0.4)}) == 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("matcher", [BipartiteMatcher(), MaximumMatcher(0.5)])
def test_matching_copies_no_matrix(matcher, dtype):
    x = np.random.default_rng(4).random((1000, 50)).astype(dtype)
    matcher(x)
    tracemalloc.start()
    matcher(x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < x.nbytes / 2


def test_warmup_compiles_every_kernel():
    matcher_module.warmup()
