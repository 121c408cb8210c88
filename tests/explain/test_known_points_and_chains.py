"""Points, matchers of one's own and whole chains worked by hand, and what is said of them."""

from typing import Any

import numpy as np
import pytest

from refkernels import OHEMSampler, QuotaSampler
from refkernels.arrays import Array
from refkernels.assign import TargetAssigner
from refkernels.chain.assigners import ASSIGNERS, atss, fcos
from refkernels.chain.chain import Chain
from refkernels.chain.chain import Stage as Step
from refkernels.chain.published import preset_operators
from refkernels.explain import Fate, Stage, explain
from refkernels.matcher import (
    ATSSMatcher,
    CompositeMatcher,
    HungarianMatcher,
    MaximumMatcher,
    PointMatcher,
    SimOTAMatcher,
    ThresholdMatcher,
)
from tests.explain.worked import stages

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
