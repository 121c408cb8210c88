"""What is said of dumps whose parameters differ, or that both leave the contract."""

import numpy as np
import pytest

import refkernels as rk
from refkernels.explain.diff.compare import Cause, compare_dumps
from refkernels.explain.diff.dump import make_dump
from refkernels.explain.diff.words import tell
from tests.explain.chains import CHAINS, put, run, scene


def stage(found, name):
    return next(own for own in found.stages if own.stage.name == name)


def words(found):
    return " ".join(" ".join(tell(found, 3)).split())


def with_(chain, **operators):
    return {**CHAINS[chain], **operators}


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        (rk.MaximumMatcher(0.5), rk.BipartiteMatcher(), "MaximumMatcher in A, BipartiteMatcher in"),
        (
            rk.CompositeMatcher([rk.MaximumMatcher(0.9)]),
            rk.CompositeMatcher([rk.BipartiteMatcher(), rk.MaximumMatcher(0.9)]),
            "1 matchers in A, 2 in B",
        ),
        (
            rk.CompositeMatcher([rk.MaximumMatcher(0.5)]),
            rk.CompositeMatcher([rk.MaximumMatcher(0.75)]),
            "threshold of MaximumMatcher is 0.5 in A, 0.75 in B",
        ),
    ],
)
def test_other_matchers_are_other_parameters(one, other, told):
    a, b = (run(scene(2), with_("plain", matcher=own)) for own in (one, other))
    found = compare_dumps(a, b)
    assert stage(found, "matches").count(Cause.PARAMETERS) > 0
    assert found.left(0) is found.left(1) is None
    assert told in words(found)


def test_another_quota_is_another_draw_for_the_whole_image():
    one, other = (rk.QuotaSampler(n, 0.7, 0.3, fill_negative=False) for n in (16, 8))
    a, b = (run(scene(5), with_("rpn", sampler=own)) for own in (one, other))
    found = compare_dumps(a, b)
    own = stage(found, "samples")
    assert own.count(Cause.PARAMETERS) == own.differing > 0
    assert all(held.keeps for held in own.held)
    assert "num_sample of QuotaSampler is 16 in A, 8 in B" in words(found)
    assert "A makes it negative: it is not matched, and its largest IoU is " in words(found)


def test_other_stds_of_targets_by_class_differ_as_a_whole():
    other = rk.NormalizedPerClassBoxCenterEncoder(3, max_pos=40, stds=(1.0, 1.0, 1.0, 1.0))
    a, b = run(scene(5), CHAINS["rcnn"]), run(scene(5), with_("rcnn", box_encoder=other))
    own = stage(compare_dumps(a, b), "box_targets")
    assert own.count(Cause.PARAMETERS) == own.differing > 0


def test_what_one_operator_makes_of_the_other_s_inputs_may_not_exist():
    # B's positive without a match has a sign, but no class.
    a = run(scene(2), CHAINS["plain"])
    image, anchor = np.argwhere(a.arrays["matches"] >= 0)[0]
    arrays = {name: array.copy() for name, array in a.arrays.items()}
    arrays["matches"][image, anchor] = -1
    operators = {**a.operators, "class_encoder": rk.SigmoidClassEncoder()}
    arrays["cls_targets"], _ = rk.SigmoidClassEncoder()(arrays["samples"])
    found = compare_dumps(a, make_dump("b", arrays, operators))
    assert stage(found, "cls_targets").held[1].keeps
    assert stage(found, "cls_targets").count(Cause.PARAMETERS) > 0


def test_parameters_are_no_excuse_for_what_cannot_be_derived():
    a = run(scene(2), CHAINS["plain"])
    image, anchor = np.argwhere(a.arrays["matches"] >= 0)[0]
    matches = put(image, anchor, value=99)(a.arrays["matches"].copy())
    other = rk.NumPyNormalizedBoxCenterEncoder(stds=(1.0, 1.0, 1.0, 1.0))
    operators = {**a.operators, "box_encoder": other}
    b = make_dump("b", {**a.arrays, "matches": matches, "box_targets": a.arrays["box_targets"] + 1},
                  operators)  # fmt: skip
    own = stage(compare_dumps(a, b), "box_targets")
    assert own.held[1].undefined
    assert own.count(Cause.FOLLOWS) == own.differing > 0


def test_a_chain_that_nobody_can_follow_from_its_inputs_is_told_as_such():
    inputs = scene(2)
    a = run(inputs, CHAINS["plain"])
    labels = np.full_like(inputs["labels"], np.iinfo(np.int64).max)  # there is none behind it
    found = compare_dumps(a, make_dump("b", {**a.arrays, "labels": labels}, a.operators))
    assert found.left(1).held[1].undefined
    assert "B cannot be followed at cls_targets: " in words(found)


def test_both_may_leave_the_contract():
    wrong = run(scene(2), CHAINS["plain"], ious=put(0, 5, 0, value=2.0))
    found = compare_dumps(wrong, wrong)
    assert found.status == 1
    for side in "AB":
        assert f"{side} leaves the contract first at ious: for 1 of 240 anchors." in words(found)
    assert "keeps the contract at every stage" not in words(found)


def test_targets_of_another_shape_are_wrong_as_a_whole():
    a = run(scene(2), CHAINS["rcnn"])
    short = {name: a.arrays[name][:, :20] for name in ("box_targets", "box_masks", "indices")}
    b = make_dump("b", {**a.arrays, **short}, a.operators)
    moved = make_dump("c", {**b.arrays, "box_targets": short["box_targets"] + 1}, a.operators)
    found = compare_dumps(b, moved)
    own = stage(found, "box_targets")
    assert found.left(0) is found.left(1) is own
    assert own.count(Cause.ERROR) == own.differing > 0
    assert "A: box_targets has shape (2, 20, 3, 4), expected (2, 40, 3, 4)" in words(found)


def test_ious_in_half_precision_are_held_to_boxes_rounded_to_it():
    inputs = scene(4)
    operators = {"iou": rk.BBoxBatchIOU(), "matcher": rk.MaximumMatcher(0.5)}
    boxes = [inputs[name].astype(np.float16) for name in ("anchors", "boxes")]
    ious = rk.BBoxBatchIOU()(*boxes)
    wide = {name: inputs[name] for name in ("anchors", "boxes")}
    a = make_dump("a", {**wide, "ious": ious}, operators)
    assert compare_dumps(a, a).status == 0
