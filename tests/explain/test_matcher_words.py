"""Why a matcher decides as it does, in one sentence with the numbers that decide."""

import numpy as np
import pytest

from refkernels import BipartiteMatcher, MaximumMatcher
from refkernels.explain.matcher_words import why_matched

# Anchor 0 has truth 0's best, and anchor 2 the same; 1 comes near it, but gets truth 1 in round 2.
IOUS = np.array([[0.75, 0.0], [0.6875, 0.5], [0.75, 0.125], [0.625, 0.375]])


@pytest.mark.parametrize(
    ("anchor", "eps", "words"),
    [
        (0, 0, "its IoU with ground truth 0, 0.75, is the largest that this has"),
        (2, 0, "its IoU with ground truth 0, 0.75, is the largest that this has, as is that of "
         "anchor 0"),
        (3, 0.125, "its IoU with ground truth 0, 0.625, comes up to the largest that this has, "
         "0.75 of anchor 0, as the matcher's eps is 0.125"),
        (3, 0, "its largest IoU, 0.625 with ground truth 0, is not the largest that this has: that "
         "is 0.75, of anchor 0"),
    ],
)  # fmt: skip
def test_a_bipartite_matcher(anchor: int, eps: float, words: str) -> None:
    assert why_matched(BipartiteMatcher(eps=eps), IOUS, anchor) == words


def test_who_gets_what_is_left_is_told_whose_the_best_was() -> None:
    ious = np.array([[0.75, 0.625], [0.0, 0.25]])
    assert why_matched(BipartiteMatcher(), ious, 1) == (
        "its IoU with ground truth 1, 0.25, is the largest that is left when closer pairs are "
        "served; anchor 0, which has 0.625, has another match"
    )


def test_without_ground_truth_there_is_nothing_to_match() -> None:
    assert why_matched(MaximumMatcher(0.5), np.zeros((2, 0)), 1) == "there is no ground truth"
