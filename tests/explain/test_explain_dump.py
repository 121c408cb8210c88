"""`explain` on a recorded assignment, and with operators of a file."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import refkernels as rk
from refkernels.cli.main import main
from refkernels.explain import explain
from refkernels.explain.diff.dump import make_dump
from refkernels.explain.dumped import trace_of_dump
from tests.explain.chains import CHAINS, put, run, scene

pytestmark = pytest.mark.once


def command(*arguments):
    return CliRunner().invoke(main, ["explain", *map(str, arguments)])


@pytest.mark.parametrize("chain", CHAINS)
def test_an_image_of_a_dump_is_explained_by_its_own_operators(chain, tmp_path):
    dump = run(scene(3), CHAINS[chain])
    dump.write(tmp_path / "a.npz")
    result = command(tmp_path / "a.npz", "--image", 1, "--anchor", 7)
    assert result.exit_code == 0, result.output
    assert f"{tmp_path / 'a.npz'}, image 1: 120 anchors, 4 ground truths" in result.output
    assert "Anchor 7 is " in result.output
    trace, notes = trace_of_dump(dump, "1")
    assert np.array_equal(trace.matches, dump.arrays["matches"][1])
    assert np.array_equal(trace.labels, dump.arrays["labels"][1])
    if chain in ("ssd", "plain"):
        assert notes == []
        assert np.array_equal(trace.samples, dump.arrays["samples"][1])
    else:
        assert notes == [] or notes[0].endswith("they are drawn anew.")


def test_a_page_and_a_picture_of_a_dump_are_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    pytest.importorskip("jinja2")
    run(scene(3), CHAINS["plain"]).write(tmp_path / "a.npz")
    places = tmp_path / "a.html", tmp_path / "a.png"
    result = command(tmp_path / "a.npz", "--html", places[0], "--png", places[1])
    assert result.exit_code == 0, result.output
    assert "why anchors were matched" in places[0].read_text()
    assert places[1].read_bytes()[:4] == b"\x89PNG"


def test_a_matcher_alone_is_explained():
    ious = np.array([[0.5, 0.2], [0.1, 0.8]])
    dump = make_dump("a", {"ious": ious}, {"matcher": rk.MaximumMatcher(0.5)})
    trace, notes = trace_of_dump(dump)
    assert (
        str(trace).splitlines()[1:] == str(explain(rk.MaximumMatcher(0.5), ious)).splitlines()[1:]
    )
    assert notes == []
    assert trace.anchor_boxes is None


def test_boxes_without_ious_are_enough_and_so_are_centres():
    own = scene(3)
    arrays = {"anchors": own["anchors"], "boxes": own["boxes"], "matches": np.zeros((2, 120), int)}
    dump = make_dump("a", arrays, {"matcher": rk.MaximumMatcher(0.5)})
    trace, notes = trace_of_dump(dump)
    matches = rk.MaximumMatcher(0.5)(rk.BBoxBatchIOU()(own["anchors"], own["boxes"][0]))
    assert np.array_equal(trace.matches, matches)
    assert notes[0].startswith("The dump has other matches at ")
    assert notes[0].endswith("of 120 anchors: refkernels diff says where and why.")
    centres = {
        name: rk.BBoxCornerToCenter()(array) if name != "matches" else array
        for name, array in arrays.items()
    }
    operators = {"iou": rk.BBoxBatchIOU(fmt="center"), "matcher": rk.MaximumMatcher(0.5)}
    other, _ = trace_of_dump(make_dump("b", centres, operators))
    assert np.array_equal(other.matches, matches)
    assert np.allclose(other.boxes, trace.boxes)


def test_the_first_image_with_objects_is_taken_and_padding_left_out():
    own = scene(3)
    own["boxes"][0] = -1
    own["boxes"][1, 2:] = -1
    trace, _ = trace_of_dump(run(own, CHAINS["plain"]))
    assert trace.name == "a.npz, image 1"
    assert len(trace.truths) == 2
    own["boxes"][1] = -1
    trace, _ = trace_of_dump(run(own, CHAINS["plain"]))
    assert trace.name == "a.npz, image 0"
    assert len(trace.truths) == 0


def test_what_differs_from_the_operators_is_noted(tmp_path):
    flipped = put(0, 5, value=lambda value: -1 if value >= 0 else 0)
    run(scene(3), CHAINS["plain"], matches=flipped).write(tmp_path / "a.npz")
    assert (
        "The dump has other matches at 1 of 120 anchors: refkernels diff says where and why."
        in command(tmp_path / "a.npz").output
    )


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "operators.json"
    matcher = {"operator": "MaximumMatcher", "config": {"threshold": 0.9}}
    path.write_text(json.dumps({"matcher": matcher}))
    return path


def test_operators_of_a_file_stand_in_place_of_a_preset_s(config):
    result = command("--config", config, "--preset", "ssd300")
    assert result.exit_code == 0, result.output
    assert "ssd300 with other operators, image " in result.output
    assert "bipartite round" not in result.output
    assert "misses the threshold 0.9" in command("--config", config, "--anchor", 0).output or (
        "overlaps no ground truth" in command("--config", config, "--anchor", 0).output
    )


def test_operators_of_a_file_stand_in_place_of_a_dump_s(config, tmp_path):
    dump = run(scene(3), CHAINS["plain"])
    np.savez(tmp_path / "a.npz", ious=dump.arrays["ious"])
    assert "nothing says what made its matches" in command(tmp_path / "a.npz").output
    result = command(tmp_path / "a.npz", "--config", config)
    assert result.exit_code == 0, result.output
    assert f"{int((dump.arrays['ious'][0].max(1) >= 0.9).sum())} positive" in result.output


def test_what_cannot_be_explained_is_said_in_a_line(config, tmp_path):
    run(scene(3), CHAINS["plain"]).write(tmp_path / "a.npz")
    few = {"boxes": np.zeros((1, 1, 4)), "matches": np.zeros((1, 3), int)}
    make_dump("b", few, {"matcher": rk.MaximumMatcher(0.5)}).write(tmp_path / "b.npz")
    none = {"ious": np.zeros((0, 3, 2))}
    make_dump("c", none, {"matcher": rk.MaximumMatcher(0.5)}).write(tmp_path / "c.npz")
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"iou": {"operator": "BBoxBatchIOU", "config": {"offset": 1}}}')
    for arguments, message in (
        ((tmp_path / "a.npz", "--image", 2), "holds no image 2; expected 0 to 1"),
        ((tmp_path / "a.npz", "--image", "x"), "holds no image x; expected 0 to 1"),
        ((tmp_path / "a.npz", "--size", 300, 300), "a dump has its own anchors and boxes"),
        ((tmp_path / "b.npz",), "holds neither ious nor anchors; expected either"),
        ((tmp_path / "c.npz",), "holds no image"),
        (("--config", wrong), "config: iou: assigners take the IoUs of BBoxBatchIOU() alone"),
        ((tmp_path / "gone.npz",), "gone.npz: No such file or directory"),
    ):
        result = command(*arguments)
        assert result.exit_code == 2, result.output
        assert message in result.output
        assert "Traceback" not in result.output
