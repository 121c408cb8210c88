"""Why a matcher decides as it does, in one sentence with the numbers that decide."""

import numpy as np
import pytest

from refkernels import BipartiteMatcher, MaximumMatcher
from refkernels.explain.trace.matcher_words import why_matched
from refkernels.matcher import ThresholdMatcher

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


def test_who_shares_the_best_of_another_ground_truth_is_told_which() -> None:
    # Anchor 2 ties with anchor 1 for truth 1, which makes it free to take its own best, truth 0.
    ious = np.array([[0.75, 0.0], [0.0, 0.5], [0.625, 0.5]])
    assert why_matched(BipartiteMatcher(), ious, 2) == (
        "its IoU with ground truth 0, 0.625, is its own largest, and it is free to go there, since "
        "its IoU with ground truth 1, 0.5, comes up to the largest that this has, 0.5 of anchor 1"
    )


def test_what_is_left_within_eps_of_the_best_is_still_what_is_left() -> None:
    ious = np.array([[0.75, 0.6251], [0.0, 0.625]])
    assert why_matched(BipartiteMatcher(eps=0.01, share_max=False), ious, 1) == (
        "its IoU with ground truth 1, 0.625, is the largest that is left when closer pairs are "
        "served; anchor 0, which has 0.6251, has another match"
    )


@pytest.mark.parametrize(("anchor", "words"), [
    (0, "its distance with ground truth 0, 0.25, is the smallest that this has"),
    (1, "none of its distances is beyond 0.5"),
])  # fmt: skip
def test_a_matcher_of_distances_looks_for_the_smallest(anchor: int, words: str) -> None:
    matcher = BipartiteMatcher(0.5, is_ascend=True)
    assert why_matched(matcher, np.array([[0.25], [0.75]]), anchor) == words


def test_without_ground_truth_there_is_nothing_to_match() -> None:
    assert why_matched(MaximumMatcher(0.5), np.zeros((2, 0)), 1) == "there is no ground truth"


@pytest.mark.parametrize(
    ("matcher", "anchor", "words"),
    [
        (ThresholdMatcher(0.7, 0.65), 0,
         "its largest IoU, 0.75 with ground truth 0, reaches the threshold 0.7 by 0.05"),
        (ThresholdMatcher(0.7, 0.65), 1,
         "its largest IoU, 0.6875 with ground truth 0, misses the threshold 0.7 by 0.0125, and is "
         "not below the low threshold 0.65"),
        (ThresholdMatcher(0.7, 0.65), 3,
         "its largest IoU, 0.625 with ground truth 0, misses the threshold 0.7 by 0.075, and is "
         "below the low threshold 0.65"),
        (ThresholdMatcher(0.7), 3,
         "its largest IoU, 0.625 with ground truth 0, misses the threshold 0.7 by 0.075"),
        (ThresholdMatcher(0.7, low_quality="truth"), 1,
         "its IoU with ground truth 1, 0.5, is the largest that this has (low quality)"),
        (ThresholdMatcher(0.7, low_quality="own"), 1,
         "its IoU with ground truth 1, 0.5, is the largest that this has, and it goes to its own "
         "largest, ground truth 0 (low quality)"),
    ],
)  # fmt: skip
def test_a_threshold_matcher(matcher: ThresholdMatcher, anchor: int, words: str) -> None:
    assert why_matched(matcher, IOUS, anchor) == words
