"""Functions of one's own are recorded as the operators that they are said to be."""

import numpy as np
import pytest

import refkernels as rk
from refkernels.explain import compare_dumps, record, recorded
from refkernels.explain.diff.headline import headline
from refkernels.explain.recording.functions import WATCHING

ANCHORS = np.float32([[0, 0, 10, 10], [0, 0, 10, 5], [20, 20, 30, 30]])
BOXES = np.float32([[0, 0, 10, 10]])


@recorded("BBoxBatchIOU")
def overlaps(priors, truths, scale=1.0):
    """IoUs of somebody's own, by names of their own."""
    return rk.BBoxBatchIOU()(priors, truths) * np.float32(scale)


@recorded(rk.MaximumMatcher(0.5))
def match(x):
    """One that takes what is above the threshold, not what reaches it."""
    return np.where(x.max(-1) > 0.5, x.argmax(-1), -1)


class Coder:
    @recorded("MultiClassEncoder")
    def classes(self, samples, matches, labels):
        return rk.MultiClassEncoder()(samples, matches, labels)


def test_functions_are_recorded_like_operators(tmp_path):
    with record(tmp_path / "a.npz") as recorder:
        matches = match(overlaps(ANCHORS, truths=BOXES))
        samples = rk.NaiveSampler()(matches)
        Coder().classes(samples, matches, labels=np.array([3]))
    dump = recorder.dump
    assert [stage.name for stage in dump.stages] == ["ious", "matches", "samples", "cls_targets"]
    assert dump.operators["iou"] == rk.BBoxBatchIOU()
    assert dump.operators["matcher"] == rk.MaximumMatcher(0.5)
    assert np.array_equal(dump.arrays["anchors"], ANCHORS[None])
    assert dump.arrays["cls_targets"].tolist() == [[4, 0, 0]]
    told = headline(compare_dumps(dump, dump))
    assert told.startswith("A leaves the contract first at matches: for 1 of 3 anchors")


def test_the_default_parameters_of_a_name_are_told(tmp_path):
    with record(tmp_path / "a.npz") as recorder:
        overlaps(ANCHORS, BOXES, 1.0)
    assert recorder.assumed == [
        "axis of BBoxBatchIOU is -1",
        "fmt of BBoxBatchIOU is corner",
        "offset of BBoxBatchIOU is 0",
        "eps of BBoxBatchIOU is 1e-15",
    ]


def test_what_is_inside_a_function_is_its_own_business(tmp_path):
    with record(tmp_path / "a.npz", overlaps, rk.BBoxBatchIOU) as recorder:
        overlaps(ANCHORS, BOXES, scale=0.5)
    assert recorder.dump.arrays["ious"].ravel().tolist() == [0.5, 0.25, 0.0]


def test_only_functions_that_are_named_are_recorded(tmp_path):
    with record(tmp_path / "a.npz", match) as recorder:
        match(overlaps(ANCHORS, BOXES))
    assert list(recorder.dump.arrays) == ["ious", "matches"]
    with record(tmp_path / "a.npz", rk.NaiveSampler) as recorder:
        rk.NaiveSampler()(match(overlaps(ANCHORS, BOXES)))
    assert list(recorder.dump.arrays) == ["matches", "samples"]


def test_a_name_without_defaults_asks_for_a_contract(tmp_path):
    @recorded("MaximumMatcher")
    def nearest(x):
        return x.argmax(-1)

    ious = np.array([[0.75], [0.25]])
    message = r"parameters of MaximumMatcher cannot be told: .*contract=\{'matcher'"
    with pytest.raises(ValueError, match=message), record(tmp_path / "a.npz"):
        nearest(ious)
    with record(tmp_path / "a.npz", contract={"matcher": rk.MaximumMatcher(0.5)}) as recorder:
        nearest(ious)
    assert recorder.dump.operators["matcher"] == rk.MaximumMatcher(0.5)


def test_a_matcher_that_looks_at_more_may_be_a_function_as_well(tmp_path):
    own = rk.TaskAlignedMatcher(1)

    @recorded(own)
    def assign(metric, ious, inside):
        return own(metric, ious, inside)

    metric = np.array([[0.25], [0.5]])
    with record(tmp_path / "a.npz") as recorder:
        assign(metric, metric, metric > 0)
    assert list(recorder.dump.arrays) == ["inside", "metric", "ious", "matches"]
    assert recorder.dump.arrays["matches"].tolist() == [[-1, 0]]


def test_outside_of_a_block_nothing_watches(tmp_path):
    with pytest.raises(ZeroDivisionError), record(tmp_path / "a.npz"):
        raise ZeroDivisionError(len(WATCHING))
    assert WATCHING == []
    assert match(overlaps(ANCHORS, BOXES)).tolist() == [0, -1, -1]


def test_two_blocks_both_see_a_call(tmp_path):
    with record(tmp_path / "a.npz") as first, record(tmp_path / "b.npz") as second:
        overlaps(ANCHORS, BOXES)
    assert np.array_equal(first.dump.arrays["ious"], second.dump.arrays["ious"])


def test_a_wrong_call_is_the_function_s_own_error(tmp_path):
    with pytest.raises(TypeError, match="truths"), record(tmp_path / "a.npz"):
        overlaps(ANCHORS)


def test_what_is_no_operator_or_no_function_is_refused():
    for operator in ("box_iou", rk.NMS(0.5)):
        with pytest.raises(ValueError, match=r"^operator: expected one of BBoxBatchIOU, "):
            recorded(operator)
    with pytest.raises(TypeError, match=r"^recorded: expected a function, got "):
        recorded("BBoxBatchIOU")(Coder)
