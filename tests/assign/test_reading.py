"""Targets that were written, read back: by image, in batches, for training, and as a table."""

import json
import pickle
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from refkernels.assign import AnnotationSet, TargetAssigner, open_targets
from refkernels.assign.dataset.job import assign_dataset
from refkernels.assign.network import network_of
from refkernels.assign.reading import files
from refkernels.coder import MultiClassEncoder
from tests.assign.stored import IMAGES, SIZES, SPARSE, assert_same, expected

parquet = pytest.importorskip("pyarrow.parquet", exc_type=ImportError)

each_kind = pytest.mark.parametrize("kind", ["", ".npz"])


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
    with pytest.raises(ValueError, match="out: expected that of 1 image, got 2"):
        targets.batch([0], out=targets.batch([0, 1]))
    with pytest.raises(ValueError, match="size: expected an integer of at least 1"):
        next(targets.batches(0))
