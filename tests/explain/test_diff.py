"""Two dumps compared: who left the contract, where, for how many anchors, and for what reason."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import refkernels as rk
from refkernels.explain.diff.compare import Cause, compare_dumps
from refkernels.explain.diff.dump import make_dump
from refkernels.explain.diff.words import tell
from tests.explain.chains import CHAINS, put, run, scene

each_chain = pytest.mark.parametrize("chain", CHAINS)
each_dtype = pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])


def stage(found, name):
    return next(own for own in found.stages if own.stage.name == name)


def words(found, shown=3):
    return " ".join(" ".join(tell(found, shown)).split())


@each_chain
@each_dtype
def test_a_chain_keeps_the_contract_and_equals_itself(chain, dtype):
    a = run(scene(0), CHAINS[chain], dtype)
    found = compare_dumps(a, a)
    assert found.cause == Cause.NONE
    assert found.status == 0
    assert len(found.stages) == 5
    assert all(held.keeps for own in found.stages for held in own.held)
    assert "Nothing differs. Both keep the contract." in words(found)


# What is surely wrong at one place of each stage.
WRONG = {
    "ious": lambda value: value + 0.01,
    "matches": lambda value: -1 if value >= 0 else 0,
    "samples": lambda value: 0.0 if value > 0 else 1.0,
    "cls_targets": lambda value: value + 1,
    "box_masks": lambda value: 1 - value,
}


@given(
    st.sampled_from(["ssd", "rpn", "plain"]),
    st.sampled_from([*WRONG]),
    st.integers(0, 10**6),
    st.integers(0, 1),
    st.integers(0, 119),
)
def test_one_wrong_number_is_found_at_its_stage_its_side_and_its_anchor(
    chain, name, seed, image, anchor
):
    inputs, operators = scene(seed), CHAINS[chain]
    a = run(inputs, operators)
    if name == "samples" and a.arrays["samples"][image, anchor] == 0:
        return  # which may be a matter of the draw
    where = (image, anchor) if a.arrays[name].ndim == 2 else (image, anchor, 0)
    # Only this number: what follows is what it was.
    arrays = {**a.arrays, name: put(*where, value=WRONG[name])(a.arrays[name].copy())}
    b = make_dump("b.npz", arrays, a.operators)
    for found, side in ((compare_dumps(a, b), 1), (compare_dumps(b, a), 0)):
        assert found.left(1 - side) is None
        left = found.left(side)
        assert left is not None
        assert left.stage.name == ("box_targets" if name == "box_masks" else name)
        assert found.status == 1
        if chain == "rpn" and name == "samples":
            continue  # the quota is missed, whichever anchor it is
        if chain == "ssd" and name == "samples":
            continue  # the number of negatives depends on that of positives
        assert np.argwhere(left.held[side].wrong).tolist() == [[image, anchor]]
        assert stage(found, left.stage.name).causes[image, anchor] == Cause.ERROR
        assert f"{'AB'[side]} leaves the contract first at {left.stage.name}" in words(found)
        assert f"image {image}, anchor {anchor}: " in words(found)


def test_later_stages_are_judged_by_the_side_s_own_earlier_ones():
    inputs = scene(1)
    a = run(inputs, CHAINS["plain"])
    b = run(inputs, CHAINS["plain"], matches=put(0, 5, value=WRONG["matches"]))
    found = compare_dumps(a, b)
    assert found.left(1).stage.name == "matches"
    for name in ("samples", "cls_targets", "box_targets"):
        own = stage(found, name)
        assert own.held[1].keeps
        assert own.count(Cause.FOLLOWS) == own.differing == 1


def test_a_changed_threshold_is_the_parameters_where_the_dumps_say_so():
    inputs, plain = scene(2), CHAINS["plain"]
    a, b = run(inputs, plain), run(inputs, {**plain, "matcher": rk.MaximumMatcher(0.6)})
    found = compare_dumps(a, b)
    largest = a.arrays["ious"].max(-1)
    between = (largest >= np.float32(0.5)) & (largest < np.float32(0.6))
    assert between.any()
    assert np.array_equal(stage(found, "matches").causes == Cause.PARAMETERS, between)
    assert found.left(0) is found.left(1) is None
    assert found.status == 1
    told = words(found)
    assert "threshold of MaximumMatcher is 0.5 in A, 0.6 in B" in told
    image, anchor = np.argwhere(between)[0]
    value = largest[image, anchor]
    assert f"misses the threshold 0.6 by {np.float32(0.6) - float(value):.3g}" in told
    assert f"reaches the threshold 0.5 by {float(value) - 0.5:.3g}" in told


def test_a_changed_threshold_is_an_error_where_both_are_held_to_one_contract():
    inputs, plain = scene(2), CHAINS["plain"]
    a, b = run(inputs, plain), run(inputs, {**plain, "matcher": rk.MaximumMatcher(0.6)})
    found = compare_dumps(a, make_dump("b.npz", b.arrays, a.operators))
    assert found.left(0) is None
    assert found.left(1).stage.name == "matches"
    assert stage(found, "matches").count(Cause.ERROR) == stage(found, "matches").differing > 0


def test_parameters_that_change_nothing_are_no_difference():
    inputs, plain = scene(2), CHAINS["plain"]
    a = run(inputs, plain)
    b = run(inputs, {**plain, "sampler": rk.NaiveSampler(), "iou": rk.BBoxBatchIOU(eps=0)})
    assert compare_dumps(a, b).status == 0


@each_chain
@pytest.mark.parametrize("dtypes", [("float32", "float64"), ("float16", "float32")])
def test_what_another_precision_changes_is_rounding(chain, dtypes):
    # Whole coordinates: many IoUs are equal, and where they are not exact, ties break either way.
    inputs = {k: np.rint(v) if k == "boxes" else v for k, v in scene(3).items()}
    inputs["anchors"] = np.rint(inputs["anchors"]) / 3
    inputs["boxes"] = inputs["boxes"] / 3
    found = compare_dumps(*(run(inputs, CHAINS[chain], dtype) for dtype in dtypes))
    assert all(held.keeps for own in found.stages for held in own.held)
    assert stage(found, "ious").count(Cause.ROUNDING) == stage(found, "ious").differing > 0
    assert found.cause in (Cause.ROUNDING, Cause.CHANCE)
    assert found.status == 0
    assert "rounding" in words(found)


@each_dtype
def test_an_iou_may_be_off_by_its_bound_and_no_more(dtype):
    a = run(scene(4), CHAINS["plain"], dtype)
    image, anchor, truth = np.unravel_index(a.arrays["ious"].argmax(), a.arrays["ious"].shape)
    largest = a.arrays["ious"][image, anchor, truth]
    for units, keeps in ((1, True), (100, False)):
        ious = a.arrays["ious"].copy()
        ious[image, anchor, truth] = largest - units * np.spacing(largest)
        b = make_dump("b.npz", {**a.arrays, "ious": ious}, a.operators)
        found = compare_dumps(a, b)
        assert stage(found, "ious").held[1].keeps == keeps
        assert stage(found, "ious").causes[image, anchor] == (
            Cause.ROUNDING if keeps else Cause.ERROR
        )


def test_a_decision_on_the_threshold_is_told_with_both_ious_and_what_rounding_allows():
    below = np.nextafter(np.float32(0.5), np.float32(0))
    inputs = {"anchors": [[0.0, 0, 10, 10]], "boxes": [[0.0, 0, 10, 5]]}
    inputs = {name: np.float32(box) for name, box in inputs.items()}
    operators = {"matcher": rk.MaximumMatcher(0.5)}
    a = make_dump("a", {**inputs, "ious": np.float32([[0.5]]), "matches": [0]}, operators)
    b = make_dump("b", {**inputs, "ious": np.array([[below]]), "matches": [-1]}, operators)
    found = compare_dumps(a, b)
    assert stage(found, "matches").count(Cause.ROUNDING) == 1
    assert found.status == 0
    assert (
        "A has ground truth 0: its largest IoU, 0.5 with ground truth 0, is exactly the threshold. "
        "B has no match: its largest IoU, 0.49999997 with ground truth 0, misses the threshold 0.5 "
        "by 2.98e-08. The IoUs with ground truth 0 are 0.5 in A and 0.49999997 in B; they differ "
        "by 3e-08, and rounding allows"
    ) in words(found)


def test_another_draw_is_chance_and_no_difference():
    inputs = scene(5, anchors=200)
    a, b = (run(inputs, CHAINS["rpn"], rng=seed) for seed in (1, 2))
    found = compare_dumps(a, b)
    own = stage(found, "samples")
    assert own.count(Cause.CHANCE) == own.differing > 0
    assert stage(found, "cls_targets").count(Cause.CHANCE) > 0
    assert found.cause == Cause.CHANCE
    assert found.status == 0


def test_a_draw_that_misses_its_quota_leaves_the_contract():
    a = run(scene(5), CHAINS["rpn"])
    image, anchor = np.argwhere(a.arrays["samples"] < 0)[0]
    samples = put(image, anchor, value=0)(a.arrays["samples"].copy())
    b = make_dump("b", {**a.arrays, "samples": samples}, a.operators)
    found = compare_dumps(a, b)
    assert found.left(1).stage.name == "samples"
    assert f"image {image} keeps " in words(found)
    assert stage(found, "samples").causes[image, anchor] == Cause.ERROR


def test_a_draw_of_what_may_not_be_drawn_leaves_the_contract():
    a = run(scene(6, anchors=300), CHAINS["rpn"])
    ignored = np.argwhere((a.arrays["samples"] == 0) & (a.arrays["matches"] < 0))
    largest = a.arrays["ious"].max(-1)
    image, anchor = next(place for place in ignored if 0.3 < largest[tuple(place)] < 0.7)
    samples = put(image, anchor, value=-1)(a.arrays["samples"].copy())
    b = make_dump("b", {**a.arrays, "samples": samples}, a.operators)
    held = stage(compare_dumps(a, b), "samples").held[1]
    assert np.argwhere(held.wrong).tolist() == [[image, anchor]]
    assert "it is negative, but must not be" in words(compare_dumps(a, b))


def mined(logits, samples):
    """Four anchors, one positive; one negative may be taken."""
    arrays = {
        "ious": np.float32([[0.9], [0.1], [0.1], [0.1]]),
        "matches": [0, -1, -1, -1],
        "logits": np.float32(logits),
        "samples": samples,
    }
    inputs = {"anchors": np.zeros((4, 4), np.float32), "boxes": np.zeros((1, 4), np.float32)}
    own = {"matcher": rk.MaximumMatcher(0.5), "sampler": rk.OHEMSampler(1)}
    return make_dump("m", {**inputs, **arrays}, own)


def test_hard_negatives_may_change_places_only_where_rounding_cannot_tell_them_apart():
    near = [[0, 0, 0], [0, 1.0000001, 0.5], [0, 1.0, 0.5], [0, -3, 0]]
    found = compare_dumps(mined(near, [1, -1, 0, 0]), mined(near, [1, 0, -1, 0]))
    assert all(held.keeps for held in stage(found, "samples").held)
    assert stage(found, "samples").count(Cause.ROUNDING) == 2
    far = [[0, 0, 0], [0, 1.1, 0.5], [0, 1.0, 0.5], [0, -3, 0]]
    found = compare_dumps(mined(far, [1, -1, 0, 0]), mined(far, [1, 0, -1, 0]))
    assert stage(found, "samples").held[0].keeps
    assert stage(found, "samples").held[1].wrong[0].tolist() == [False, True, True, False]
    equal = [[0, 0, 0], [0, 1.0, 0.5], [0, 1.0, 0.5], [0, -3, 0]]
    found = compare_dumps(mined(equal, [1, -1, 0, 0]), mined(equal, [1, 0, -1, 0]))
    assert stage(found, "samples").held[1].wrong[0].tolist() == [False, True, True, False]


def test_other_inputs_are_told_and_are_no_rounding():
    inputs = scene(7)
    moved = {**inputs, "anchors": inputs["anchors"] + 0.5}
    found = compare_dumps(run(inputs, CHAINS["plain"]), run(moved, CHAINS["plain"]))
    assert found.cause == Cause.INPUTS
    assert found.status == 1
    assert stage(found, "ious").count(Cause.INPUTS) == stage(found, "ious").differing > 0
    assert words(found).startswith(
        "B's anchors differ from A's (120 of 120), which is explained by a shift by 0.5."
    )
    assert "anchors differ in 480 numbers, by at most 0.5: anchors[0, 0, 0] is " in words(found)


GARBAGE = [np.nan, np.inf, -np.inf, -1.0, -7.0, 0.0, 0.4, 1.0, 5.0, 1e30]


@given(
    st.sampled_from([*CHAINS]),
    st.integers(0, 10**6),
    st.lists(
        st.tuples(
            st.sampled_from(
                ["ious", "matches", "samples", "cls_targets", "box_targets", "indices"]
            ),
            st.integers(0, 10**6),
            st.sampled_from(GARBAGE),
        ),
        min_size=1,
        max_size=4,
    ),
    st.booleans(),
)
def test_whatever_a_side_holds_is_told_and_the_other_is_not_blamed(chain, seed, faults, moved):
    inputs = scene(seed, anchors=30)
    a = run(inputs, CHAINS[chain])
    arrays = {name: array.copy() for name, array in a.arrays.items()}
    if moved:
        arrays["anchors"] += 1
    for name, place, value in faults:
        if name in arrays:
            own = arrays[name].astype(np.float64)
            own.flat[place % own.size] = value
            arrays[name] = own
    found = compare_dumps(a, make_dump("b.npz", arrays, a.operators))
    assert found.left(0) is None
    assert list(tell(found))
    for own in found.stages:
        unequal = own.causes != Cause.NONE
        assert not (unequal & own.held[1].wrong & (own.causes != Cause.ERROR)).any()
    if found.left(1) is not None:
        assert found.status == 1


def test_what_cannot_be_derived_is_told_and_never_raised():
    a = run(scene(8), CHAINS["plain"])
    image, anchor = np.argwhere(a.arrays["matches"] >= 0)[0]
    for value, reason in ((99, "expected a match from 0 to 3"), (0.5, "expected a match")):
        matches = put(image, anchor, value=value)(a.arrays["matches"].astype(np.float64))
        b = make_dump("b", {**a.arrays, "matches": matches}, a.operators)
        found = compare_dumps(a, b)
        assert found.left(1).stage.name == "matches"
        undefined = [own for own in found.stages if own.held[1].undefined]
        assert reason in undefined[-1].held[1].undefined
        assert found.status == 1
        assert "cannot be derived" in words(found)


def test_a_number_that_is_none_is_wrong_where_it_stands():
    a = run(scene(8), CHAINS["plain"])
    ious = put(0, 7, 1, value=np.nan)(a.arrays["ious"].copy())
    found = compare_dumps(a, make_dump("b", {**a.arrays, "ious": ious}, a.operators))
    assert np.argwhere(stage(found, "ious").held[1].wrong).tolist() == [[0, 7]]
    assert "is nan" in words(found)


def test_padding_of_one_side_is_no_difference():
    inputs = scene(9)
    pad = {
        **inputs,
        "boxes": np.concatenate([inputs["boxes"], np.full((2, 3, 4), -1.0)], 1),
        "labels": np.concatenate([inputs["labels"], np.full((2, 3), -1)], 1),
    }
    found = compare_dumps(run(inputs, CHAINS["ssd"]), run(pad, CHAINS["ssd"]))
    assert found.cause == Cause.NONE
    assert found.inputs == []


def test_nothing_to_assign_to_is_nothing_to_differ_in():
    a = run(scene(9, objects=1), CHAINS["plain"])
    inputs = scene(9, objects=1)
    none = {k: v[:, :0] if k in ("boxes", "labels") else v for k, v in inputs.items()}
    found = compare_dumps(run(none, CHAINS["plain"]), run(none, CHAINS["plain"]))
    assert found.status == 0
    found = compare_dumps(a, run(none, CHAINS["plain"]))
    assert found.status == 1
    assert words(found).startswith(
        "They were given different inputs: A alone has ground truth 0 of image 0 and 1 more."
    )


def test_some_stages_alone_can_be_compared():
    rest = ("labels", "cls_targets", "cls_masks", "box_targets", "box_masks")
    a = run(scene(10), CHAINS["rpn"], without=rest)
    b = run(scene(10), CHAINS["rpn"], without=(*rest,), rng=3)
    assert [own.stage.name for own in compare_dumps(a, b).stages] == ["ious", "matches", "samples"]


def test_a_stage_of_one_side_alone_is_told_and_not_compared():
    a = run(scene(10), CHAINS["plain"], name="a.npz")
    b = run(scene(10), CHAINS["plain"], name="b.npz", without=("cls_targets",))
    for dumps, side in (((a, b), "A"), ((b, a), "B")):
        found = compare_dumps(*dumps)
        assert found.status == 0
        assert f"cls_targets: in {side} alone, not compared" in words(found)
        assert len(found.stages) == 4


def test_dumps_without_a_common_stage_are_an_error_that_says_which_they_have():
    every = ("ious", "matches", "samples", "cls_targets", "box_targets")
    a = run(scene(10), CHAINS["plain"], name="a.npz", without=every[1:])
    b = run(scene(10), CHAINS["plain"], name="b.npz", without=("ious", *every[2:]))
    with pytest.raises(ValueError, match=r"b\.npz: has matches, and a\.npz has ious; expected"):
        compare_dumps(a, b)


def test_other_anchors_are_an_error_that_says_how_many():
    a = run(scene(10), CHAINS["plain"], name="a.npz")
    b = run(scene(10, anchors=119), CHAINS["plain"], name="b.npz")
    with pytest.raises(ValueError, match=r"b\.npz: 119 anchors, in a\.npz 120; expected"):
        compare_dumps(a, b)


def test_only_so_many_are_explained():
    inputs, plain = scene(2, anchors=400), CHAINS["plain"]
    a, b = run(inputs, plain), run(inputs, {**plain, "matcher": rk.MaximumMatcher(0.7)})
    found = compare_dumps(a, b)
    assert " ".join(tell(found, 5)).count("image ") == 5
    assert " ".join(tell(found, 0)).count("image ") == 0
