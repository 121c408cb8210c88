"""Decisions of thresholds and of ATSS worked by hand, and what is said of them."""

import numpy as np
import pytest

from refkernels import BalancedSampler
from refkernels.assign.unguarded import UnguardedMatcher
from refkernels.explain import Fate, Stage, explain
from refkernels.matcher import (
    ATSSMatcher,
    CompositeMatcher,
    MaximumMatcher,
    ThresholdMatcher,
)
from tests.explain.worked import IOUS, stages


class TestThreshold:
    def test_two_thresholds_and_what_lies_between(self) -> None:
        trace = explain(ThresholdMatcher(0.625, 0.25), IOUS)
        assert trace.matches.tolist() == [0, -2, -1, -2, -1, -2]
        assert stages(trace) == [
            Stage.THRESHOLD,
            Stage.NEITHER,
            Stage.MISSED,
            Stage.NEITHER,
            Stage.NO_OVERLAP,
            Stage.NEITHER,
        ]
        assert trace.samples.tolist() == [1, 0, -1, 0, -1, 0]
        assert trace.anchors["margin"].tolist() == [0.125, -0.125, -0.5, -0.1875, -0.625, -0.25]
        assert trace.why(0) == (
            "Anchor 0 is matched with ground truth 0: its largest IoU, 0.75, reaches the threshold "
            "0.625 by 0.125. Its next is ground truth 1, with 0.125, 0.625 less."
        )
        assert trace.why(1) == (
            "Anchor 1 is neither matched nor negative: its largest IoU is 0.5, with ground truth "
            "0, which misses the threshold 0.625 by 0.125. It is not below the low threshold 0.25."
        )
        assert trace.why(2) == (
            "Anchor 2 is not matched: its largest IoU is 0.125, with ground truth 0, which misses "
            "the threshold 0.625 by 0.5. It is below the low threshold 0.25."
        )
        assert trace.why_truth(2) == "Ground truth 2 meets no anchor, so it has none."

    def test_low_quality_that_goes_to_an_anchors_own_largest(self) -> None:
        matcher = ThresholdMatcher.torchvision(0.625, 0.25, allow_low_quality_matches=True)
        trace = explain(matcher, IOUS)
        assert trace.matches.tolist() == [0, -2, -1, 0, -1, 1]
        assert trace.anchors["via"].tolist() == [-1, -1, -1, 1, -1, 1]
        assert trace.why(3) == (
            "Anchor 3 is matched with ground truth 0 by low quality: its IoU with ground truth 1, "
            "0.375, is the largest that this has with any anchor, and it goes to its own largest, "
            "0.4375, though it misses the threshold 0.625 by 0.1875. 1 other anchor has the same, "
            "and both are taken."
        )
        assert trace.why(5) == (
            "Anchor 5 is matched with ground truth 1 by low quality: its IoU, 0.375, is the "
            "largest that this has with any anchor, though it misses the threshold 0.625 by 0.25. "
            "1 other anchor has the same, and both are taken. It overlaps no other ground truth."
        )
        assert trace.why_not(3, 1) == (
            "Anchor 3 has IoU 0.375 with ground truth 1. The threshold matcher looks at its "
            "largest: ground truth 0, 0.4375. It has the largest of ground truth 1, for which low "
            "quality gives it its own largest. It is matched with ground truth 0 (low quality, IoU "
            "0.4375)."
        )
        assert trace.why_not(1, 0) == (
            "Anchor 1 has IoU 0.5 with ground truth 0. The threshold matcher's threshold 0.625 is "
            "missed by 0.125. For low quality, ground truth 0 has 0.25 more with anchor 0, 0.75."
        )
        assert trace.why_truth(0) == (
            "Ground truth 0 has 2 anchors: 1 by high threshold, 1 by low quality. Its best is "
            "anchor 0, with 0.75."
        )
        assert trace.why_truth(2) == (
            "Ground truth 2 meets no anchor, so it has none: low quality needs an IoU above 0."
        )

    def test_low_quality_that_goes_to_the_ground_truth(self) -> None:
        trace = explain(ThresholdMatcher.ssd(0.4375), IOUS)
        assert trace.matches.tolist() == [0, 0, -1, 1, -1, -1]
        assert trace.why(3) == (
            "Anchor 3 is matched with ground truth 1 by low quality: its IoU, 0.375, is the "
            "largest that this has with any anchor, though it misses the threshold 0.4375 by "
            "0.0625. 1 other anchor has the same: the lowest index wins. It overlaps ground truth "
            "0 more, 0.4375."
        )
        assert trace.why(5) == (
            "Anchor 5 is not matched: its largest IoU is 0.375, with ground truth 1, which misses "
            "the threshold 0.4375 by 0.0625. For low quality, anchor 3 has as much of ground truth "
            "1: the lowest index wins."
        )

    @pytest.mark.parametrize(("winner", "chosen"), [("last", 1), ("first", 0)])
    def test_one_anchor_that_is_the_best_of_two(self, winner: str, chosen: int) -> None:
        matcher = ThresholdMatcher(0.875, low_quality="truth", ties=False, winner=winner)
        trace = explain(matcher, [[0.5, 0.375], [0.25, 0.25]])
        assert trace.matches.tolist() == [chosen, -1]
        told = f"It is the best of ground truth {1 - chosen} too: the {winner} wins."
        assert told in trace.why(0)
        assert trace.why_not(0, 1 - chosen).startswith(
            f"Anchor 0 has IoU {(0.5, 0.375)[1 - chosen]} with ground truth {1 - chosen}."
        )
        assert f"and also of ground truth {chosen}: the {winner} wins." in trace.why_not(
            0, 1 - chosen
        )
        assert Fate(trace.truths["fate"][1 - chosen]) == Fate.LOST

    def test_a_least_quality(self) -> None:
        matcher = ThresholdMatcher.mmdet(0.875, 0.25, min_pos_iou=0.5)
        trace = explain(matcher, IOUS)
        assert trace.matches.tolist() == [0, -2, -1, -2, -1, -2]
        assert trace.why(5) == (
            "Anchor 5 is neither matched nor negative: its largest IoU is 0.375, with ground truth "
            "1, which misses the threshold 0.875 by 0.5. It is not below the low threshold 0.25. "
            "For low quality, it has the largest of ground truth 1, 0.375, but it would take at "
            "least 0.5."
        )
        assert trace.why_truth(1) == (
            "Ground truth 1 has no anchor. Its best is anchor 3, with 0.375, which reaches no "
            "threshold."
        )

    def test_without_the_guard_a_ground_truth_that_meets_nothing_gets_anchors(self) -> None:
        matcher = UnguardedMatcher(0.625, 0.25, low_quality="own")
        trace = explain(matcher, IOUS)
        np.testing.assert_array_equal(trace.matches, matcher(IOUS))
        assert trace.why(4) == (
            "Anchor 4 is matched with ground truth 0 by low quality: ground truth 2 overlaps "
            "nothing, and this matcher has no guard against that. 5 other anchors have the same, "
            "and all are taken. It overlaps no other ground truth."
        )
        truth = explain(UnguardedMatcher(0.625, low_quality="truth", ties=False), IOUS)
        assert truth.why_truth(2) == (
            "Ground truth 2 has 1 anchor: 1 by low quality. It overlaps no anchor."
        )

    def test_after_another_matcher(self) -> None:
        matcher = CompositeMatcher(
            [ThresholdMatcher(0.75, low_quality="truth"), MaximumMatcher(0.5)]
        )
        trace = explain(matcher, [[0.5, 0.625, 0.0], [0.25, 0.0, 0.0], [0.625, 0.0, 0.0]])
        assert trace.matches.tolist() == [1, -1, 0]
        # It would be truth 0's, by the second.
        assert trace.why_not(0, 1) == f"It is. {trace.why(0)}"
        assert trace.why(1) == (
            "Anchor 1 is not matched: its largest IoU is 0.25, with ground truth 0, which misses "
            "the threshold 0.5 by 0.25. For low quality, ground truth 0 has 0.375 more with anchor "
            "2, 0.625."
        )
        later = explain(
            CompositeMatcher([MaximumMatcher(0.5), ThresholdMatcher(0.75, low_quality="truth")]),
            [[0.5, 0.375]],
        )
        assert later.why_not(0, 1) == (
            "Anchor 0 has IoU 0.375 with ground truth 1. The maximum matcher looks at its largest "
            "alone: ground truth 0, 0.5. The threshold matcher looks at its largest: ground truth "
            "0, 0.5. It is matched with ground truth 0 (maximum, IoU 0.5)."
        )

    def test_a_balanced_sampler_leaves_out_by_lot(self) -> None:
        sampler = BalancedSampler(2, 0.5)
        trace = explain(ThresholdMatcher(0.5, 0.25), IOUS, sampler=sampler, rng=0)
        np.testing.assert_array_equal(trace.samples, sampler([1, 1, -1, 0, -1, 0], rng=0))
        left = np.flatnonzero(trace.anchors["stage"] == Stage.QUOTA)
        assert set(left) == set(np.flatnonzero(trace.samples == 0)) - {3, 5}
        assert trace.why(int(left[0])).endswith(" left it out by lot: it is ignored.")


DISTANCES = np.array([[1.0], [2.0], [5.0], [1.0], [9.0]])


class TestATSS:
    def test_candidates_and_their_threshold(self) -> None:
        # Candidates 0, 1 of the first level, 3 and 4 of the second: of 0.75, 0.25, 0.5 and 0.5 the
        # mean is 0.5, and the deviation the root of 0.125 / 3.
        given = {
            "ious": [[0.75], [0.25], [0.875], [0.5], [0.5]],
            "distances": DISTANCES,
            "inside": [[True], [True], [True], [True], [False]],
            "levels": [3, 2],
        }
        trace = explain(ATSSMatcher(topk=2), given)
        assert trace.matches.tolist() == [0, -1, -1, -1, -1]
        assert stages(trace) == [
            Stage.ADAPTIVE,
            Stage.MISSED,
            Stage.NOT_CHOSEN,
            Stage.MISSED,
            Stage.MISSED,
        ]
        assert trace.why(0) == (
            "Anchor 0 is matched with ground truth 0: its IoU 0.75 reaches 0.7041, the mean 0.5 of "
            "4 candidates plus their deviation 0.2041, by 0.04588, and it is inside."
        )
        assert trace.why(1) == (
            "Anchor 1 is not matched, though it is a candidate of ground truth 0. For ground truth "
            "0, its IoU 0.25 misses 0.7041, the mean 0.5 of 4 candidates plus their deviation "
            "0.2041, by 0.4541."
        )
        assert trace.why(2) == (
            "Anchor 2 is not matched: it is a candidate of no ground truth. Of its level, ground "
            "truth 0 takes the 2 nearest as candidates, up to a distance of 2; it is 5 away."
        )
        assert trace.why(4).endswith(" by 0.2041. It is not inside of it.")
        assert trace.why_not(2, 0).startswith("It is no candidate of ground truth 0.")
        assert trace.why_truth(0) == (
            "Ground truth 0 has 1 anchor: 1 by adaptive threshold. Its 4 candidates have a mean "
            "IoU of 0.5 and a deviation of 0.2041: of them 1 reaches 0.7041, and 1 of these is "
            "inside."
        )
        assert trace.anchors["threshold"][0] == 0.5 + np.sqrt(0.125 / 3)

    def test_an_anchor_of_two_ground_truths(self) -> None:
        given = {
            "ious": [[0.5, 0.75], [0.5, 0.5]],
            "distances": [[0.0, 0.0], [1.0, 0.0]],
            "inside": np.ones((2, 2), bool),
            "levels": [2],
        }
        trace = explain(ATSSMatcher(topk=1), given)
        assert trace.matches.tolist() == [1, -1]
        assert trace.why(0).endswith(
            "It is positive for ground truth 0 too, but by a smaller IoU, 0.5."
        )
        assert trace.why_not(0, 0).startswith(
            "For ground truth 0, its IoU 0.5 reaches 0.5, the mean 0.5 of 1 candidate plus their "
            "deviation 0, exactly. So it is positive, but ground truth 1 comes first."
        )
        assert trace.why_not(1, 1).endswith(
            "up to a distance of 0; it is 0 away as well: the lowest index wins."
        )
        assert Fate(trace.truths["fate"][0]) == Fate.OUTBID
        assert trace.why_truth(0).endswith("Other ground truths took 1 of them.")
        same = explain(ATSSMatcher(topk=1), {**given, "ious": [[0.5, 0.5], [0.5, 0.5]]})
        assert "too, by the same IoU: the lowest index wins." in same.why(0)

    def test_without_anchors_there_are_no_candidates(self) -> None:
        none = np.zeros((0, 1))
        given = {"ious": none, "distances": none, "inside": none > 0, "levels": []}
        assert explain(ATSSMatcher(), given).why_truth(0) == (
            "Ground truth 0 has no anchor. There is no anchor that could be a candidate."
        )
