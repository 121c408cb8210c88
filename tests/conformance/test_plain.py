"""A plain case has ordinary boxes and numbers, and finite results."""

import numpy as np
import pytest

from refkernels.conformance.cases import find, operators
from refkernels.conformance.model.operator import Case
from refkernels.conformance.model.plain import ONE, Oddness, Plainness, without_extent

PLAIN = Oddness(infinite=False, boxes=0, numbers=0)
ANCHORS, REFS = [[0.0, 0, 2, 2], [1, 1, 4, 5]], [[0.0, 0, 2, 3], [-1, -1, -1, -1]]


def encoding(anchors=ANCHORS, refs=REFS, matches=(0, 0), **config):
    inputs = {"samples": np.ones(2), "matches": np.array(matches, float)}
    return Case(config, {**inputs, "anchors": np.array(anchors), "refs": np.array(refs)})


def oddness(case, name="NormalizedBoxCenterEncoder", dtype="float32"):
    return Plainness(find(name), dtype).oddness(case)


def test_ordinary_boxes_are_plain():
    assert oddness(encoding(refs=ANCHORS)) == PLAIN


def test_what_is_infinite_is_odder_than_any_box_without_extent():
    padded, matched = oddness(encoding()), oddness(encoding(matches=[0, 1]))
    assert padded == PLAIN._replace(boxes=1)
    assert matched == padded._replace(infinite=True)
    assert PLAIN < padded < oddness(encoding(refs=[[0, 0, 2, 3], [5, 0, 2, 3]])) < matched


@pytest.mark.parametrize("box", [[5, 5, 5, 8], [5, 5, 8, 5], [3, 3, 1, 1], [5, 5, 5, 5]])
def test_a_box_without_extent_that_pads_nothing_counts_twice(box):
    case = Case({}, {"x": np.array([[0, 0, 1, 1], box, [0, 0, 0, 0]], float)})
    assert oddness(case, "BBoxArea").boxes == 3
    assert without_extent(find("BBoxArea"), case) == ["x[1]"]


def test_extent_is_that_of_the_format_and_the_axis():
    boxes = np.array([[5.0, 5, 3, 1], [7, 7, 0, 1]])
    case = Case({"fmt": "center", "axis": 0}, {"x": boxes.T})
    assert oddness(case, "BBoxArea").boxes == 2
    assert without_extent(find("BBoxArea"), case) == ["x[1]"]
    assert oddness(Case({}, {"x": boxes}), "BBoxCenterToCorner").boxes == 2
    offsets = {"x": np.zeros((2, 4)), "anchors": boxes}
    assert oddness(Case({}, offsets), "NormalizedBoxCenterDecoder").boxes == 2
    corner = Case({"convert_anchor": True}, offsets)
    assert oddness(corner, "NormalizedBoxCenterDecoder").boxes == 4


def test_extent_is_what_is_left_in_the_dtype():
    case = Case({}, {"x": np.array([[4096.0, 0, 4097, 1]])})
    assert oddness(case, "BBoxArea", "float16").boxes == 2
    assert oddness(case, "BBoxArea", "float32").boxes == 0


@pytest.mark.parametrize("number", [1e7, -1e300, 1e-12])
def test_numbers_that_are_no_usual_ones_count(number):
    x = np.array([[0.5, number, -3, 0]])
    assert oddness(Case({"thresh": 1e-308}, {"x": x}), "MultiClassDecoder", "float64").numbers == 2
    assert oddness(Case({"thresh": 0.5}, {"x": 0 * x}), "MultiClassDecoder") == PLAIN


def test_what_is_no_case_has_no_rank():
    with pytest.raises(ValueError, match="match"):
        oddness(encoding(matches=[7, 7]))


def places(case):
    return [case.inputs[name].tolist() for name in ("anchors", "refs")]


def test_odd_boxes_become_ordinary_together_and_one_by_one():
    flat = [5.0, 5, 5, 5]
    case = encoding(anchors=[flat, flat], refs=[[0.0, 0, 2, 3], flat])
    plainness = Plainness(find("NormalizedBoxCenterEncoder"), "float32")
    found = list(plainness.plainer(case))
    assert plainness.oddness(found[0]) == PLAIN
    assert found[0].inputs["refs"][0].tolist() == [0, 0, 2, 3]
    assert any(anchors == [flat, flat] and refs[1] != flat for anchors, refs in map(places, found))
    assert any(anchors[0] != flat == anchors[1] for anchors, _ in map(places, found))
    assert all(plainness.oddness(other) < plainness.oddness(case) for other in found)


def test_odd_numbers_become_usual():
    case = Case({"thresh": 1e-308}, {"x": np.array([[0.5, 1e300, -3, 1e-300]])})
    plainness = Plainness(find("MultiClassDecoder"), "float64")
    found = list(plainness.plainer(case))
    assert found[0].inputs["x"].tolist() == [[0.5, 1, -3, 1]]
    assert found[-1].config == {"thresh": 0.5}


def test_boxes_come_nearer_and_padding_stays():
    plainness = Plainness(find("BBoxBatchIOU"), "float64")
    boxes = {"a": np.array([[300.0, 400, 320, 430]]), "b": np.array([[310.0, 402, 340, 408]])}
    boxes["b"] = np.concatenate([boxes["b"], [[-1, -1, -1, -1]]])
    near, half, large = plainness.nearer(Case({}, boxes))
    assert near.inputs["a"].tolist() == [[0, 0, 20, 30]]
    assert near.inputs["b"].tolist() == [[10, 2, 40, 8], [-1, -1, -1, -1]]
    assert half.inputs["a"].tolist() == [[150, 200, 160, 215]]
    assert large.inputs["a"].tolist() == (64 * boxes["a"]).tolist()


WITH_BOXES = [name for name, o in operators().items() if any(o.annotated(ONE))]


@pytest.mark.parametrize("name", WITH_BOXES)
def test_standard_cases_are_plain(name):
    plainness = Plainness(find(name), "float32")
    images = list(plainness.standard({}))[::2]  # the others have no parameters
    assert len(images) > 1
    assert all(plainness.oddness(case) == PLAIN for case in images)


@pytest.mark.parametrize("config", [{}, {"fmt": "center"}, {"axis": 1}])
def test_ordinary_boxes_take_the_place_of_any(config):
    plainness = Plainness(find("BBoxBatchIOU"), "float16")
    shape = (3, 4, 200) if "axis" in config else (3, 200, 4)
    case = Case(config, {"a": np.zeros(shape), "b": np.zeros(shape, np.float32)})
    for ordinary in plainness.ordinary(case):
        assert plainness.oddness(ordinary) == PLAIN
        assert ordinary.inputs["a"].shape == shape
        assert ordinary.inputs["b"].dtype == np.float32
