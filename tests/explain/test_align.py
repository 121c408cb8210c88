"""Any two dumps are compared: in whatever they share, with objects that belong together by box."""

from dataclasses import replace

import numpy as np
import pytest

import refkernels as rk
from refkernels.explain.diff.align import align
from refkernels.explain.diff.compare import Cause, compare_dumps
from refkernels.explain.diff.dump import make_dump
from refkernels.explain.diff.headline import headline
from refkernels.explain.diff.words import tell
from tests.explain.chains import CHAINS, put, run, scene

PLAIN = CHAINS["plain"]


def words(found):
    return " ".join(" ".join(tell(found)).split())


def reordered(inputs, *orders):
    """Inputs whose images have their objects in other orders."""
    names = ("boxes", "labels")
    return {
        k: np.stack([own[order] for own, order in zip(v, orders, strict=True)]) if k in names else v
        for k, v in inputs.items()
    }


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_another_order_of_objects_is_no_difference(chain, dtype):
    inputs = scene(3)
    moved = reordered(inputs, [2, 0, 3, 1], [0, 1, 2, 3])
    found = compare_dumps(run(inputs, CHAINS[chain]), run(moved, CHAINS[chain], dtype))
    assert found.status == 0
    assert found.aligned.moved == 1
    assert "the order of the ground truths in 1 image, which changes no target" in headline(found)


def test_what_goes_wrong_in_another_order_is_told_in_its_own_numbers():
    inputs = scene(3)
    a = run(inputs, PLAIN)
    moved = reordered(inputs, [3, 2, 1, 0], [3, 2, 1, 0])
    anchor = int(np.flatnonzero(a.arrays["matches"][0] >= 0)[0])
    b = run(moved, PLAIN, matches=put(0, anchor, value=-1))
    found = compare_dumps(a, b)
    assert found.left(1).stage.name == "matches"
    assert [stage.differing for stage in found.stages] == [0, 1, 1, 1, 1]
    its = 3 - int(a.arrays["matches"][0, anchor])
    assert f"by its own IoUs it must have ground truth {its}" in words(found)


def test_an_object_of_one_side_alone_is_named_and_the_others_stay_together():
    inputs = scene(4)
    fewer = reordered(inputs, [0, 2, 3], [0, 2, 3])
    a, b = run(inputs, PLAIN), run(fewer, PLAIN)
    for dumps, side in (((a, b), "A"), ((b, a), "B")):
        found = compare_dumps(*dumps)
        assert headline(found) == (
            f"They were given different inputs: {side} alone has ground truth 1 of image 0 and 1 "
            "more."
        )
        assert found.status == 1
        assert found.cause == Cause.INPUTS
        # Anchors that do not meet it have the same.
        own = found.stages[1]
        lost = (a.arrays["matches"] == 1).sum()
        assert 0 < lost <= own.differing == own.count(Cause.INPUTS) < 60
        assert found.inputs == []


def test_both_may_have_objects_alone():
    inputs = scene(4)
    a, b = (run(reordered(inputs, order, order), PLAIN) for order in ([0, 1, 2], [3, 1, 0]))
    other = replace(b, arrays={**b.arrays})
    other.arrays["boxes"] = np.concatenate([b.arrays["boxes"], b.arrays["boxes"][:, :1] + 50], 1)
    other.arrays["labels"] = np.concatenate([b.arrays["labels"], b.arrays["labels"][:, :1]], 1)
    other.arrays["ious"] = rk.BBoxBatchIOU()(other.arrays["anchors"], other.arrays["boxes"])
    other.arrays["matches"] = rk.MaximumMatcher(0.5)(other.arrays["ious"])
    aligned = align(a, other)
    assert aligned.alone == ([(0, 2), (1, 2)], [(0, 0), (0, 3), (1, 0), (1, 3)])
    assert "A alone has ground truth 2 of image 0 and 1 more, and B alone has" in headline(
        compare_dumps(a, other)
    )


def test_equal_boxes_are_told_apart_by_their_labels():
    inputs = scene(5)
    inputs["boxes"][:, 1] = inputs["boxes"][:, 0]
    inputs["labels"][:, :2] = [1, 2]
    turned = reordered(inputs, [1, 0, 2, 3], [1, 0, 2, 3])
    a, b = run(inputs, PLAIN), run(turned, PLAIN)
    assert align(a, b).moved == 2
    # Without labels they are the same, and stay where they are.
    a, b = (
        make_dump(d.name, {k: v for k, v in d.arrays.items() if k != "labels"}, d.operators)
        for d in (a, b)
    )
    assert align(a, b).moved == 0


def test_boxes_that_were_changed_stay_together_with_what_they_were():
    inputs = scene(6)
    boxes = inputs["boxes"].copy()
    boxes[:, 1] += 2
    found = compare_dumps(run(inputs, PLAIN), run({**inputs, "boxes": boxes}, PLAIN))
    assert headline(found).startswith(
        "B's boxes differ from A's (2 of 8), which is explained by a shift by 2"
    )


def test_padding_amid_objects_is_left_where_it_is():
    inputs = scene(7)
    inputs["boxes"][0, 2] = -1
    other = {**inputs, "boxes": inputs["boxes"].copy()}
    other["boxes"][0, 2] = 0
    found = compare_dumps(run(inputs, PLAIN), run(other, PLAIN))
    assert found.cause == Cause.NONE
    more = {**inputs, "boxes": scene(7)["boxes"]}
    found = compare_dumps(run(inputs, PLAIN), run(more, PLAIN))
    assert "B alone has ground truth 2 of image 0." in headline(found)


def bare(dump, *names, **arrays):
    """A dump without its operators, with these of its arrays alone."""
    kept = {name: dump.arrays[name] for name in names}
    return make_dump(dump.name, {**kept, **arrays}, {})


def test_without_a_contract_the_first_stage_that_differs_is_told():
    inputs = scene(8)
    every = ("anchors", "boxes", "labels", "ious", "matches", "samples", "cls_targets")
    a = run(inputs, PLAIN)
    b = run(inputs, {**PLAIN, "matcher": rk.MaximumMatcher(0.6)})
    found = compare_dumps(bare(a, *every), bare(b, *every))
    count = found.stages[1].differing
    assert headline(found) == (
        f"They differ first at matches, for {count} of 240 anchors; it is held to nothing, as "
        "nothing says what made it."
    )
    assert [own.count(Cause.NOT_HELD) for own in found.stages] == [0, count, 0, 0]
    assert found.stages[3].count(Cause.FOLLOWS) == found.stages[3].differing > 0
    assert found.status == 1
    assert "All stages are held to nothing, and only compared." in words(found)
    assert "matches is -1" in words(found) or "matches is 0" in words(found)
    assert compare_dumps(bare(a, *every), bare(a, *every)).status == 0


def test_a_side_with_a_contract_is_held_to_it_beside_one_without():
    inputs = scene(8)
    a, b = run(inputs, PLAIN), run(inputs, PLAIN, matches=put(0, 5, value=3))
    names = ("anchors", "boxes", "labels", "ious", "matches")
    found = compare_dumps(b, bare(a, *names))
    assert found.left(0).stage.name == "matches"
    assert found.left(1) is None
    assert "B keeps" not in words(found)
    assert "samples, cls_targets, box_targets: in A alone, not compared" in words(found)


def test_ious_without_boxes_are_those_of_the_same_boxes_within_their_bound():
    inputs = {k: v.astype(np.float32).astype(v.dtype) for k, v in scene(9).items()}
    one, other = (run(inputs, PLAIN, dtype) for dtype in ("float32", "float64"))
    found = compare_dumps(bare(one, "ious"), bare(other, "ious"))
    assert found.stages[0].count(Cause.ROUNDING) == found.stages[0].differing > 0
    assert found.status == 0
    assert headline(found).startswith("What differs is rounding")
    far = bare(one, ious=one.arrays["ious"] * np.float32(1.001))
    found = compare_dumps(bare(one, "ious"), far)
    assert found.status == 1
    assert "They differ first at ious" in headline(found)
    assert "IoU with ground truth " in words(found)


def test_a_matcher_alone_may_be_of_another_number_of_objects():
    inputs = scene(9)
    a = run(inputs, PLAIN)
    operators = {"matcher": rk.MaximumMatcher(0.5)}
    ious = a.arrays["ious"]
    one = make_dump("a", {"ious": ious, "matches": a.arrays["matches"]}, operators)
    wide = np.concatenate([ious, np.zeros_like(ious[..., :1])], -1)
    other = make_dump("b", {"ious": wide, "matches": a.arrays["matches"]}, operators)
    found = compare_dumps(one, other)
    assert [own.differing for own in found.stages] == [0, 0]
    assert found.stages[1].held[0].keeps


def test_logits_within_their_bound_are_rounding():
    inputs = scene(10)
    near = {**inputs, "logits": inputs["logits"] + 1e-7}
    a = run(inputs, CHAINS["ssd"])
    found = compare_dumps(a, run(near, CHAINS["ssd"]))
    assert [own.rounded for own in found.inputs] == [True]
    assert found.status == 0
    assert headline(found) == (
        "What differs is rounding: inside the bounds, and on ties or thresholds, beginning with "
        "logits."
    )
    far = {**inputs, "logits": inputs["logits"] + 0.1}
    found = compare_dumps(a, run(far, CHAINS["ssd"]))
    assert headline(found) == (
        "They were given different inputs: B's logits differ from A's (240 of 240), and no single "
        "relation explains all of them."
    )


def test_other_samplers_are_other_parameters():
    inputs = scene(10)
    a = run(inputs, CHAINS["ssd"])
    b = run(inputs, {**CHAINS["ssd"], "sampler": rk.QuotaSampler(16, 0.5, 0.4)})
    said = headline(compare_dumps(a, b))
    assert said == (
        "Their parameters differ, first at samples: OHEMSampler in A, QuotaSampler in B."
    )


def test_half_precision_of_one_side_is_named_among_what_is_rounding():
    inputs = scene(11)
    a, b = (run(inputs, PLAIN, dtype) for dtype in ("float32", "float16"))
    for dumps, side in (((a, b), "B"), ((b, a), "A")):
        said = headline(compare_dumps(*dumps))
        assert f"{side}'s ious and box_targets and boxes and anchors are in float16" in said


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"cls_targets": lambda own: own + (own > 0)}, "labels that are larger by 1 in B"),
        ({"cls_targets": lambda own: own + np.arange(120) * (own > 0)}, ""),
        ({"box_targets": lambda own: own * np.float32([10, 10, 5, 5])},
         "other stds: B's targets are A's times (10, 10, 5, 5)"),
        ({"box_targets": lambda own: own * np.float32([10, 10, 5, 5]) + np.float32(0.1)}, ""),
        ({"box_targets": lambda own: own * np.linspace(1, 2, 120, dtype=np.float32)[:, None]}, ""),
        ({"box_targets": lambda own: np.where(own == own.max(), np.float32(np.inf), own)}, ""),
    ],
)  # fmt: skip
def test_results_that_are_held_to_nothing_are_explained_by_each_other(changed, words):
    a = run(scene(12), PLAIN)
    names = [name for name in a.arrays if name != "box_masks"]
    arrays = {name: change(a.arrays[name]) for name, change in changed.items()}
    found = compare_dumps(bare(a, *names), bare(a, *names, **arrays))
    assert found.status == 1
    said = headline(found)
    assert (f"which is explained by {words}." in said) if words else ("explained" not in said)


def test_targets_of_another_shape_differ_everywhere():
    inputs = scene(5)
    a = run(inputs, {**CHAINS["rcnn"], "box_encoder": rk.NormalizedBoxCenterEncoder()})
    b = run(inputs, CHAINS["rcnn"])
    found = compare_dumps(a, b)
    assert found.stages[-1].differing == 240
    assert "box_targets has shape (2, 120, 4) in A, (2, 40, 3, 4) in B" in words(found)
    assert "NormalizedBoxCenterEncoder in A, NormalizedPerClassBoxCenterEncoder in B" in words(
        found
    )


def test_other_anchors_of_each_image_are_compared_by_place():
    inputs = scene(5)
    own = {**inputs, "anchors": np.stack([inputs["anchors"], inputs["anchors"] + 1])}
    turned = {**own, "anchors": own["anchors"][:, ::-1]}
    found = compare_dumps(run(own, PLAIN), run(turned, PLAIN))
    assert found.aligned.order is None
    assert "B's anchors differ from A's (240 of 240), and no single relation" in headline(found)


def test_dumps_without_images_are_the_same():
    a = run({k: v if k == "anchors" else v[:0] for k, v in scene(0).items()}, PLAIN)
    assert compare_dumps(a, a).status == 0
