"""Targets that were written, read back: by image, in batches, for training, and as a table."""

import json
import pickle
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from refkernels.assign import AnnotationSet, TargetAssigner, open_targets, sample_images
from refkernels.assign.dataset.job import MANIFEST, assign_dataset, network_of
from refkernels.assign.dataset.part import numeric_id
from refkernels.assign.dataset.storage import write_npz
from refkernels.assign.reading import files
from refkernels.assign.reading.targets import StoredTargets
from refkernels.coder import MultiClassEncoder

parquet = pytest.importorskip("pyarrow.parquet", exc_type=ImportError)

# More than one group of rows in the first part, and a second part that is not full.
IMAGES = sample_images(230, seed=2)
PART = 160

SIZES = {"ssd300": None, "rpn_fpn": (256, 320), "torchvision_retinanet": (256, 256)}

each_kind = pytest.mark.parametrize("kind", ["", ".npz"])


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("targets")
    for preset, size in SIZES.items():
        for kind in ("", ".npz"):
            path = folder / f"{preset}{kind}"
            assign_dataset(IMAGES, path, preset, size=size, seed=3, part_size=PART)
    return folder


def expected(preset: str, position: int, sparse: bool = False) -> Any:
    sizes, resize = network_of(preset, SIZES[preset])
    assigner, image = assigners(preset, tuple(sizes.values())), IMAGES[position]
    boxes = (image.boxes * np.tile(resize.scale(image), 2)).astype(np.float32)
    own = ~image.iscrowd
    return (assigner.sparse if sparse else assigner)(
        boxes[own], image.labels[own], boxes[~own], rng=3, image_ids=numeric_id(image.image_id)
    )


MADE: dict[str, TargetAssigner] = {}


def assigners(preset: str, size: tuple[int, ...]) -> TargetAssigner:
    if preset not in MADE:
        MADE[preset] = getattr(TargetAssigner, preset)(*size)
    return MADE[preset]


def assert_same(found: Any, wanted: Any, names: tuple[str, ...]) -> None:
    for name in names:
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name), err_msg=name)
        assert getattr(found, name).dtype == getattr(wanted, name).dtype, name


SPARSE = ("positives", "matches", "cls_targets", "box_targets", "negatives")


@each_kind
@pytest.mark.parametrize("preset", SIZES)
def test_an_image_has_the_targets_that_the_assigner_gave(
    preset: str, kind: str, written: Path
) -> None:
    targets = open_targets(written / f"{preset}{kind}")
    assert len(targets) == len(IMAGES)
    for position in (229, 0, 127, 128, 159, 160, -1):
        image, given = targets[position], IMAGES[position]
        wanted = expected(preset, position, sparse=True)
        assert_same(image.targets, wanted, SPARSE)
        assert image.targets.dropped == wanted.dropped
        assert (image.image_id, image.width, image.height) == (given.image_id, 640, 480)
        scale = network_of(preset, SIZES[preset])[1].scale(given)
        assert image.scale == scale
        own = given.boxes[~given.iscrowd] * np.tile(scale, 2)
        np.testing.assert_array_equal(image.boxes, own.astype(np.float32))
        np.testing.assert_array_equal(image.labels, given.labels[~given.iscrowd])
    assert [image.image_id for image in targets[126:130]] == [127, 128, 129, 130]
    assert [image.image_id for image in targets] == [image.image_id for image in IMAGES]


@each_kind
@pytest.mark.parametrize("preset", SIZES)
def test_a_batch_has_the_arrays_that_the_assigner_gave(
    preset: str, kind: str, written: Path
) -> None:
    targets = open_targets(written / f"{preset}{kind}")
    out = targets.batch([5, 6])
    for positions in ([200, 3], (0, 229)):
        batch = targets.batch(positions, out=out)
        assert batch is out
        for place, position in enumerate(positions):
            wanted = expected(preset, position)
            for name in ("cls_targets", "box_targets", "box_masks", "samples"):
                own = getattr(wanted, name)
                np.testing.assert_array_equal(getattr(batch, name)[place], own, err_msg=name)
                assert getattr(batch, name).dtype == own.dtype
            matches = np.where(wanted.samples > 0, wanted.matches, -1)
            np.testing.assert_array_equal(batch.matches[place], matches)
            assert batch.dropped[place] == wanted.dropped
    for found, position in zip(targets.sparse([200, 3]), (200, 3), strict=True):
        assert_same(found, expected(preset, position, sparse=True), SPARSE)


@each_kind
def test_batches_go_over_all_images(kind: str, written: Path) -> None:
    targets = open_targets(written / f"ssd300{kind}")
    sizes = [len(batch.samples) for batch in targets.batches(100)]
    assert sizes == [100, 100, 30]
    out = targets.batch(range(100))
    first, second, last = (batch for batch in targets.batches(100, out=out))
    assert (first, second) == (out, out)
    np.testing.assert_array_equal(last.samples, targets.batch(range(200, 230)).samples)


@each_kind
def test_an_image_is_found_by_its_id(kind: str, written: Path, tmp_path: Path) -> None:
    targets = open_targets(written / f"ssd300{kind}")
    assert [targets.position(i) for i in (1, 230, np.int64(129))] == [0, 229, 128]
    for absent in (0, 231, "1", None):
        with pytest.raises(KeyError, match="no image has the id"):
            targets.position(absent)  # type: ignore[arg-type]
    assign_dataset(named(("b", "a", "0001")), tmp_path / f"named{kind}", "ssd300")
    texts = open_targets(tmp_path / f"named{kind}")
    assert [texts.position(i) for i in ("b", "a", "0001")] == [0, 1, 2]
    assert texts[2].image_id == "0001"
    with pytest.raises(KeyError, match="no image has the id 1"):
        texts.position(1)


def named(ids: tuple[str, ...]) -> AnnotationSet:
    images = [
        type(image)(own, 640, 480, image.boxes, image.labels, image.iscrowd)
        for own, image in zip(ids, IMAGES, strict=False)
    ]
    return AnnotationSet("named", tuple(images), ((7, "cat"), ("x", "dog")))


@each_kind
def test_classes_and_anchors_come_with_the_targets(
    kind: str, written: Path, tmp_path: Path
) -> None:
    for preset, size in SIZES.items():
        targets = open_targets(written / f"{preset}{kind}")
        made = getattr(TargetAssigner, preset)(*(size or ()))
        np.testing.assert_array_equal(targets.anchors, made.anchors)
        assert targets.anchors.dtype == np.float32
        assert not targets.anchors.flags.writeable
        assert targets.categories == IMAGES.categories
    path = tmp_path / f"out{kind}"
    options = {"dataset": "coco", "dtype": "float64", "crowd_thresh": 0.25, "name": "mine"}
    assign_dataset(named(("a",)), path, "ssd300", options=options)
    targets = open_targets(path)
    made = TargetAssigner.ssd300("coco", dtype="float64")
    np.testing.assert_array_equal(targets.anchors, made.anchors)
    assert targets.batch([0]).box_targets.dtype == np.float64
    assert targets.categories == ((7, "cat"), ("x", "dog"))


def test_what_is_ignored_has_the_class_that_the_encoder_gives(tmp_path: Path) -> None:
    options = {"class_encoder": MultiClassEncoder(ignore_label=-100)}
    path = tmp_path / "out.npz"
    assign_dataset(named(("a",)), path, "retinanet", options=options, size=(64, 64))
    batch = open_targets(path).batch([0])
    assert set(batch.cls_targets[batch.samples == 0].tolist()) == {-100}


@each_kind
def test_the_table_has_all_rows(kind: str, written: Path) -> None:
    targets = open_targets(written / f"rpn_fpn{kind}")
    table = targets.table()
    reference = parquet.read_table(written / "rpn_fpn")
    assert table.to_pylist() == reference.to_pylist()
    assert targets.table(columns=["labels"]).column_names == ["labels"]
    assert json.loads(table.schema.metadata[b"refkernels"])["preset"] == "rpn_fpn"


@each_kind
def test_a_random_image_is_read_without_the_others(
    kind: str, written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[int, int]] = []
    own = files.ParquetRows._read_group

    def noted(rows: Any, part: int, group: int) -> Any:
        read.append((part, group))
        return own(rows, part, group)

    monkeypatch.setattr(files.ParquetRows, "_read_group", noted)
    targets = open_targets(written / f"ssd300{kind}")
    for position in (229, 228, 130, 131):
        assert targets[position].image_id == position + 1
    if kind:
        assert isinstance(targets._rows.find(0)[0]["box_targets"], np.memmap)
    else:
        assert read == [(1, 0), (0, 1)]


@each_kind
def test_it_can_be_pickled_also_after_it_was_read(kind: str, written: Path) -> None:
    targets = open_targets(written / f"ssd300{kind}")
    assert targets.anchors[0, 0] is not None
    assert targets.position(3) == 2
    assert targets[3].image_id == 4
    data = pickle.dumps(targets)
    assert len(data) < 30_000
    copy = pickle.loads(data)
    assert_same(copy[7].targets, targets[7].targets, SPARSE)
    np.testing.assert_array_equal(copy.anchors, targets.anchors)
    assert copy.position(230) == 229


@each_kind
def test_a_data_set_for_training_gives_dicts_of_arrays(kind: str, written: Path) -> None:
    targets = open_targets(written / f"ssd300{kind}")
    training = pickle.loads(pickle.dumps(targets.training()))
    assert len(training) == 230
    item, batch = training[9], targets.batch([9])
    assert item["position"] == 9
    for name in ("cls_targets", "box_targets", "box_masks", "matches", "samples"):
        np.testing.assert_array_equal(item[name], getattr(batch, name)[0])


@each_kind
@pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed")
@pytest.mark.filterwarnings("ignore")
def test_a_loader_with_workers_makes_batches_of_tensors(kind: str, written: Path) -> None:
    from torch.utils.data import DataLoader

    targets = open_targets(written / f"ssd300{kind}")
    assert targets[0].image_id == 1  # before workers fork
    loader = DataLoader(targets.training(), batch_size=100, num_workers=2)
    for first, batch in zip((0, 100, 200), loader, strict=True):
        positions = batch["position"].tolist()
        assert positions[0] == first
        wanted = targets.batch(positions)
        np.testing.assert_array_equal(batch["box_targets"].numpy(), wanted.box_targets)
        np.testing.assert_array_equal(batch["cls_targets"].numpy(), wanted.cls_targets)


@each_kind
def test_a_data_set_without_images_is_empty(kind: str, tmp_path: Path) -> None:
    assign_dataset(AnnotationSet("none", (), ()), tmp_path / f"out{kind}", "ssd300")
    targets = open_targets(tmp_path / f"out{kind}")
    assert (len(targets), list(targets), list(targets.batches(4))) == (0, [], [])
    assert targets.batch([]).samples.shape == (0, 8732)
    assert len(targets.table()) == 0
    with pytest.raises(KeyError):
        targets.position("a")


@each_kind
def test_positions_are_checked(kind: str, written: Path) -> None:
    targets = open_targets(written / f"ssd300{kind}")
    for wrong in (230, -231):
        with pytest.raises(IndexError, match=f"position {wrong} is out of range: there are 230"):
            targets[wrong]
    for kind_of in ("a", 1.0, True):
        with pytest.raises(TypeError, match="position: expected an integer"):
            targets.batch([kind_of])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="out: expected that of 1 images, got 2"):
        targets.batch([0], out=targets.batch([0, 1]))
    with pytest.raises(ValueError, match="size: expected an integer of at least 1"):
        next(targets.batches(0))


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
