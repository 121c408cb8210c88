"""``refkernels explain`` for presets of all kinds: what it reads, prints and writes."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from refkernels.assign import TargetAssigner, sample_images
from refkernels.explain import explain
from refkernels.explain.scene import Scene
from refkernels.explain.trace.page import as_page
from tests.explain.test_explain_command import run
from tests.explain.test_page import data_of

pytestmark = pytest.mark.once

SMALL = ("--size", "128", "160", "--image", "2")


@pytest.mark.parametrize(
    "preset",
    ["atss", "fcos", "torchvision_fcos", "torchvision_retinanet", "torchvision_rpn",
     "mmdet_retinanet"],
)  # fmt: skip
def test_presets_without_predictions(preset: str, tmp_path: Path) -> None:
    page, records = tmp_path / "page.html", tmp_path / "records.json"
    result = run("--preset", preset, *SMALL, "--html", str(page), "--json", str(records))
    assert result.exit_code == 0, result.output
    assert f"{preset}, image 2 of generated" in result.output
    assert "of your own" not in result.output
    made = json.loads(records.read_text())
    shown = data_of(page.read_text())
    assert [own["anchor"] for own in made["anchors"]] == shown["anchors"]["anchor"]
    assert made["anchors"][0]["why"] == shown["anchors"]["why"][0]
    assert made["anchors_left_out"] + len(made["anchors"]) == sum(made["counts"].values())
    assert {own["fate"] for own in made["truths"]} <= {"matched", "none: no anchor is chosen"}
    assert {path.name for path in tmp_path.iterdir()} == {"page.html", "records.json"}


def predictions(preset: str, path: Path) -> tuple[Any, dict[str, Any]]:
    rng = np.random.default_rng(0)
    options = {"queries": 7} if preset == "detr" else {}
    assigner = getattr(TargetAssigner, preset)(height=128, width=160, **options)
    boxes = np.array(assigner.anchors) + rng.normal(0, 3, (len(assigner), 4))
    if preset == "detr":
        boxes = rng.uniform(0.2, 0.6, (7, 4))
    arrays = {"boxes": boxes, "scores": rng.uniform(0.1, 0.9, (len(boxes), 90))}
    np.savez(path, **arrays)
    return assigner, arrays


@pytest.mark.parametrize("preset", ["simota", "task_aligned", "detr"])
def test_presets_with_predictions(preset: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path, png = tmp_path / "predictions.npz", tmp_path / "trace.png"
    assigner, arrays = predictions(preset, path)
    result = run("--preset", preset, *SMALL, "--predictions", str(path), "--png", str(png))
    assert result.exit_code == 0, result.output
    assert png.read_bytes()[:4] == b"\x89PNG"
    image = sample_images()[1]
    scale = min(160 / image.width, 128 / image.height)
    boxes = (image.boxes * scale).astype("float32")
    trace = explain(
        assigner,
        boxes,
        image.labels,
        predictions=arrays,
        name=f"{preset}, image 2 of generated (seed 0)",
        classes=Scene.of(None, "2").classes,
    )
    assert str(trace) in result.output
    data = data_of(as_page(trace))
    assert data["measure"] == trace.measure == {"task_aligned": "metric"}.get(preset, "cost")
    assert data["less"] == (preset != "task_aligned")
    assert set(np.flatnonzero(trace.matches >= 0)) <= set(data["anchors"]["anchor"])


@pytest.mark.parametrize(("preset", "shape"), [
    ("simota", "boxes (8400, 4) and scores (8400, C)"),
    ("detr", "boxes (N, 4) and scores (N, C)"),
])  # fmt: skip
def test_what_is_missing_is_said(preset: str, shape: str) -> None:
    result = run("--preset", preset)
    assert result.exit_code == 2
    assert result.output.splitlines() == [
        f"refkernels: predictions: {preset} looks at what a network predicts, expected an .npz "
        f"file with {shape}"
    ]


def array_file() -> bytes:
    file = BytesIO()
    np.save(file, np.zeros(3))
    return file.getvalue()


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: path.write_text("nonsense"), "no .npz file that can be read"),
        (lambda path: path.write_bytes(b""), "no .npz file that can be read"),
        (lambda path: path.write_bytes(b"PK\3\4 and no more"), "no .npz file that can be read"),
        (lambda path: path.write_bytes(array_file()), "expected an .npz with arrays called boxes"),
        (lambda path: np.savez(path), "called boxes and scores, got none"),
        (lambda path: np.savez(path, boxes=[1.0]), "boxes and scores, got boxes"),
        (lambda path: np.savez(path, boxes=np.zeros((3, 4)), scores=np.zeros((3, 2))),
         "predictions: expected those of (336,) anchors, got (1, 3)"),
        (lambda path: np.savez(path, boxes=[1.0], scores=[1.0]), "predictions.boxes"),
        (lambda path: None, "gone.npz: No such file or directory"),
    ],
)  # fmt: skip
def test_a_file_that_is_none_is_said(write: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "gone.npz"
    write(path)
    result = run("--preset", "task_aligned", "--size", "128", "128", "--predictions", str(path))
    assert result.exit_code == 2
    assert len(result.output.splitlines()) == 1
    assert message in result.output


def test_predictions_that_are_not_looked_at_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "predictions.npz"
    predictions("detr", path)
    for preset in ("atss", "ssd300"):
        result = run("--preset", preset, "--predictions", str(path))
        assert result.exit_code == 2
        assert "predictions: the matcher does not look at any" in result.output
    np.savez(path, boxes=[1.0], scores=[1.0])
    result = run("--preset", "detr", "--predictions", str(path))
    assert result.exit_code == 2
