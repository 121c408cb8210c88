"""What the definitions of the matchers say, by cases worked by hand."""

import numpy as np
import pytest

from refkernels.definition import matcher as definition


def bipartite(x, **options):
    return definition.BipartiteMatcher(np.array(x, np.float64), **options).tolist()


def maximum(x, threshold):
    return definition.MaximumMatcher(np.array(x, np.float64), threshold=threshold).tolist()


def test_the_largest_pair_goes_first_and_takes_its_row_and_column():
    # Row 0 holds both maxima; column 1 has to take the next best row that is left.
    assert bipartite([[0.9, 0.8], [0.1, 0.2], [0.3, 0.5]]) == [0, -1, 1]


def test_ties_go_to_the_lowest_row_then_to_the_lowest_column():
    half = 0.5
    assert bipartite([[half, half], [half, half]], share_max=False) == [0, 1]
    assert bipartite([[0, half], [half, 0]]) == [1, 0]
    # Pair (0, 1) precedes (1, 0) in row-major order, and leaves column 0 to row 1.
    assert bipartite([[0.4, half], [half, half]]) == [1, 0]


def test_only_what_exceeds_the_threshold_is_ever_matched():
    assert bipartite([[0.5], [0.5]], threshold=0.5) == [-1, -1]
    assert bipartite([[0.5], [0.25]], threshold=0.25) == [0, -1]
    assert bipartite([[0, 0], [0, 0]]) == [-1, -1]
    # Without the rule the second row would share its zeros with the padded column.
    assert bipartite([[0.5, 0], [0, 0]], share_max=True) == [0, -1]
    assert bipartite([[-3.0], [-1.0]], threshold=-2) == [-1, 0]


def test_a_row_shares_the_best_of_one_of_its_columns():
    # Row 2 ties with row 0 for column 0.
    assert bipartite([[0.5, 0.25], [0.25, 0.125], [0.5, 0.125]]) == [0, 1, 0]
    # Row 1 loses the tie for column 1, and is drawn in, to its own argmax, column 0, ...
    x = [[0.0, 0.5], [0.75, 0.5], [0.875, 0.0]]
    assert bipartite(x, share_max=True) == [1, 0, 0]
    # ... but not where its own argmax has to be a column's best.
    assert bipartite(x, share_max=False) == [1, -1, 0]


def test_eps_is_the_slack_of_sharing():
    x = [[0.5], [0.375], [0.25]]
    assert bipartite(x, eps=0) == [0, -1, -1]
    assert bipartite(x, eps=0.125) == [0, 0, -1]
    assert bipartite(x, eps=0.25, threshold=0.25) == [0, 0, -1]


def test_sums_with_eps_are_in_the_dtype_of_x():
    # 0.5 + 0.0003 is short of the next float16, but rounds to it.
    x = np.array([[0.5 + 2**-11], [0.5]])
    for dtype, expected in ((np.float16, 0), (np.float32, -1), (np.float64, -1)):
        assert definition.BipartiteMatcher(x.astype(dtype), eps=3e-4).tolist() == [0, expected]


def test_the_threshold_is_rounded_to_the_dtype_of_x():
    for dtype in (np.float16, np.float32):
        x = np.array([[0.7]], dtype)
        assert definition.BipartiteMatcher(x, threshold=0.7).tolist() == [-1]
        assert definition.MaximumMatcher(x, threshold=0.7).tolist() == [0]
    tiny = np.array([[6e-8]], np.float16)  # the default threshold is 0 in float16
    assert definition.BipartiteMatcher(tiny).tolist() == [0]


def test_ascending_is_the_mirror():
    x = np.array([[0.9, 0.8], [0.1, 0.2], [0.9, 0.5]])
    down = bipartite(x, threshold=0.15, eps=0.01)
    assert down == bipartite(-x, threshold=-0.15, eps=0.01, is_ascend=True)
    # Distances: row 1 takes column 0, row 0 the other, row 2 ties with row 1.
    assert bipartite([[4, 2], [1, 3], [1, 9]], threshold=5, is_ascend=True) == [1, 0, 0]
    assert bipartite([[5.0]], threshold=5, is_ascend=True) == [-1]
    assert bipartite([[1], [1.5]], threshold=5, is_ascend=True, eps=0.5) == [0, 0]
    assert bipartite([[1], [1.5]], threshold=5, is_ascend=True, eps=0.25) == [0, -1]


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0), (2, 0, 3), (2, 3, 0), (0, 3, 2)])
def test_nothing_to_match_leaves_every_row_unmatched(shape):
    for matches in (
        definition.BipartiteMatcher(np.zeros(shape)),
        definition.MaximumMatcher(np.zeros(shape), threshold=0),
    ):
        assert matches.shape == shape[:-1]
        assert matches.dtype == np.int64
        assert (matches == -1).all()


def test_matrices_of_a_batch_are_matched_one_by_one():
    x = np.array([[[0.9, 0.8], [0.1, 0.2]], [[0.0, 0.0], [0.0, 0.3]]])
    assert bipartite(x) == [[0, 1], [-1, 1]]
    assert bipartite(x[None]) == [[[0, 1], [-1, 1]]]


def test_maximum_takes_the_first_argmax_that_reaches_the_threshold():
    assert maximum([[0.2, 0.5], [0.4, 0.3], [0.7, 0.7]], 0.5) == [1, -1, 0]
    assert maximum([[-1.0, -2.0]], -1) == [0]


def test_composite_takes_the_first_that_matches():
    def first(x):
        return np.array([-1, 0, 1])

    def second(x):
        return np.array([1, 1, -1])

    x = np.zeros((3, 2))
    assert definition.CompositeMatcher(x, matchers=[first, second]).tolist() == [1, 0, 1]
    assert definition.CompositeMatcher(x, matchers=[second, first]).tolist() == [1, 1, 1]
