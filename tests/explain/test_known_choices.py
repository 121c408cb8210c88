"""Choices of SimOTA, task-aligned and Hungarian matchers worked by hand, and what is said."""

import numpy as np

from refkernels.explain import Fate, explain
from refkernels.matcher import (
    HungarianMatcher,
    SimOTAMatcher,
    TaskAlignedMatcher,
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
