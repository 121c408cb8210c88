"""The page of a trace: one file, whole, with what is near a decision and the rest as counts."""

import json
import re

import numpy as np
import pytest
from click.testing import CliRunner

from refkernels import MaximumMatcher
from refkernels.assign import TargetAssigner
from refkernels.cli.main import main
from refkernels.explain import explain
from refkernels.explain.trace.nearest import NEAR
from refkernels.explain.trace.page import CELLS, as_page, write_page
from refkernels.explain.trace.records import Stage
from tests.compiled import needs_compiler
from tests.explain.chains import scene

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c02"
    "0000000b4944415478da63fcff1f0003030200efbfa7db0000000049454e44ae426082"
)


def traced(seed=0, anchors=300, objects=4, **options):
    inputs = scene(seed, anchors, 1, objects)
    assigner = TargetAssigner(inputs["anchors"], **options)
    return explain(assigner, inputs["boxes"][0], inputs["labels"][0], rng=0)


def data_of(page):
    return json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL).group(1))


def test_every_anchor_is_there_once_or_counted_once():
    trace = traced()
    data = data_of(as_page(trace, most=50))
    own = data["anchors"]["anchor"]
    assert len(set(own)) == len(own) == 50
    counted = np.bincount(trace.anchors["stage"][own], minlength=len(Stage))
    for column, row, stage, count in data["rest"]:
        assert 0 <= column < CELLS
        assert 0 <= row < CELLS
        counted[stage] += count
    assert {Stage(i): n for i, n in enumerate(counted) if n} == trace.counts()


def test_what_is_matched_is_there_and_then_what_misses_by_least():
    trace = traced(1)
    records = trace.anchors
    own = data_of(as_page(trace))["anchors"]["anchor"]
    near = (records["match"] >= 0) | ((records["iou"] > 0) & (np.abs(records["margin"]) <= NEAR))
    assert set(own) == set(np.flatnonzero(near))
    matched = int((records["match"] >= 0).sum())
    assert 0 < matched < len(own)
    assert (records["match"][own[:matched]] >= 0).all()
    misses = np.abs(records["margin"][own[matched:]])
    assert (np.diff(misses) >= 0).all()


def test_records_and_sentences_are_those_of_the_trace():
    trace = traced(2)
    anchors = data_of(as_page(trace))["anchors"]
    for i, anchor in enumerate(anchors["anchor"]):
        record = trace.anchors[anchor]
        assert anchors["why"][i] == trace.why(anchor)
        for name in ("match", "sample", "stage", "best", "runner_up", "round"):
            assert anchors[name][i] == record[name]
        for name in ("iou", "margin", "gap", "threshold"):
            if anchors[name][i] is None:
                assert not np.isfinite(record[name])
            else:
                assert anchors[name][i] == pytest.approx(record[name], rel=1e-5)
        assert anchors["boxes"][4 * i : 4 * i + 4] == pytest.approx(
            trace.anchor_boxes[anchor].tolist(), rel=1e-5
        )


@needs_compiler
def test_a_page_of_many_anchors_is_small():
    trace = explain(TargetAssigner.rpn_fpn(), scene(3)["boxes"][0] * 5, rng=0)
    assert len(trace.anchors) == 261_888
    assert len(as_page(trace).encode()) < 1_000_000


def test_names_are_no_markup():
    evil = '</script><script>alert("x")</script>'
    page = as_page(traced(), title=evil)
    assert "<script>alert" not in page
    trace = explain(MaximumMatcher(0.5), [[0.9, 0.1]], name=evil)
    assert "<script>alert" not in as_page(trace)


def test_a_page_loads_nothing():
    page = as_page(traced())
    assert "default-src 'none'" in page
    assert not re.search(r"(src|href)\s*=", page)
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")


def test_a_picture_becomes_part_of_the_page(tmp_path):
    (tmp_path / "image.png").write_bytes(PIXEL)
    page = as_page(traced(), image=tmp_path / "image.png", extent=(100, 80))
    assert 'src="data:image/png;base64,' in page
    data = data_of(page)
    assert data["place"] == [0, 0, 100, 80]
    assert data["view"][2] >= 100
    (tmp_path / "image.tiff").write_bytes(b"II*\0")
    with pytest.raises(ValueError, match=r"image\.tiff: not a picture that browsers show; expec"):
        as_page(traced(), image=tmp_path / "image.tiff")
    with pytest.raises(FileNotFoundError):
        as_page(traced(), image=tmp_path / "nowhere.png")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"most": 0}, "most: expected an integer of at least 1"),
        ({"extent": (1, 2, 3)}, "extent: expected 2 numbers"),
        ({"extent": (1, float("nan"))}, r"extent\[1\] is nan"),
    ],
)
def test_bad_parameters(options, message):
    with pytest.raises(ValueError, match=message):
        as_page(traced(), **options)


def test_ious_alone_have_a_page_without_a_drawing():
    trace = explain(MaximumMatcher(0.5), [[0.9, 0.8], [0.7, 0.1], [0.2, 0.3]])
    data = data_of(as_page(trace))
    assert data["view"] is None
    assert data["anchors"]["boxes"] is None
    assert data["anchors"]["anchor"] == [0, 1, 2]


@pytest.mark.parametrize("anchors", [0, 1, 5])
@pytest.mark.parametrize("objects", [0, 1])
def test_nothing_is_no_problem(anchors, objects):
    assigner = TargetAssigner(np.tile([0.0, 0.0, 5.0, 5.0], (anchors, 1)))
    trace = explain(assigner, np.zeros((objects, 4)), np.zeros(objects, int))
    data = data_of(as_page(trace))
    assert sum(own[3] for own in data["rest"]) + len(data["anchors"]["anchor"]) == anchors
    assert np.isfinite(data["view"]).all()
    assert data["view"][0] < data["view"][2]


def test_a_page_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    place = tmp_path / "page.html"
    write_page(traced(), place)
    before = place.read_text()

    def breaks(self, text, **options):
        self.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(type(place), "write_text", breaks)
    with pytest.raises(OSError, match="disk full"):
        write_page(traced(1), place)
    assert place.read_text() == before
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_ignored_regions_are_drawn():
    inputs = scene(5, 200, 1)
    region = [[1.0, 2.0, 60.0, 70.0]]
    assigner = TargetAssigner(inputs["anchors"])
    trace = explain(assigner, inputs["boxes"][0], inputs["labels"][0], region)
    page = as_page(trace)
    assert data_of(page)["regions"] == region
    assert "Dotted boxes are ignored regions." in page
    assert data_of(as_page(traced()))["regions"] == []


def test_the_command_writes_it_with_the_picture_in_the_anchors_unit(tmp_path):
    (tmp_path / "image.png").write_bytes(PIXEL)
    arguments = ["explain", "--picture", str(tmp_path / "image.png")]
    result = CliRunner().invoke(main, [*arguments, "--html", str(tmp_path / "page.html")])
    assert result.exit_code == 0, result.output
    data = data_of((tmp_path / "page.html").read_text())
    assert data["place"] == [0, 0, 300, 300]
    assert data["anchors"]["anchor"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert "picture: is for the page and the picture, expected html or png as well" in result.output
