"""Decisions of every matcher worked by hand, and what is said of them."""

from typing import Any

import numpy as np
import pytest

from refkernels import BalancedSampler, OHEMSampler, QuotaSampler
from refkernels.arrays import Array
from refkernels.assign import TargetAssigner
from refkernels.assign.unguarded import UnguardedMatcher
from refkernels.chain.assigners import ASSIGNERS, atss, fcos
from refkernels.chain.chain import Chain
from refkernels.chain.chain import Stage as Step
from refkernels.chain.published import preset_operators
from refkernels.explain import Fate, Stage, Trace, explain
from refkernels.matcher import (
    ATSSMatcher,
    CompositeMatcher,
    HungarianMatcher,
    MaximumMatcher,
    PointMatcher,
    SimOTAMatcher,
    TaskAlignedMatcher,
    ThresholdMatcher,
)

# Truth 0 has its largest with anchor 0, truth 1 with anchor 3, truth 2 with nobody.
IOUS = np.array(
    [
        [0.75, 0.125, 0.0],
        [0.5, 0.25, 0.0],
        [0.125, 0.0, 0.0],
        [0.4375, 0.375, 0.0],
        [0.0, 0.0, 0.0],
        [0.0, 0.375, 0.0],
    ]
)


def stages(trace: Trace) -> list[Stage]:
    return [Stage(stage) for stage in trace.anchors["stage"]]


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


POINTS: dict[str, Any] = {
    "points": np.array([[8.0, 8], [2, 8], [30, 30], [0, 0], [40, 8]]),
    "boxes": np.array([[0.0, 0, 16, 16], [4, 4, 12, 12], [0, 0, 64, 64]]),
    "strides": np.full(5, 8.0),
    "ranges": np.array([[0.0, 16]] * 3 + [[0, 64]] * 2),
}


class TestPoints:
    def test_conditions(self) -> None:
        trace = explain(PointMatcher(0.5), POINTS)
        assert trace.matches.tolist() == [1, -1, -1, -1, -1]
        assert trace.measure == "conditions met"
        assert trace.why(0) == (
            "Anchor 0 is matched with ground truth 1: its point is inside, 4 from the farthest "
            "side (within its range of 0 to 16), 0 off the centre (less than 4, which is 0.5 "
            "strides). It counts for 1 other too, and gets the smallest: of area 64, against 256 "
            "of ground truth 0."
        )
        assert trace.why(1) == (
            "Anchor 1 is not matched. For ground truth 0, its point is 6 off the centre (not less "
            "than 4, which is 0.5 strides)."
        )
        assert trace.why(2) == (
            "Anchor 2 is not matched. For ground truth 2, its point is 34 from the farthest side "
            "(not within its range of 0 to 16)."
        )
        assert trace.why(3) == "Anchor 3 is not matched: its point is inside of no ground truth."
        assert stages(trace)[3] == Stage.OUTSIDE
        assert trace.why_not(0, 0) == (
            "It counts for ground truth 0, of area 256, but for ground truth 1 too, of 64. It is "
            "matched with ground truth 1 (point of its level, conditions met 3)."
        )
        assert trace.why_not(1, 1) == (
            "For ground truth 1, its point is not inside, 2 beyond a side, and 6 off the centre "
            "(not less than 4, which is 0.5 strides)."
        )
        assert "its point is not inside, on its border, and" in trace.why_not(3, 0)
        assert trace.why_truth(0) == (
            "Ground truth 0 has no anchor. 2 points are inside, 2 of them in range, and 1 of these "
            "near the centre. Other ground truths took 1 of them."
        )
        assert Fate(trace.truths["fate"][0]) == Fate.OUTBID
        assert Fate(trace.truths["fate"][2]) == Fate.NOT_CHOSEN

    def test_without_a_square_and_without_the_ends(self) -> None:
        trace = explain(PointMatcher(inclusive=False), POINTS)
        assert trace.why(2) == (
            "Anchor 2 is not matched. For ground truth 2, its point is 34 from the farthest side "
            "(not within its range of 0 to 16, without the ends)."
        )
        assert trace.why_truth(0) == (
            "Ground truth 0 has 1 anchor: 1 by point of its level. 2 points are inside, 2 of them "
            "in range. Other ground truths took 1 of them."
        )

    def test_equal_areas_go_to_the_first(self) -> None:
        boxes = [[0.0, 0, 16, 16], [0, 0, 16, 16]]
        trace = explain(PointMatcher(), {**POINTS, "boxes": boxes})
        assert trace.why(0).endswith(
            "of area 256, against 256 of ground truth 1: the lowest index wins."
        )


COST = np.array([[1.0, 2.0], [5.0, 4.0], [3.0, 9.0], [4.0, 1.5]])
SHARES = np.array([[0.875, 0.25], [0.75, 0.125], [0.375, 0.0], [0.125, 0.375]])


class TestSimOTA:
    def test_how_many_and_which(self) -> None:
        trace = explain(SimOTAMatcher(), {"cost": COST, "ious": SHARES})
        assert trace.matches.tolist() == [0, -1, 0, 1]
        assert trace.measure == "cost"
        assert trace.why(2) == (
            "Anchor 2 is matched with ground truth 0 at cost 3: it is the 2nd of the 2 cheapest, "
            "which this chooses, since its 4 largest IoUs sum to 2.125."
        )
        assert trace.why(3) == (
            "Anchor 3 is matched with ground truth 1 at cost 1.5: it is the cheapest, which this "
            "chooses, since its 4 largest IoUs sum to 0.75, and one is the least."
        )
        assert trace.why(1) == (
            "Anchor 1 is not matched: no ground truth chose it. At cost 5 it is the 4th of ground "
            "truth 0, which chooses the 2 cheapest, up to 3, since its 4 largest IoUs sum to 2.125."
        )
        assert trace.why_truth(0) == (
            "Ground truth 0 has 2 anchors: 2 by least cost. It chose the 2 cheapest, up to 3, "
            "since its 4 largest IoUs sum to 2.125."
        )
        assert trace.anchors["margin"].tolist() == [2.0, -2.0, 0.0, 0.0]

    def test_what_is_not_valid(self) -> None:
        valid = [True, True, False, True]
        trace = explain(SimOTAMatcher(), {"cost": COST, "ious": SHARES, "valid": valid})
        assert trace.why(2) == "Anchor 2 is not matched: it is not valid."
        assert trace.why_not(2, 0) == "Anchor 2 is not valid."
        none = explain(SimOTAMatcher(), {"cost": COST, "ious": SHARES, "valid": [False] * 4})
        assert none.why_truth(0) == (
            "Ground truth 0 has no anchor. There is no valid anchor to choose."
        )

    def test_an_anchor_that_two_chose(self) -> None:
        given = {"cost": [[1.0, 2.0], [3.0, 3.0]], "ious": [[0.5, 0.5], [0.5, 0.0]]}
        trace = explain(SimOTAMatcher(candidate_topk=1), given)
        assert trace.matches.tolist() == [0, -1]
        assert trace.why(0) == (
            "Anchor 0 is matched with ground truth 0 at cost 1: it is the cheapest, which this "
            "chooses, since its largest IoU is 0.5, and one is the least. Ground truth 1 chose it "
            "too, at cost 2, which is more."
        )
        assert trace.why_not(0, 1).startswith(
            "At cost 2 it is the 1st of ground truth 1, which chose it, but ground truth 0 costs "
            "less, 1."
        )
        assert trace.why_truth(1).endswith("1 of these went to other ground truths.")
        same = explain(SimOTAMatcher(), {**given, "cost": [[1.0, 1.0], [1.0, 3.0]]})
        assert "at cost 1, the same: the lowest index wins." in same.why(0)
        assert "costs the same: the lowest index wins." in same.why_not(0, 1)
        assert "up to 1, as much: the lowest index wins, since" in same.why_not(1, 0)

    def test_an_anchor_that_a_third_gets(self) -> None:
        # Truths 0 and 1 choose anchor 0; it costs least with truth 2, which chooses anchor 1.
        given = {"cost": [[2.0, 3.0, 1.0], [5.0, 5.0, 0.5]], "ious": np.zeros((2, 3))}
        trace = explain(SimOTAMatcher(), given)
        assert trace.matches.tolist() == [2, 2]
        assert trace.why(0) == (
            "Anchor 0 is matched with ground truth 2 at cost 1, which did not choose it: ground "
            "truths 0 and 1 did, and of all ground truths it then gets that of least cost."
        )
        assert trace.why_truth(2).endswith("1 that others chose came to it, at no higher cost.")

    def test_no_more_than_there_are(self) -> None:
        trace = explain(SimOTAMatcher(), {"cost": [[1.0]], "ious": [[2.5]]})
        assert "since its largest IoU is 2.5, and there are no more." in trace.why(0)


class TestTaskAligned:
    def test_which_are_selected(self) -> None:
        given = {
            "metric": [[0.875, 0.0], [0.5, 0.625], [0.25, 0.0], [0.75, 0.0], [0.0, 0.0]],
            "ious": [[0.875, 0.0], [0.75, 0.625], [0.75, 0.0], [0.75, 0.0], [0.5, 0.0]],
            "inside": [[True, False], [True, True], [True, False], [False, False], [True, False]],
        }
        trace = explain(TaskAlignedMatcher(topk=2), given)
        assert trace.matches.tolist() == [0, 0, -1, -1, -1]
        assert trace.measure == "metric"
        assert trace.why(0) == (
            "Anchor 0 is matched with ground truth 0: it is inside, and its metric 0.875 is the "
            "largest, among the 2 at most that this selects."
        )
        assert trace.why(1) == (
            "Anchor 1 is matched with ground truth 0: it is inside, and its metric 0.5 is the 2nd "
            "largest, among the 2 at most that this selects. Ground truth 1 selected it too, with "
            "a smaller IoU, 0.625 against 0.75."
        )
        assert trace.why(2) == (
            "Anchor 2 is not matched: no ground truth selected it. It is inside of ground truth 0, "
            "but its metric 0.25 is the 3rd largest: this selects 2, down to 0.5."
        )
        assert trace.why(3) == "Anchor 3 is not matched: it is inside of no ground truth."
        assert trace.why(4) == (
            "Anchor 4 is not matched: its metric with ground truth 0 is not above 0."
        )
        assert trace.why_not(3, 0) == "It is not inside of ground truth 0."
        assert trace.why_not(4, 0) == (
            "It is inside of ground truth 0, but its metric, 0, is not above 0."
        )
        assert trace.why_not(1, 1).startswith(
            "Ground truth 1 selected it, but its IoU with ground truth 0, 0.75, is larger than "
            "0.625."
        )
        assert trace.why_truth(0) == (
            "Ground truth 0 has 2 anchors: 2 by largest metric. 4 anchors are inside, 3 of them "
            "with a metric that counts; of at most 2 it selected 2."
        )
        assert trace.why_truth(1).endswith("1 of these went to other ground truths.")
        tood = explain(TaskAlignedMatcher(topk=2, inside_first=False, positive=False), given)
        assert tood.matches.tolist() == [0, 1, -1, -1, -1]
        assert "its metric 0.625 is the largest of all anchors, among" in tood.why(1)
        assert "is the 4th largest of all anchors: this selects 2, down to 0.75" in tood.why(2)

    def test_ties(self) -> None:
        given = {
            "metric": [[0.5, 0.5], [0.5, 0.0]],
            "ious": [[0.5, 0.5], [0.5, 0.5]],
            "inside": [[True, True], [True, False]],
        }
        trace = explain(TaskAlignedMatcher(topk=1), given)
        assert trace.matches.tolist() == [0, -1]
        assert "with as large an IoU, 0.5: the lowest index wins." in trace.why(0)
        assert "0.5, is as large: the lowest index wins." in trace.why_not(0, 1)
        assert trace.why(1).endswith("down to 0.5 as well: the lowest index wins.")

    def test_an_anchor_that_a_third_gets(self) -> None:
        given = {
            "metric": [[0.5, 0.5, 0.25], [0.0, 0.0, 0.5]],
            "ious": [[0.25, 0.25, 0.5], [0.0, 0.0, 0.25]],
            "inside": np.ones((2, 3), bool),
        }
        trace = explain(TaskAlignedMatcher(topk=1), given)
        assert trace.matches.tolist() == [2, 2]
        assert trace.why(0) == (
            "Anchor 0 is matched with ground truth 2, which did not select it: ground truths 0 and "
            "1 did, and of all that it is inside of it then gets that of largest IoU, 0.5."
        )
        assert trace.why_truth(2).endswith(
            "1 that others selected came to it, with an IoU at least as large."
        )

    def test_a_metric_of_nothing_with_each(self) -> None:
        given = {"metric": [[0.0, 0.0]], "ious": [[0.0, 0.0]], "inside": [[True, True]]}
        assert explain(TaskAlignedMatcher(), given).why(0) == (
            "Anchor 0 is not matched: its metric with each that it is inside of is not above 0."
        )


class TestHungarian:
    def test_what_is_cheaper_costs_more_elsewhere(self) -> None:
        # 1 + 2; with the cheapest pair of all it is 0 + 4.
        trace = explain(HungarianMatcher(), [[4.0, 1.0], [2.0, 0.0], [5.0, 2.0]])
        assert trace.matches.tolist() == [1, 0, -1]
        assert trace.why(0) == (
            "Anchor 0 is matched with ground truth 1 at cost 1, in the one-to-one matching of "
            "least total: 3 of 2 pairs. Anchor 1 would cost ground truth 1 less, 0, but the total "
            "would be 4, 1 more."
        )
        assert trace.why(1) == (
            "Anchor 1 is matched with ground truth 0 at cost 2, in the one-to-one matching of "
            "least total: 3 of 2 pairs. With ground truth 1 it would cost 0, but the total would "
            "be 4, 1 more."
        )
        assert trace.why(2) == (
            "Anchor 2 is not matched: there are fewer ground truths than anchors, and the 2 pairs "
            "of least total, 3, are without it. With ground truth 1 it would cost 2, but the total "
            "would be 4, 1 more."
        )
        assert trace.why_not(2, 0) == (
            "With ground truth 0 it would cost 5; then the total would be 5, 2 more. Anchor 1 has "
            "it, at 2."
        )
        assert trace.why_truth(0) == (
            "Ground truth 0 has 1 anchor: 1 by one-to-one matching. Anchor 1 has it at cost 2, the "
            "least that it has with any anchor."
        )
        assert trace.why_truth(1).endswith(
            "Anchor 0 has it at cost 1. Anchor 1 would cost less, 0, but the total would be 4, 1 "
            "more."
        )

    def test_fewer_anchors_than_ground_truths(self) -> None:
        trace = explain(HungarianMatcher(), [[3.0, 1.0, 1.0]])
        assert trace.why(0).endswith("3 of 1 pair." if trace.matches[0] == 0 else "cheaper one.")
        assert trace.why_truth(0) == (
            "Ground truth 0 has no anchor. There are fewer anchors than ground truths. Anchor 0 "
            "would cost least, 3, but the total would be 3, 2 more."
        )
        assert trace.why_not(0, 0).startswith(
            "With ground truth 0 it would cost 3; then the total would be 3, 2 more."
        )
        other = 2 if trace.matches[0] == 1 else 1
        assert "the total would be the same: it is one of several" in trace.why_not(0, other)
        assert Fate(trace.truths["fate"][0]) == Fate.NOT_CHOSEN


class TestOneOfYourOwn:
    def test_a_function_will_do(self) -> None:
        def every_other(ious: Array) -> Array:
            return np.where(np.arange(len(ious)) % 2, -1, 0)

        trace = explain(every_other, [[0.25, 0.5], [0.75, 0.0], [0.0, 0.0]])
        assert trace.name == "every_other"
        assert stages(trace) == [Stage.OTHER_MATCHER, Stage.LEFT_OUT, Stage.OTHER_MATCHER]
        assert trace.why(0) == (
            "Anchor 0 is matched with ground truth 0 by every_other, with IoU 0.25. Its largest is "
            "0.5, with ground truth 1."
        )
        assert trace.why(1) == (
            "Anchor 1 is left out by every_other. Its largest IoU is 0.75, with ground truth 0."
        )
        assert trace.why_not(1, 0) == (
            "Anchor 1 has IoU 0.75 with ground truth 0. every_other did not match it."
        )
        assert Fate(trace.truths["fate"][1]) == Fate.NOT_CHOSEN
        assert trace.why_truth(1) == (
            "Ground truth 1 has no anchor. Its best is anchor 0, with 0.5, which went to ground "
            "truth 0."
        )
        assert explain(lambda x: [-2], [[0.5]]).why(0) == (
            "Anchor 0 is called neither by a lambda. Its largest IoU is 0.5, with ground truth 0."
        )
        same = explain(lambda x: [1], [[0.5, 0.5]])
        assert same.why(0).endswith("with IoU 0.5. Its next is ground truth 0, with 0.5 too.")
        assert "has 1 anchor: 1 by a matcher of your own" in same.why_truth(1)

    def test_it_may_look_at_several_arrays(self) -> None:
        def by_score(ious: Array, scores: Any) -> Array:
            return np.where(np.asarray(scores) > 0.5, 0, -1)

        trace = explain(by_score, {"ious": [[0.5], [0.25]], "scores": [0.25, 0.75]})
        assert trace.matches.tolist() == [-1, 0]
        assert trace.why(1).startswith("Anchor 1 is matched with ground truth 0 by by_score")

    def test_it_may_stand_among_others(self) -> None:
        class TopK(ThresholdMatcher):
            def __call__(self, x: Any) -> Array:
                return np.full(len(np.asarray(x)), -1)

        matcher = CompositeMatcher([TopK(0.5), MaximumMatcher(0.5)])
        trace = explain(matcher, [[0.25], [0.75], [0.0]])
        assert stages(trace) == [Stage.LEFT_OUT, Stage.MAXIMUM, Stage.LEFT_OUT]
        assert trace.why(0) == (
            "Anchor 0 is not matched: its largest IoU is 0.25, with ground truth 0, which misses "
            "the threshold 0.5 by 0.25. TopK left it out too."
        )
        assert trace.why(2) == (
            "Anchor 2 is not matched: it overlaps no ground truth. TopK left it out too."
        )
        assert "TopK did not match it." in trace.why_not(0, 0)

    @pytest.mark.parametrize(
        ("returned", "message"),
        [
            ([0], r"expected matches of shape \(2,\), got \(1,\)"),
            ([0, 1], "expected matches from -2 to 0"),
            ([0.5, 0], "0.5"),
        ],
    )
    def test_what_it_returns_has_to_be_matches(self, returned: Any, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            explain(lambda x: np.array(returned), [[0.5], [0.25]])

    def test_one_that_derives_from_another_has_reasons_of_its_own(self) -> None:
        class Mine(ATSSMatcher):
            pass

        assigner = TargetAssigner.atss(64, 64, matcher=Mine(9))
        trace = explain(assigner, [[4.0, 4, 40, 40]])
        assert trace.reading is None
        assert trace.measure == "IoU"
        assert set(stages(trace)) == {Stage.OTHER_MATCHER, Stage.LEFT_OUT}


def test_chains_are_explained() -> None:
    anchors = np.array([[0.0, 0, 8, 8], [4, 4, 12, 12], [16, 16, 24, 24]])
    inputs = {
        "anchors": anchors,
        "points": (anchors[:, :2] + anchors[:, 2:]) / 2,
        "levels": np.array([3]),
        "boxes": np.array([[1.0, 1, 9, 9]]),
        "labels": np.array([4]),
    }
    trace = explain(atss(topk=3), inputs)
    assert trace.name == "a chain with ATSSMatcher"
    assert trace.matches.tolist() == [0, -1, -1]
    assert trace.why(0).startswith("Anchor 0 is matched with ground truth 0: its IoU")
    plain = explain(Chain.of(preset_operators("torchvision_rpn")), inputs)
    assert plain.measure == "IoU"
    np.testing.assert_array_equal(plain.anchor_boxes, anchors)
    points = explain(fcos(), {**POINTS, "labels": [0, 0, 0]}, name="points")
    assert points.name == "points"
    assert points.anchor_boxes is None


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: explain(ATSSMatcher(), [[0.5]]), TypeError,
         "a ATSSMatcher looks at several arrays, expected a mapping of ious, distances, inside, "
         "levels, got list"),
        (lambda: explain(ATSSMatcher(), {"ious": [[0.5]]}), ValueError,
         "distances, inside, levels is missing"),
        (lambda: explain(HungarianMatcher(), {"cost": [[0.5]], "x": 3}), ValueError, "got x"),
        (lambda: explain(PointMatcher(), {**POINTS, "boxes": np.zeros((1, 1, 4))}), ValueError,
         r"boxes: expected \(M, 4\) of one image"),
        (lambda: explain(lambda **own: [0], {"scores": [1.0]}), ValueError,
         "expected a matrix .* called ious, cost, metric, x, got scores"),
        (lambda: explain(HungarianMatcher(), [[0.5]], sampler=OHEMSampler(3)), ValueError,
         "sampler: a OHEMSampler goes with a matcher of IoUs alone, got HungarianMatcher"),
        (lambda: explain(SimOTAMatcher(), {"cost": [[1.0]], "ious": [[1.0]]},
                         sampler=QuotaSampler(3, 0.5, 0.5)), ValueError,
         "sampler: a QuotaSampler goes with a matcher of IoUs alone"),
        (lambda: explain(Chain(()), {}), ValueError, "with a stage that gives matches"),
        (lambda: explain(atss(), {"boxes": 3}), ValueError, "the chain takes anchors, labels"),
        (lambda: explain(atss(), 3), TypeError, "expected the inputs of a chain, got int"),
        (lambda: explain(atss(), {}, [1]), ValueError, "a Chain takes none, expected inputs"),
        (lambda: explain(TargetAssigner.simota(64, 64), [[0.0, 0, 8, 8]]), TypeError,
         "predictions: the matcher looks at some, got none"),
        (lambda: explain(TargetAssigner.atss(64, 64), [[0.0, 0, 8, 8]], predictions=3), ValueError,
         "predictions: the matcher does not look at any"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(call: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        call()


def test_a_chain_of_several_images_is_refused() -> None:
    chain = Chain(
        (
            Step(HungarianMatcher(), ("cost",), ("matches",)),
            *ASSIGNERS["detr"]().stages[-2:],
        )
    )
    with pytest.raises(ValueError, match="expected inputs of one image"):
        explain(chain, {"cost": np.zeros((2, 1, 1)), "labels": np.zeros((2, 1), int)})
