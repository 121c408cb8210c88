"""Files that are not what they should be are refused in a line that names them, and at once."""

import json
import os
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from refkernels.annotations.coco import read_coco
from refkernels.cli.main import main
from refkernels.conformance.command import UsageError, replay_command
from refkernels.conformance.engine.replay import Saved, save
from refkernels.conformance.model.operator import Case

# Of processes, files and pages: the versions of NumPy and of frameworks play no part.
pytestmark = pytest.mark.once

BOX = Case({}, {"x": np.zeros((1, 1, 4))})
MATCHER = {"operator": "MaximumMatcher", "config": {"threshold": 0.5}}


def refused(*arguments):
    """Return the one line that a command says when it refuses its arguments."""
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exit_code == 2, result.output
    return result.output.strip().splitlines()[-1]


@pytest.mark.parametrize(
    "command",
    [
        ("assign", "--output", "out.npz", "--annotations", "PIPE"),
        ("check", "--annotations", "PIPE"),
        ("diff", "PIPE", "PIPE"),
        ("explain", "--annotations", "PIPE"),
        ("compare-graph", "PIPE", "PIPE", "--input", "PIPE"),
        ("replay", "FOLDER"),
    ],
)
def test_a_pipe_in_the_place_of_a_file_is_refused_and_not_waited_at(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder/case.json"):
        os.mkfifo(tmp_path / name)
    line = refused(*(part.replace("PIPE", "pipe").replace("FOLDER", "folder") for part in command))
    assert "expected a file, got a pipe" in line
    assert "pipe:" in line or "folder:" in line or "pipe: " in line


def coco(folder, annotation=(), image_id=1, name="a"):
    file = folder / "boxes.json"
    own = {"id": 7, "image_id": 2, "category_id": 1, "bbox": [1, 1, 2, 2], **dict(annotation)}
    images = [{"id": image_id, "width": 9, "height": 9}, {"id": 2, "width": 9, "height": 9}]
    if isinstance(image_id, str):
        images[1]["id"] = own["image_id"] = "b"
    category = {"id": 1, "name": name}
    file.write_text(json.dumps({"images": images, "annotations": [own], "categories": [category]}))
    return file


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        (
            {"annotation": {"bbox": [0, 0, 1e300, 1]}},
            "7 of image 2: box 0, 0, 1e+300, 1",
        ),
        ({"annotation": {"bbox": [-1e10, 0, 2e10, 1]}}, "has corners beyond 2**31 pixels"),
        ({"image_id": "\ud800"}, r"image '\ud800': id: expected text, got half a surrogate pair"),
        ({"name": "\ud800"}, "category 1: name: expected text, got half a surrogate pair in it"),
    ],
)
def test_a_number_or_text_that_none_can_be_is_named_and_skippable(tmp_path, bad, what):
    file = coco(tmp_path, **bad)
    with pytest.raises(ValueError) as error:
        read_coco(file)
    assert str(error.value).startswith(f"{file}: ")
    assert what in str(error.value)
    skipped = read_coco(file, skip_bad=True)
    assert what in skipped.problems[0]


def test_a_dump_that_unpacks_to_far_more_than_it_holds_is_refused_unread(tmp_path):
    head = BytesIO()
    shape = {"descr": "<f8", "fortran_order": False, "shape": (1, 2**27, 4)}
    np.lib.format.write_array_header_1_0(head, shape)
    file = tmp_path / "bomb.npz"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("anchors.npy", head.getvalue())
    # The headers alone tell of 4 GiB.
    data = file.read_bytes().replace(
        len(head.getvalue()).to_bytes(4, "little"), (2**32 - 2).to_bytes(4, "little")
    )
    file.write_bytes(data)
    line = refused("diff", file, file)
    assert line.startswith(f"refkernels: {file}: ")
    assert f"{len(data)} bytes would unpack to 4294967294" in line


@pytest.mark.parametrize("depth", [500, 990, 100_000])
def test_a_graph_that_is_nested_too_deep_is_one_line(tmp_path, depth):
    file = tmp_path / "deep.json"
    file.write_text('{"nodes": [' + "[" * depth + "]" * depth + "]}")
    line = refused("compare-graph", file, file, "--input", file)
    assert line.startswith(f"refkernels: symbol {file}: ")


def saved(folder, target="wrong"):
    seen = ("float32", "imperative", "cpu(0)", "diverges", "\x1b[31mred")
    return save(folder, Saved(target, "BBoxArea", BOX, "", *seen))


def test_a_module_that_lies_in_a_saved_failure_is_not_imported_unasked(tmp_path, monkeypatch):
    place = saved(tmp_path, "beside_it")
    (place / "beside_it.py").write_text(
        f"open({str(tmp_path / 'ran')!r}, 'w')\nfrom refkernels import BBoxArea"
    )
    monkeypatch.syspath_prepend(str(place))
    line = refused("replay", place)
    assert "would import beside_it, and that module lies in the same folder" in line
    assert "--trust" in line
    assert not (tmp_path / "ran").exists()
    assert CliRunner().invoke(main, ["replay", str(place), "--target", "refkernels"]).exit_code == 0
    assert not (tmp_path / "ran").exists()
    result = CliRunner().invoke(main, ["replay", str(place), "--trust"])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "ran").exists()
    assert r"\x1b[31mred" in result.output


def test_a_failure_that_another_user_saved_needs_trust(tmp_path, monkeypatch):
    place = saved(tmp_path)
    monkeypatch.setattr(os, "getuid", lambda: Path(place).stat().st_uid + 1)
    with pytest.raises(UsageError, match="would import wrong, and it was written by another user"):
        replay_command(place, None, time_limit=1, strict=False)


def test_what_a_target_is_called_is_no_markup_and_does_nothing_to_a_terminal(tmp_path):
    for name in ("[red]x[/blink]", "\x1b[31mx"):
        result = CliRunner().invoke(main, ["check", name, "--operator", "BBoxArea"])
        assert result.exit_code == 2
        assert name.replace("\x1b", r"\x1b") in result.output
        assert "\x1b" not in result.output


def test_what_a_dump_says_of_itself_does_nothing_to_a_terminal(tmp_path):
    file = tmp_path / "dump.npz"
    config = {"about": "\x1b[31mred", "matcher": MATCHER}
    boxes = np.array([[[0.0, 0, 2, 2]]])
    np.savez(
        file,
        anchors=boxes,
        boxes=boxes,
        ious=np.ones((1, 1, 1)),
        matches=np.zeros((1, 1)),
        config=json.dumps(config),
    )
    result = CliRunner().invoke(main, ["diff", str(file), str(file)])
    assert r"\x1b[31mred" in result.output
    assert "\x1b" not in result.output


def test_a_counterexample_that_could_not_be_saved_is_told(tmp_path, monkeypatch):
    (tmp_path / "made.py").write_text("def NaiveSampler(matches):\n    return matches")
    (tmp_path / ".refkernels").write_text("no folder")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    chosen = ["--operator", "NaiveSampler", "--max-examples", "3", "--dtype", "float32"]
    result = CliRunner().invoke(main, ["check", "made", *chosen])
    assert result.exit_code == 1
    assert "; it cannot be saved: " in result.output.replace("\n", " ")
