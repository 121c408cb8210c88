"""Assigners that are described in a file, and assigners of one's own, for whole data sets."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from refkernels import AnchorGrid, BipartiteMatcher, MaximumMatcher, NaiveSampler
from refkernels.assign import (
    Layout,
    TargetAssigner,
    assign_dataset,
    open_targets,
    read_config,
    sample_images,
)
from refkernels.assign.resize import Resize
from refkernels.cli.main import main

pytestmark = pytest.mark.once  # of files, and of processes

IMAGES = sample_images(8, seed=5)
GRIDS = [
    {"sizes": [16, 24], "ratios": [0.5, 1, 2], "stride": 16},
    {"sizes": [64], "ratios": [1], "stride": [32, 64], "offset": 0.0},
]


def write(folder: Path, **members: Any) -> Path:
    path = folder / "own.json"
    path.write_text(json.dumps(members))
    return path


def targets_of(assigner: TargetAssigner, resize: Resize, image: Any) -> Any:
    own, boxes = ~image.iscrowd, resize.boxes(image).astype(np.float32)
    return assigner.sparse(boxes[own], image.labels[own], boxes[~own])


def test_grids_are_anchors_of_an_input_of_any_size(tmp_path: Path) -> None:
    config = read_config(write(tmp_path, anchors={"grids": GRIDS}, size=[100, 130]))
    made = config(100, 130)
    fine = AnchorGrid([16, 24], [0.5, 1, 2], 16)(7, 9)
    coarse = AnchorGrid([64], [1], (32, 64), offset=0.0)(4, 3)
    np.testing.assert_array_equal(made.anchors, np.concatenate([fine, coarse]))
    assert made.name == "own"
    layout = made.operators.layout
    assert isinstance(layout, Layout)
    assert layout.levels.tolist() == [len(fine), len(coarse)]
    assert len(config(32, 64)) == 2 * 4 * 6 + 1


def test_members_replace_what_a_preset_has(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        about="retinanet, stricter",
        preset="retinanet",
        matcher={"operator": "MaximumMatcher", "config": {"threshold": 0.6}},
        sampler="NaiveSampler",
        size=[64, 96],
        dtype="float64",
        name="strict",
    )
    config = read_config(path)
    made = config(*config.size)
    plain = TargetAssigner.retinanet(64, 96)
    np.testing.assert_array_equal(made.anchors.astype(np.float32), plain.anchors)
    assert made.operators.matcher == MaximumMatcher(0.6)
    assert made.operators.sampler == NaiveSampler()
    assert made.operators.box_encoder == plain.operators.box_encoder
    assert (made.name, made.dtype.name, config.resize) == ("strict", "float64", "fit")


def test_a_preset_s_operators_go_with_anchors_of_one_s_own(tmp_path: Path) -> None:
    grids = {"grids": GRIDS, "ranges": [[0, 32], [32, 1e9]]}
    for preset in ("atss", "fcos", "torchvision_ssd300"):
        config = read_config(write(tmp_path, preset=preset, anchors=grids, size=[64, 64]))
        known = getattr(TargetAssigner, preset)
        made, own = config(64, 64), known() if "ssd" in preset else known(64, 64)
        assert made.operators.matcher == own.operators.matcher
        assert made.operators.box_encoder == own.operators.box_encoder
        assert len(made) == 16 * 6 + 2


@pytest.mark.parametrize("kind", ["rows", "npy", "json"])
def test_rows_of_anchors_stand_in_the_file_or_beside_it(tmp_path: Path, kind: str) -> None:
    rows = [[0, 0, 8, 8], [8.5, 0, 16, 8]]
    np.save(tmp_path / "a.npy", np.array(rows))
    (tmp_path / "a.json").write_text(json.dumps(rows))
    given = rows if kind == "rows" else f"a.{kind}"
    config = read_config(write(tmp_path, anchors=given, size=[8, 16]))
    np.testing.assert_array_equal(config(8, 16).anchors, np.array(rows, np.float32))
    with pytest.raises(ValueError, match=r"size: .*own.json is for 8 x 16 pixels, got 8 x 8"):
        config(8, 8)


def test_corners_as_shares_are_of_the_input(tmp_path: Path) -> None:
    config = read_config(
        write(tmp_path, anchors=[[0, 0, 8, 8]], size=[8, 16], box_encoder="BBoxCornerToCenter")
    )
    targets = config(8, 16)([[0, 0, 8, 8]], [0])
    assert targets.box_targets.tolist() == [[0.25, 0.5, 0.5, 1.0]]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"matches": 1}, "unknown member 'matches', expected format, about, preset"),
        ({"format": 2}, "format is 2, expected 1"),
        ({}, "expected anchors, or a preset, or both"),
        ({"anchors": [[0, 0, 1, 1]]}, "size: expected the height and the width of the input"),
        ({"anchors": [[0, 0, 1]], "size": [8, 8]}, r"anchors: expected .*\(1, 3\)"),
        ({"anchors": 3, "size": [8, 8]}, "anchors: expected rows, the name of a file, or"),
        ({"anchors": "a.txt", "size": [8, 8]}, r"a.txt: expected a name that ends in .npy or"),
        ({"anchors": "bad.json", "size": [8, 8]}, r"anchors: .*bad.json: Expecting value"),
        ({"anchors": {"grids": []}, "size": [8, 8]}, "anchors: grids: expected a list of levels"),
        (
            {"anchors": {"grids": [{"sizes": [8], "ratios": [1]}]}, "size": [8, 8]},
            r"anchors: grids\[0\]: .*'stride'",
        ),
        ({"anchors": {"grids": [7]}, "size": [8, 8]}, r"grids\[0\]: expected an object, got 7"),
        ({"preset": "ssd"}, "preset: expected 'ssd300' or"),
        ({"preset": "ssd300", "size": [8, 8]}, "size: ssd300 is for 300 x 300 pixels"),
        ({"preset": "ssd300", "options": {"dataset": "x"}}, "dataset: expected 'voc' or 'coco'"),
        ({"preset": "ssd300", "options": 3}, "options: expected an object, got 3"),
        ({"anchors": [[0, 0, 1, 1]], "options": {"a": 1}, "size": [8, 8]}, "options: are those of"),
        ({"preset": "atss", "matcher": "Matcher"}, "matcher: unknown operator 'Matcher'"),
        ({"preset": "atss", "matcher": {"operator": "no.such:M"}}, "matcher: no.such:M: No module"),
        ({"preset": "atss", "layout": {"levels": [1]}}, "layout"),
        ({"preset": "atss", "resize": "crop"}, "resize: expected 'stretch' or"),
        ({"preset": "ssd300", "resize": "shorter"}, "resize: 'shorter' needs anchors for any size"),
    ],
)
def test_what_is_wrong_in_a_file_is_one_line_with_its_name(
    tmp_path: Path, members: dict[str, Any], message: str
) -> None:
    (tmp_path / "bad.json").write_text("")
    with pytest.raises((ValueError, TypeError), match=message) as error:
        read_config(write(tmp_path, **members))
    assert str(error.value).startswith(f"{tmp_path / 'own.json'}: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", [b"", b"[1]", b"\xff", b"[" * 100_000])
def test_a_file_that_is_no_object_of_json_is_named(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "own.json"
    path.write_bytes(text)
    with pytest.raises(ValueError, match=r"own.json: (is not JSON|expected an object)"):
        read_config(path)
    with pytest.raises(FileNotFoundError):
        read_config(tmp_path / "none.json")


@pytest.mark.parametrize("suffix", ["", ".npz"])
def test_anchors_that_no_preset_makes_are_kept_with_the_targets(
    tmp_path: Path, suffix: str
) -> None:
    anchors = AnchorGrid([32, 64], [0.5, 1, 2], 16)(8, 8)
    assigner = TargetAssigner(anchors, BipartiteMatcher(), name="mine")
    path, resize = tmp_path / f"out{suffix}", Resize(128, 128, "letterbox")
    for _ in range(2):  # the second has nothing to do
        assign_dataset(IMAGES, path, assigner, size=(128, 128), resize="letterbox", part_size=3)
    targets = open_targets(path)
    np.testing.assert_array_equal(targets.anchors, anchors)
    assert targets.metadata["preset"] == "mine"
    for image, found in zip(IMAGES, targets, strict=True):
        wanted = targets_of(assigner, resize, image)
        np.testing.assert_array_equal(found.targets.positives, wanted.positives)
        np.testing.assert_array_equal(found.targets.box_targets, wanted.box_targets)
    if not suffix:
        kept = path / "_anchors.npy"
        kept.write_bytes(kept.read_bytes()[:-1])
        with pytest.raises(ValueError, match=r"_anchors.npy: is damaged"):
            _ = open_targets(path).anchors
        kept.unlink()
        with pytest.raises(ValueError, match=r"_anchors.npy: is missing: run refkernels assign"):
            _ = open_targets(path).anchors
        assign_dataset(IMAGES, path, assigner, size=(128, 128), resize="letterbox", part_size=3)
        np.testing.assert_array_equal(open_targets(path).anchors, anchors)
    other = TargetAssigner(anchors, MaximumMatcher(0.5), name="mine")
    with pytest.raises(ValueError, match="was made with other settings"):
        assign_dataset(IMAGES, path, other, size=(128, 128), resize="letterbox", part_size=3)


def test_the_command_takes_a_file_in_place_of_a_preset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_matcher.py").write_text(
        "from dataclasses import dataclass\n"
        "from refkernels import MaximumMatcher\n"
        "@dataclass(frozen=True)\n"
        "class Strict(MaximumMatcher):\n"
        "    threshold: float = 0.7\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    path = write(
        tmp_path, anchors={"grids": GRIDS}, size=[96, 160], resize="shorter",
        matcher="own_matcher:Strict",
    )  # fmt: skip
    wanted = ["assign", "--config", str(path), "--generated", "--output", "out.npz"]
    done = CliRunner().invoke(main, wanted, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    targets = open_targets("out.npz")
    assert targets.metadata["config"]["matcher"] == "own_matcher:Strict"
    image, found = sample_images(100)[3], targets[3]
    resize = Resize(96, 160, "shorter")
    assigner = read_config(path)(*resize.input_of(image))
    np.testing.assert_array_equal(targets.anchors_of(3), assigner.anchors)
    wanted_targets = targets_of(assigner, resize, image)
    np.testing.assert_array_equal(found.targets.positives, wanted_targets.positives)
    for more, message in (
        (["--preset", "ssd512"], "expected a preset or a config, not both"),
        (["--size", "0", "8"], "Invalid value for '--size'"),
    ):
        refused = CliRunner().invoke(main, [*wanted, *more])
        assert refused.exit_code == 2
        assert message in refused.output


def test_a_size_and_a_way_can_be_asked_for_beside_a_file(tmp_path: Path) -> None:
    config = read_config(write(tmp_path, anchors={"grids": GRIDS}, size=[64, 64]))
    assign_dataset(IMAGES, tmp_path / "out", config, size=(96, 128), resize="fit")
    targets = open_targets(tmp_path / "out")
    assert (targets[0].size, len(targets.anchors)) == ((96, 128), 6 * 8 * 6 + 3 * 2)
    fixed = read_config(write(tmp_path, preset="ssd300"))
    with pytest.raises(ValueError, match=r"resize: .*own.json is for one size"):
        assign_dataset(IMAGES, tmp_path / "other", fixed, resize="shorter")
