"""The matcher blocks decide exactly as the operators do."""

from typing import Any

import mxnet as mx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import refkernels
from refkernels import gluon

# Scores in eighths: many exact ties, and every dtype holds them.
EIGHTHS = np.arange(9) / 8


@st.composite
def scores(draw: st.DrawFn) -> np.ndarray[Any, Any]:
    lead = draw(st.sampled_from([(), (1,), (3,), (2, 2)]))
    shape = (*lead, draw(st.integers(1, 12)), draw(st.integers(1, 9)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = rng.choice(EIGHTHS[: draw(st.integers(1, 9))], shape)
    if draw(st.booleans()):
        x = x + rng.integers(-2, 3, shape) * 2.0**-11  # neighbours in float16 around a half
    x[rng.random(shape) < draw(st.sampled_from([0, 0.3, 0.9]))] = 0
    return x.astype(draw(st.sampled_from(["float16", "float32", "float64"])))


BIPARTITE = [
    {},
    {"share_max": False},
    {"eps": 0.1, "threshold": 0.3},
    {"eps": 2.0**-11, "threshold": 0.5, "share_max": False},
    {"is_ascend": True, "threshold": 0.5},
    {"is_ascend": True, "threshold": 1e6, "eps": 0.01, "share_max": False},
    {"threshold": -1.0},
    {"eps": 0.0},
]


def matchers() -> list[tuple[Any, Any]]:
    """Return blocks with the operators of the same meaning."""
    pairs: list[tuple[Any, Any]] = [
        (gluon.BipartiteMatcher(**parameters), refkernels.BipartiteMatcher(**parameters))
        for parameters in BIPARTITE
    ]
    pairs += [
        (gluon.MaximumMatcher(threshold), refkernels.MaximumMatcher(threshold))
        for threshold in (0.0, 0.5, 0.7, -1.0, 1e6)
    ]
    blocks, operators = zip(pairs[1], pairs[9], strict=True)
    return [*pairs, (gluon.CompositeMatcher(blocks), refkernels.CompositeMatcher(operators))]


@pytest.fixture(scope="module")
def pairs(run: Any) -> list[tuple[Any, Any]]:
    return matchers()


@given(x=scores(), which=st.integers(0, len(BIPARTITE) + 5))
def test_a_matcher_decides_as_the_operator_does(
    run: Any, pairs: list[tuple[Any, Any]], x: Any, which: int
) -> None:
    block, operator = pairs[which]
    matches = run(block, x)
    assert matches.dtype == np.float32
    assert matches.shape == x.shape[:-1]
    np.testing.assert_array_equal(matches, operator(x))


def test_the_greedy_step_takes_the_lowest_row_then_the_lowest_column(run: Any, dtype: Any) -> None:
    ties = np.full((2, 30, 3), 0.5, dtype)
    matches = run(gluon.BipartiteMatcher(share_max=False, eps=0), ties)
    # Each of the first three rows takes one column; all others share their own first argmax.
    np.testing.assert_array_equal(matches[0], [0, 1, 2, *[0] * 27])
    np.testing.assert_array_equal(matches[1], matches[0])


def test_a_row_shares_by_its_own_argmax(run: Any, dtype: Any) -> None:
    x = np.array([[0.5, 0.75], [0.75, 0.5], [0.25, 0.75], [0.875, 0.75]], dtype)
    # (3, 0) is matched, then (0, 1). Row 1 holds no column's best, row 2 that of column 1, its own.
    np.testing.assert_array_equal(run(gluon.BipartiteMatcher(), x), [1, -1, 1, 0])
    x[1] = [0.8125, 0.75]  # now row 1 holds the best of column 1, though its own argmax is 0
    np.testing.assert_array_equal(run(gluon.BipartiteMatcher(), x), [1, 0, 1, 0])
    np.testing.assert_array_equal(run(gluon.BipartiteMatcher(share_max=False), x), [1, -1, 1, 0])


@pytest.mark.parametrize("padding", [0.0, -1.0])
def test_padded_columns_are_never_matched(run: Any, dtype: Any, padding: float) -> None:
    x = np.zeros((2, 40, 5), dtype)
    x[:, :, :2] = np.random.default_rng(0).random((2, 40, 2))
    x[:, :, 2:] = padding
    x[1] = padding  # an image without objects
    for parameters in BIPARTITE[:4]:
        matches = run(gluon.BipartiteMatcher(**parameters), x)
        assert matches.max() <= 1
        np.testing.assert_array_equal(matches[1], -1)
        np.testing.assert_array_equal(matches, refkernels.BipartiteMatcher(**parameters)(x))


def test_indices_past_2048_survive_float16(run: Any) -> None:
    x = np.zeros((2, 3000), np.float16)
    x[0, 2049] = x[1, 2999] = 1
    for block in (gluon.BipartiteMatcher(), gluon.MaximumMatcher(0.5)):
        np.testing.assert_array_equal(run(block, x), [2049, 2999])


def test_a_float16_matrix_of_90000_pairs_is_matched_exactly(run: Any) -> None:
    x = np.random.default_rng(0).random((300, 300)).astype(np.float16)
    for parameters in BIPARTITE[:6]:
        matches = run(gluon.BipartiteMatcher(**parameters), x)
        np.testing.assert_array_equal(matches, refkernels.BipartiteMatcher(**parameters)(x))


def test_parameters_are_rounded_once_to_the_dtype_of_the_scores(run: Any) -> None:
    # Just above the midpoint of the float16 numbers 0.5 and 0.50048828125, but float32 rounds it to
    # that midpoint, and from there it is a tie that goes to 0.5.
    value = 0.500244140625 + 2.0**-40
    x = np.array([[0.5], [0.50048828125]], np.float16)
    np.testing.assert_array_equal(run(gluon.MaximumMatcher(value), x), [-1, 0])
    np.testing.assert_array_equal(run(gluon.BipartiteMatcher(value), x), [-1, -1])
    third = np.array([[1 / 3]], np.float32)
    np.testing.assert_array_equal(run(gluon.MaximumMatcher(1 / 3), third), [0])
    np.testing.assert_array_equal(run(gluon.MaximumMatcher(1 / 3), third.astype(np.float64)), [0])
    np.testing.assert_array_equal(run(gluon.MaximumMatcher(1 / 3), np.array([[0.333]])), [-1])


@pytest.mark.parametrize("hybridise", [False, True])
def test_no_gradient_flows_through_a_matcher(assert_no_gradient: Any, hybridise: bool) -> None:
    for block, _ in matchers():
        block.hybridize(hybridise)
        assert_no_gradient(block, mx.nd.random.uniform(shape=(2, 20, 3)))


def test_the_first_matcher_that_matches_a_row_decides(run: Any, dtype: Any) -> None:
    x = np.array([[0.9, 0.8], [0.1, 0.6], [0.0, 0.3]], dtype)
    composite = gluon.CompositeMatcher([gluon.MaximumMatcher(0.85), gluon.BipartiteMatcher()])
    # Row 0 goes to column 0 by the first matcher. By the second, (0, 0) and then (1, 1) are pairs.
    np.testing.assert_array_equal(run(composite, x), [0, 1, -1])


def test_composites_nest(run: Any) -> None:
    x = np.random.default_rng(0).random((2, 9, 3)).astype(np.float32)
    inner = gluon.CompositeMatcher([gluon.MaximumMatcher(0.9)])
    nested = gluon.CompositeMatcher([inner, gluon.MaximumMatcher(0.5)])
    flat = gluon.CompositeMatcher([gluon.MaximumMatcher(0.9), gluon.MaximumMatcher(0.5)])
    np.testing.assert_array_equal(run(nested, x), run(flat, x))


def test_a_composite_takes_any_hybrid_block(run: Any) -> None:
    class FirstColumn(mx.gluon.HybridBlock):
        def hybrid_forward(self, F: Any, x: Any) -> Any:
            return F.slice_axis(x, axis=-1, begin=0, end=1).squeeze(axis=-1) - 1

    x = np.array([[1.0, 0.0], [0.0, 0.75]], np.float16)
    composite = gluon.CompositeMatcher([FirstColumn(), gluon.MaximumMatcher(0.5)])
    matches = run(composite, x)
    assert matches.dtype == np.float32
    np.testing.assert_array_equal(matches, [0, 1])


def test_an_empty_composite_is_an_error() -> None:
    with pytest.raises(ValueError, match="matchers: expected at least one matcher, got none"):
        gluon.CompositeMatcher([])


@pytest.mark.parametrize("wrong", [None, 3, "abc", gluon.MaximumMatcher(0.5)])
def test_a_composite_wants_a_list(wrong: Any) -> None:
    with pytest.raises(TypeError, match="matchers: expected a list of matchers, got"):
        gluon.CompositeMatcher(wrong)


@pytest.mark.parametrize("wrong", [None, "abc", refkernels.MaximumMatcher(0.5), mx.gluon.Block()])
def test_a_composite_wants_hybrid_blocks(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"matchers\[1\]: expected a HybridBlock that matches, got"):
        gluon.CompositeMatcher([gluon.MaximumMatcher(0.5), wrong])


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (
            lambda: gluon.BipartiteMatcher(threshold="a"),
            TypeError,
            "threshold: expected a real number",
        ),
        (lambda: gluon.BipartiteMatcher(np.nan), ValueError, "threshold is nan, expected a finite"),
        (lambda: gluon.BipartiteMatcher(eps=-1), ValueError, "eps: expected a number of at least"),
        (lambda: gluon.BipartiteMatcher(is_ascend=1), TypeError, "is_ascend: expected True or"),
        (lambda: gluon.BipartiteMatcher(share_max=None), TypeError, "share_max: expected True or"),
        (lambda: gluon.MaximumMatcher(np.inf), ValueError, "threshold is inf, expected a finite"),
    ],
)
def test_a_bad_parameter_is_named(build: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        build()
