"""Whole data sets: the files, what happens when a run is killed, and what is not overwritten."""

import json
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from refkernels.assign import AnnotationSet, ImageAnnotations, TargetAssigner, sample_images
from refkernels.assign.dataset.job import MANIFEST, Job, assign_dataset, run_part
from refkernels.assign.dataset.part import Summary, assign_part, numeric_id
from refkernels.assign.resize import Resize
from tests.assign.stored import FEW, contents

parquet = pytest.importorskip("pyarrow.parquet", exc_type=ImportError)


def dense(row: dict[str, Any], rest: str, count: int) -> dict[str, Any]:
    """Targets of every anchor from a row of the files, as the documentation says to make them."""
    samples = np.full(count, -1 if rest == "negative" else 0)
    samples[np.array(row.get("negatives", []), int)] = -1
    samples[np.array(row.get("ignored", []), int)] = 0
    samples[row["positives"]] = 1
    matches = np.full(count, -1)
    matches[row["positives"]] = row["matches"]
    boxes = np.zeros((count, 4), np.float32)
    boxes[row["positives"]] = np.array(row["box_targets"], np.float32).reshape(-1, 4)
    return {"samples": samples, "matches": matches, "box_targets": boxes}


@pytest.mark.parametrize("preset", ["ssd300", "rpn_fpn", "yolo3"])
def test_the_files_hold_what_the_assigner_gives(preset: str, tmp_path: Path) -> None:
    size = (256, 320) if preset == "rpn_fpn" else None
    assign_dataset(FEW, tmp_path / "out", preset, size=size, seed=3)
    table = parquet.read_table(tmp_path / "out")
    metadata = json.loads(
        parquet.read_schema(tmp_path / "out" / "part-00000.parquet").metadata[b"refkernels"]
    )
    assigner = getattr(TargetAssigner, preset)(*(size or ()))
    rest = metadata["anchors_in_no_list_are"]
    assert rest == ("ignored" if preset == "rpn_fpn" else "negative")
    assert [row["image_id"] for row in table.to_pylist()] == list(range(1, 24))
    for row, image in zip(table.to_pylist(), FEW, strict=True):
        height, width = {"ssd300": (300, 300), "rpn_fpn": (256, 320), "yolo3": (416, 416)}[preset]
        scale = np.array([width / 640, height / 480])
        if preset != "ssd300":
            scale[:] = scale.min()
        boxes = (image.boxes * np.tile(scale, 2)).astype(np.float32)
        own = ~image.iscrowd
        expected = assigner(
            boxes[own], image.labels[own], boxes[image.iscrowd], rng=3, image_ids=image.image_id
        )
        found = dense(row, rest, len(assigner))
        np.testing.assert_array_equal(found["samples"], expected.samples)
        np.testing.assert_array_equal(found["box_targets"], expected.box_targets)
        positive = expected.samples > 0
        np.testing.assert_array_equal(found["matches"], np.where(positive, expected.matches, -1))
        np.testing.assert_array_equal(row["cls_targets"], expected.cls_targets[positive])
        np.testing.assert_array_equal(np.array(row["boxes"], np.float32).reshape(-1, 4), boxes[own])
        np.testing.assert_array_equal(row["labels"], image.labels[own])
        assert (row["scale_x"], row["scale_y"]) == tuple(scale)


def test_the_metadata_says_what_was_done(few_written: Path) -> None:
    manifest = json.loads((few_written / MANIFEST).read_text())
    assert manifest["preset"] == "ssd300"
    assert manifest["anchors"] == 8732
    part = json.loads(
        parquet.read_schema(few_written / "part-00002.parquet").metadata[b"refkernels"]
    )
    assert part.pop("part") == 2
    assert part.pop("summary")["images"] == 5
    assert part == manifest
    assert part["categories"][0] == [1, "class 1"]


def test_one_file_holds_the_same_as_the_parts(few_written: Path, tmp_path: Path) -> None:
    assign_dataset(FEW, tmp_path / "targets.npz", "ssd300", part_size=7)
    assert [path.name for path in tmp_path.iterdir()] == ["targets.npz"]
    rows = parquet.read_table(few_written).to_pylist()
    with np.load(tmp_path / "targets.npz") as data:
        for name in ("image_id", "width", "scale_x"):
            np.testing.assert_array_equal(data[name], [row[name] for row in rows])
        for name in ("boxes", "labels", "positives", "matches", "box_targets", "ignored"):
            offsets = data[f"{name}_offsets"]
            for k, row in enumerate(rows):
                values = data[name][offsets[k] : offsets[k + 1]]
                np.testing.assert_array_equal(values.reshape(-1), np.array(row[name]).reshape(-1))
        noted = json.loads(str(data["refkernels"]))
        assert noted["preset"] == "ssd300"
        assert noted["categories"][0] == [1, "class 1"]
    again = assign_dataset(FEW, tmp_path / "targets.npz", "ssd300", part_size=7)
    assert again.images == 23


def test_the_files_do_not_depend_on_the_number_of_workers(
    few_written: Path, tmp_path: Path
) -> None:
    seen: list[Any] = []
    summary = assign_dataset(
        FEW, tmp_path / "out", "ssd300", part_size=5, workers=2,
        progress=lambda *numbers: seen.append(numbers),
    )  # fmt: skip
    assert contents(tmp_path / "out") == contents(few_written)
    assert summary.images == 23
    assert seen[0] == (0, 23)
    assert seen[-1] == (23, 23)
    assert len(seen) == 6


def test_the_summary_counts() -> None:
    boxes = np.array([[0, 0, 150, 150], [0, 0, 2, 2], [10, 10, 60, 60], [5, 5, 5, 9], [0, 0, 9, 9]])
    image = ImageAnnotations(
        "a", 300, 300, boxes.astype(np.float64), np.arange(5), np.array([0, 0, 0, 0, 1], bool)
    )
    nothing = ImageAnnotations("b", 9, 9, np.zeros((0, 4)), np.zeros(0, int), np.zeros(0, bool))
    assigner = TargetAssigner([[0.0, 0, 150, 150], [12, 12, 60, 60], [10, 10, 62, 62]])
    part = assign_part(assigner, [image, nothing], Resize(300, 300, "stretch"), seed=0)
    assert part.summary.as_dict() == {
        "images": 2,
        "empty_images": 1,
        "boxes": 4,
        "crowds": 1,
        "dropped": 1,
        "positives": 3,
        "boxes_of": {"small": 2, "medium": 1, "large": 1},
        "unmatched_of": {"small": 2, "medium": 0, "large": 0},
        "positives_of": {"small": 0, "medium": 2, "large": 1},
    }
    total = Summary()
    total.add(part.summary)
    total.add(part.summary)
    assert (total.images, total.boxes_of["small"]) == (4, 4)


def test_images_are_stretched_or_scaled_to_fit() -> None:
    image = sample_images(1)[0]
    assert Resize(300, 300, "stretch").scale(image) == (300 / 640, 300 / 480)
    assert Resize(300, 300, "fit").scale(image) == (300 / 640, 300 / 640)
    assert Resize(300, 1000, "fit").scale(image) == (300 / 480, 300 / 480)


def test_ids_draw_their_own_random_numbers() -> None:
    assert numeric_id(12) == 12
    drawn = {numeric_id(name) for name in ("000012", "12", "a", -1, -12)}
    assert len(drawn) == 5
    assert all(0 <= number < 2**63 for number in drawn)


def test_a_data_set_without_images_gives_an_empty_part(tmp_path: Path) -> None:
    nothing = AnnotationSet("none", (), ())
    assert assign_dataset(nothing, tmp_path / "out", "ssd300").images == 0
    assert len(parquet.read_table(tmp_path / "out")) == 0
    assert assign_dataset(nothing, tmp_path / "out.npz", "ssd300").images == 0


def test_a_run_goes_on_where_another_stopped(few_written: Path, tmp_path: Path) -> None:
    done: list[int] = []

    def stops(job: Job, parts: list[int]) -> Iterator[int]:
        for part in parts[:2]:
            run_part(job, part)
            yield part
        raise KeyboardInterrupt

    def counts(job: Job, parts: list[int]) -> Iterator[int]:
        for part in parts:
            done.append(part)
            run_part(job, part)
            yield part

    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        assign_dataset(FEW, out, "ssd300", part_size=5, runner=stops)
    (out / "part-00001.parquet").write_bytes(b"PAR1 broken")  # by a failing disk, say
    (out / f".part-00003.parquet.{7:032x}").write_bytes(b"half")
    summary = assign_dataset(FEW, out, "ssd300", part_size=5, runner=counts)
    assert done == [1, 2, 3, 4]
    assert contents(out) == contents(few_written)
    assert summary.images == 23


def damage(path: Path) -> None:
    """Write zeros over 200 bytes in the middle of a file, as a bad disk may."""
    whole = path.read_bytes()
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + bytes(200) + whole[middle + 200 :])


def test_a_part_that_is_not_as_it_was_written_is_made_again(
    few_written: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assign_dataset(FEW, out, "ssd300", part_size=5)
    damage(out / "part-00001.parquet")
    (out / "_part-00002.parquet.sha256").unlink()
    (out / "_part-00003.parquet.sha256").write_bytes(
        (few_written / "_part-00004.parquet.sha256").read_bytes()
    )
    assert contents(out) != contents(few_written)
    assign_dataset(FEW, out, "ssd300", part_size=5)
    assert contents(out) == contents(few_written)


def test_checksums_are_those_that_sha256sum_makes(few_written: Path) -> None:
    digest = sha256((few_written / "part-00001.parquet").read_bytes()).hexdigest()
    line = (few_written / "_part-00001.parquet.sha256").read_text()
    assert line == f"{digest}  part-00001.parquet\n"


def test_a_damaged_file_is_not_taken_for_a_finished_one(tmp_path: Path) -> None:
    out = tmp_path / "out.npz"
    assign_dataset(FEW, out, "ssd300")
    damage(out)
    with pytest.raises(ValueError, match=r"out\.npz: is there, and is damaged, or was not made by"):
        assign_dataset(FEW, out, "ssd300")
    out.write_bytes(out.read_bytes()[:50])
    with pytest.raises(ValueError, match=r"out\.npz: is there, and is damaged"):
        assign_dataset(FEW, out, "ssd300")


def test_other_categories_are_other_settings(tmp_path: Path) -> None:
    named = AnnotationSet("named", FEW.images, tuple((i, f"n{i}") for i in range(80)))
    for name in ("out", "out.npz"):
        assign_dataset(FEW, tmp_path / name, "ssd300")
        with pytest.raises(ValueError, match=r"made with other settings \(categories"):
            assign_dataset(named, tmp_path / name, "ssd300")


def test_a_damaged_manifest_is_an_error_of_one_line(tmp_path: Path) -> None:
    for content in ("{", "[]"):
        (tmp_path / MANIFEST).write_text(content)
        with pytest.raises(ValueError, match=r"_refkernels\.json: is damaged; remove"):
            assign_dataset(FEW, tmp_path, "ssd300")


def test_what_a_killed_merge_has_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / f".out.npz.{7:032x}").write_bytes(b"half")
    assign_dataset(FEW, tmp_path / "out.npz", "ssd300")
    assert [path.name for path in tmp_path.iterdir()] == ["out.npz"]


def test_a_part_that_a_runner_has_not_written_is_an_error(tmp_path: Path) -> None:
    def forgets(job: Job, parts: list[int]) -> Iterator[int]:
        yield from parts

    with pytest.raises(RuntimeError, match=r"part-00000\.parquet: was written and cannot be read"):
        assign_dataset(FEW, tmp_path / "out", "ssd300", runner=forgets)


def test_without_pyarrow_it_is_told_what_to_install_before_any_kernel_is_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("refkernels.assign.dataset.job.detector_of", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ImportError, match=r"pip install 'refkernels\[assign\]'"):
        assign_dataset(FEW, tmp_path / "out", "ssd300")


def test_a_part_of_another_job_is_made_again(few_written: Path, tmp_path: Path) -> None:
    for folder, seed in (("out", 0), ("other", 1)):
        assign_dataset(FEW, tmp_path / folder, "ssd300", part_size=5, seed=seed)
    for name in ("part-00001.parquet", "_part-00001.parquet.sha256"):
        (tmp_path / "out" / name).write_bytes((tmp_path / "other" / name).read_bytes())
    assign_dataset(FEW, tmp_path / "out", "ssd300", part_size=5)
    assert contents(tmp_path / "out") == contents(few_written)


def test_bad_parameters_are_errors(tmp_path: Path) -> None:
    for options, message in (
        ({"preset": "ssd400"}, "preset: expected 'ssd300' or"),
        ({"preset": "ssd300", "size": (5, 5)}, "size: ssd300 is for 300 x 300 pixels"),
        ({"preset": "yolo3", "size": (0, 5)}, r"size\[0\]: expected an integer of at least 1"),
        ({"preset": "yolo3", "resize": "crop"}, "resize: expected 'stretch' or 'fit'"),
        ({"preset": "yolo3", "workers": 0}, "workers: expected an integer of at least 1"),
    ):
        with pytest.raises(ValueError, match=message):
            assign_dataset(FEW, tmp_path / "out", **options)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()
