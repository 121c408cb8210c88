"""Targets that are damaged, not finished, of an earlier format or not ours, each in one line."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from refkernels.assign import open_targets
from refkernels.assign.dataset.job import MANIFEST
from refkernels.assign.dataset.storage import write_npz
from refkernels.assign.reading.targets import StoredTargets
from tests.assign.stored import SPARSE, assert_same, expected

parquet = pytest.importorskip("pyarrow.parquet", exc_type=ImportError)


def damaged(path: Path, at: float = 0.5) -> Path:
    whole = path.read_bytes()
    middle = int(len(whole) * at)
    path.write_bytes(whole[:middle] + bytes(200) + whole[middle + 200 :])
    return path


def one_line(error: Any) -> bool:
    return "\n" not in str(error.value)


def test_a_damaged_part_is_an_error_when_it_is_read(written: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    shutil.copytree(written / "ssd300", folder)
    damaged(folder / "part-00001.parquet")
    targets = open_targets(folder)
    assert targets[0].image_id == 1
    for asks in (lambda: targets[229], targets.table, targets.verify, lambda: targets.position(1)):
        with pytest.raises(
            ValueError, match=r"part-00001\.parquet: is damaged: its check"
        ) as error:
            asks()
        assert one_line(error)
    (folder / "_part-00001.parquet.sha256").unlink()
    with pytest.raises(ValueError, match=r"_part-00001\.parquet\.sha256: is missing"):
        targets.verify()
    unchecked = open_targets(folder, verify=False)
    for position in range(160, 230, 10):
        try:
            assert isinstance(unchecked[position].width, int)
        except ValueError as error:
            assert "is damaged" in str(error)  # noqa: PT017 - either is right, without checksums


def test_a_damaged_npz_is_an_error_when_it_is_opened(written: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(written / "ssd300.npz", tmp_path))
    damaged(path)
    with pytest.raises(ValueError, match=r"ssd300\.npz: is damaged: its checksum is another one"):
        open_targets(path)
    assert len(open_targets(path, verify=False)) == 230
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"is damaged, or was not made by .* not a zip") as error:
        open_targets(path, verify=False)
    assert one_line(error)


def test_what_is_not_finished_or_not_ours_is_an_error_of_one_line(
    written: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    shutil.copytree(written / "ssd300", folder)
    (folder / "part-00001.parquet").unlink()
    with pytest.raises(ValueError, match=r"part-00001\.parquet: is missing: run refkernels assign"):
        open_targets(folder)
    shutil.copy(written / "ssd300" / "part-00000.parquet", folder / "part-00001.parquet")
    with pytest.raises(ValueError, match=r"part-00001\.parquet: is damaged: its checksum"):
        open_targets(folder)[200]
    with pytest.raises(ValueError, match="is damaged: it has 160 images of 70"):
        open_targets(folder, verify=False)[200]
    (folder / "part-00001.parquet").write_text("mine")
    with pytest.raises(
        ValueError, match=r"part-00001\.parquet: is damaged, or was not made"
    ) as own:
        open_targets(folder, verify=False)[200]
    assert one_line(own)
    for text in ("{", "[]", '{"images": 3}', "\udcff"):
        (folder / MANIFEST).write_bytes(text.encode(errors="surrogateescape"))
        with pytest.raises(ValueError, match=r"_refkernels\.json: is damaged, or was not") as own:
            open_targets(folder)
        assert one_line(own)
    (folder / MANIFEST).unlink()
    with pytest.raises(
        ValueError, match=r"was not made by refkernels assign: no _refkernels\.json"
    ):
        open_targets(folder)
    with pytest.raises(FileNotFoundError):
        open_targets(tmp_path / "nothing")
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"expected a folder or a file\.npz"):
        open_targets(tmp_path / "mine.txt")


def test_a_foreign_npz_is_an_error_of_one_line(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    noted = np.array(json.dumps({"images": 1, "part_size": 1}))
    for save, arrays in (
        (np.savez, {"boxes": np.zeros(3)}),
        (np.savez_compressed, {"refkernels": noted}),
        (np.savez, {"refkernels": noted}),
        (np.savez, {"refkernels": noted, "image_id": np.zeros((1, 1), order="F")}),
        (np.savez, {"refkernels": noted, "image_id": np.array([None])}),
        (np.savez, {"refkernels": noted, "image_id": np.zeros(1)}),
    ):
        save(path, **arrays)  # type: ignore[operator]
        with pytest.raises(ValueError, match=r"x\.npz: is damaged, or was not made by") as error:
            open_targets(path)
        assert one_line(error)
    np.savez(path, refkernels=noted, image_id=np.zeros(2))
    with pytest.raises(ValueError, match="is damaged: it has not all images"):
        open_targets(path)


def with_metadata(path: Path, **changes: Any) -> StoredTargets:
    """Open a copy of an ``.npz`` whose metadata say something else."""
    with np.load(path) as data:
        arrays = {name: data[name] for name in data.files}
    noted = {**json.loads(str(arrays["refkernels"])), **changes}
    noted = {key: value for key, value in noted.items() if value is not None}
    arrays["refkernels"] = np.array(json.dumps(noted))
    changed = path.with_name("changed.npz")
    write_npz(changed, arrays)
    return open_targets(changed)


def test_anchors_that_cannot_be_made_again_are_an_error(written: Path) -> None:
    path = written / "ssd300.npz"
    for changes, message in (
        ({"preset": "ssd400"}, "no preset 'ssd400' is known"),
        ({"options": {"dataset": "ssd"}}, "cannot be made again: malformed|cannot be made again"),
        ({"options": {"dataset": "'x'"}}, "cannot be made again: dataset: expected"),
        ({"anchors": 8731}, "ssd300 has 8732 anchors now, and had 8731 when"),
        ({"options": {"dataset": "'coco'"}}, "has other anchors now than when the targets"),
    ):
        with pytest.raises(ValueError, match=message):
            _ = with_metadata(path, **changes).anchors


def test_folders_of_format_1_are_read(written: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    shutil.copytree(written / "rpn_fpn", folder)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest.pop("format")
    (folder / MANIFEST).write_text(json.dumps(manifest))
    for checksum in folder.glob("_part-*"):
        checksum.unlink()
    targets = open_targets(folder)
    assert_same(targets[200].targets, expected("rpn_fpn", 200, sparse=True), SPARSE)
    targets.verify()


def test_an_npz_that_lacks_a_column_is_an_error_of_one_line(written: Path, tmp_path: Path) -> None:
    with np.load(written / "ssd300.npz") as data:
        write_npz(tmp_path / "x.npz", {name: data[name] for name in data.files if name != "labels"})
    targets = open_targets(tmp_path / "x.npz")
    with pytest.raises(ValueError, match=r"x\.npz: is damaged, or was not made by .* \('labels'\)"):
        targets[0]


def test_it_says_what_it_is(written: Path) -> None:
    path = written / "ssd300"
    assert repr(open_targets(path)) == f"<StoredTargets {path}: 230 images, 8732 anchors>"


def test_files_of_format_1_are_read(written: Path) -> None:
    old = {"format": None, "anchors_sha256": None, "categories": None, "ignored_cls_target": None}
    targets = with_metadata(written / "ssd300.npz", **old)
    assert targets.categories == ()
    assert_same(targets[3].targets, expected("ssd300", 3, sparse=True), SPARSE)
    assert targets.anchors.shape == (8732, 4)
    with pytest.raises(ValueError, match="has format 3, expected one up to 2; update refkernels"):
        with_metadata(written / "ssd300.npz", format=3)
    with pytest.raises(ValueError, match="is damaged, or was not made by refkernels assign"):
        with_metadata(written / "ssd300.npz", dtype="x")
