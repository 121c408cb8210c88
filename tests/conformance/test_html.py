"""The page: complete, escaped, drawn, and alone."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from refkernels.conformance.cases import find
from refkernels.conformance.engine.replay import Saved, save
from refkernels.conformance.engine.run import Result
from refkernels.conformance.model.dissent import Dissent
from refkernels.conformance.model.operator import Case
from refkernels.conformance.report.drawing import MARGIN, MOST_BOXES, SIZE, draw
from refkernels.conformance.report.html import as_html

# Of processes, files and pages: the versions of NumPy and of frameworks play no part.
pytestmark = pytest.mark.once

VOID = {"meta", "input", "rect", "circle"}


class Page(HTMLParser):
    """What is in a page: its elements with their attributes, and its text."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.open, self.texts = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag
        if tag in ("td", "th"):
            self.texts.append(" ")

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.texts.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", "".join(self.texts))

    def all(self, tag, name=""):
        return [a for t, a in self.elements if t == tag and name in a.get("class", "").split(" ")]


@pytest.fixture
def page(summary):
    return Page(as_html(summary))


def boxes(**inputs):
    return Case({}, {name: np.array(value, np.float64) for name, value in inputs.items()})


def test_elements_are_closed_in_order(page):
    assert page.open == []


def test_there_is_a_row_for_each_operator(page, summary):
    rows = page.all("details", "operator")
    assert [row["data-verdict"] for row in rows] == [r.verdict for r in summary.results]
    for result in summary.results:
        assert result.operator in page.text


def test_the_page_needs_nothing_else(summary):
    text = as_html(summary)
    page = Page(text)
    for _, attributes in page.elements:
        assert not {"src", "href", "srcset", "action", "data"} & set(attributes)
    assert "url(" not in text
    assert "@import" not in text
    (policy,) = (a["content"] for a in page.all("meta") if "http-equiv" in a)
    assert policy.startswith("default-src 'none'")


def test_what_a_target_says_is_text(summary):
    page = Page(as_html(summary))
    assert len(page.all("script")) == 1
    assert not page.all("b")
    assert "<script>alert('x')</script> &" in page.text
    assert "my.blocks<b>" in page.text
    said = page.all("details", "operator")[2]["data-text"]
    assert "<script>alert('x')</script>" in said


def test_the_summary_counts(page):
    assert "7 of 9 operators fail; 313 cases in 12.5 s" not in page.text
    assert "6 of 9 operators fail" in page.text
    assert "2 diverges" in page.text
    assert "3 decisions on a tie or threshold" in page.text


def test_inputs_are_tables(page):
    assert "a float32, 2 by 4" in page.text
    assert "5.0 5.0 15.0 15.0" in page.text


def test_large_inputs_are_cut_and_say_so(page):
    assert "x float32, 6 by 30 by 2" in page.text
    assert "x[3]" in page.text
    assert "x[4]" not in page.text
    assert "and 2 more tables" in page.text
    assert "and 18 more rows" in page.text


def test_values_are_those_of_the_dtype_that_failed(summary):
    case = boxes(x=[[0.1, 0, 1, 1]])
    dissent = replace(summary.results[0].dissents[0], dtype="float16", case=case)
    page = Page(
        as_html(replace(summary, results=[Result("BBoxArea", "diverges", dissents=[dissent])]))
    )
    assert "0.1" in page.text
    assert "0.09998" not in page.text  # float16 shows 0.1 as such


@pytest.mark.parametrize("shape", [(), (0,), (3,), (0, 4), (2, 0, 4), (2, 3, 4, 5)])
def test_every_shape_of_input_is_shown(summary, shape):
    dissent = replace(summary.results[1].dissents[0], case=boxes(x=np.ones(shape)))
    results = [Result("MaximumMatcher", "diverges", dissents=[dissent])]
    text = Page(as_html(replace(summary, results=results))).text
    assert (" by ".join(map(str, shape)) or "a single number") in text


def test_a_case_that_is_too_large_for_the_report_is_taken_from_where_it_is_saved(summary, tmp_path):
    case = boxes(x=np.zeros((11, 1000)))
    seen = ("float32", "call", "cpu", "diverges", "")
    place = save(tmp_path, Saved("my.blocks", "MaximumMatcher", case, "", *seen))
    dissent = replace(summary.results[1].dissents[0], case=None, saved=str(place))
    results = [Result("MaximumMatcher", "diverges", dissents=[dissent])]
    text = Page(as_html(replace(summary, results=results))).text
    assert "x float32, 11 by 1000" in text
    assert "refkernels replay" in text
    for file in place.iterdir():
        file.unlink()
    assert "x float32" not in Page(as_html(replace(summary, results=results))).text


def test_a_huge_paste_is_left_out(summary):
    dissent = replace(summary.results[0].dissents[0], paste="x" * 30_000)
    results = [Result("BBoxBatchIOU", "diverges", dissents=[dissent])]
    assert "too large to be pasted" in Page(as_html(replace(summary, results=results))).text


def test_nothing_at_all_is_a_page(summary):
    page = Page(as_html(replace(summary, results=[])))
    assert "0 of 0 operators fail" in page.text


def test_boxes_are_drawn_with_their_ious(page):
    assert page.all("rect", "group0")
    assert page.all("rect", "group1")
    assert len(page.all("rect", "inverted")) == 1
    # a[0] is b[0]; a[1] overlaps it by 25 of 175.
    assert "a[0] 1 0 0" in page.text
    assert "a[1] 0.1429 0 0" in page.text


def test_boxes_lie_where_they_should():
    (drawing,) = draw(find("BBoxBatchIOU"), boxes(a=[[0, 0, 10, 10]], b=[[10, 20, 40, 30]]))
    a, b = drawing.shapes
    scale = SIZE / 40
    assert (a.x, a.y, a.width, a.height) == (MARGIN, MARGIN, 10 * scale, 10 * scale)
    assert (b.x, b.y) == (MARGIN + 10 * scale, MARGIN + 20 * scale)
    assert (drawing.width, drawing.height) == (SIZE + 2 * MARGIN, 30 * scale + 2 * MARGIN)
    assert (drawing.low, drawing.high) == ("(0, 0)", "(40, 30)")


@pytest.mark.parametrize(
    ("operator", "config", "x"),
    [
        ("BBoxArea", {}, [[0, 0, 4, 2]]),
        ("BBoxArea", {"fmt": "center"}, [[2, 1, 4, 2]]),
        ("BBoxArea", {"axis": 0}, [[0], [0], [4], [2]]),
        ("BBoxCenterToCorner", {}, [[2, 1, 4, 2]]),
        ("BBoxSplit", {"axis": 1}, [[0, 0, 4, 2]]),
    ],
)
def test_every_way_to_write_boxes_is_drawn_alike(operator, config, x):
    (drawing,) = draw(find(operator), Case(config, {"x": np.array(x, np.float64)}))
    (shape,) = drawing.shapes
    assert (shape.width, shape.height) == (SIZE, SIZE / 2)
    assert drawing.rows == []  # one box has nothing to overlap with


def test_equal_boxes_share_a_label():
    (drawing,) = draw(find("BBoxArea"), boxes(x=[[0, 0, 4, 2], [0, 0, 1, 1], [0, 0, 4, 2]]))
    assert [shape.label for shape in drawing.shapes] == ["x[0, 2]", "x[1]"]
    assert drawing.ious[0] == ["1", "0.125", "1"]


def test_images_of_a_batch_are_drawn_apart():
    a = [[[0, 0, 1, 1]]]
    drawings = draw(find("BBoxBatchIOU"), boxes(a=a, b=[[[0, 0, 1, 1]], [[0, 0, 2, 1]], [[0] * 4]]))
    assert [drawing.caption for drawing in drawings] == ["image 0 of 3", "image 1 of 3"]
    assert [drawing.ious for drawing in drawings] == [[["1"]], [["0.5"]]]


@pytest.mark.parametrize("name", ["MaximumMatcher", "MultiClassEncoder", "SplitSampler"])
def test_what_has_no_boxes_is_not_drawn(name):
    inputs = {"samples": np.ones((1, 4)), "matches": np.ones((1, 4)), "refs": np.ones((1, 4))}
    assert draw(find(name), Case({}, inputs if name == "MultiClassEncoder" else {})) == []


def test_offsets_of_a_decoder_are_no_boxes():
    case = boxes(x=[[[9, 9, 9, 9]]], anchors=[[[2, 1, 4, 2]]])
    (drawing,) = draw(find("NormalizedBoxCenterDecoder"), case)
    assert drawing.names == ["anchors"]
    assert (drawing.low, drawing.high) == ("(0, 0)", "(4, 2)")
    case = Case({"convert_anchor": True}, case.inputs)
    assert draw(find("NormalizedBoxCenterDecoder"), case)[0].low == "(2, 1)"


def test_the_offset_of_an_iou_is_its_own():
    case = Case({"offset": 1}, {"a": np.array([[0.0, 0, 1, 1]]), "b": np.array([[1.0, 1, 2, 2]])})
    (drawing,) = draw(find("BBoxBatchIOU"), case)
    assert drawing.ious == [["0.1429"]]


@pytest.mark.parametrize(
    "a",
    [
        [[0, 0, 0, 0]],
        [[5, 5, 5, 9]],
        [[-1.7e308, -1.7e308, 1.7e308, 1.7e308]],
        [[5e-324, 0, 1e-323, 0]],
        [[1e300, 0, 1, 1e-300]],
        [[0, 0, 1, 1]] * 50,
    ],
)
def test_every_finite_box_can_be_drawn(a):
    (drawing,) = draw(find("BBoxBatchIOU"), boxes(a=a, b=a))
    assert len(drawing.rows) <= MOST_BOXES
    for shape in drawing.shapes:
        numbers = np.array([shape.x, shape.y, shape.width, shape.height])
        assert np.isfinite(numbers).all()
        assert (numbers >= 0).all()
        assert shape.x + shape.width <= SIZE + MARGIN + 1e-6
        assert shape.y + shape.height <= SIZE + MARGIN + 1e-6


def test_chains_show_their_boxes():
    case = boxes(anchors=[[[0, 0, 4, 4]]], boxes=[[[0, 0, 4, 2]]], labels=[[1]], logits=[[[0] * 4]])
    (drawing,) = draw(find("SSDTargets"), case)
    assert drawing.names == ["anchors", "boxes"]
    assert drawing.ious == [["0.5"]]


def test_the_template_is_part_of_the_package():
    import refkernels

    assert (
        Path(refkernels.__file__).parent / "conformance" / "report" / "report.html.jinja"
    ).is_file()


def test_a_law_has_a_place_without_a_case(summary):
    law = Dissent(
        "target", "breaks a law", "too often", "float32", "call", "cpu", "print(1)", "a law", "fair"
    )
    page = Page(
        as_html(replace(summary, results=[Result("QuotaSampler", "breaks a law", dissents=[law])]))
    )
    assert "too often" in page.text
    assert not page.all("table")
