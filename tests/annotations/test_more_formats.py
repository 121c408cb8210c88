"""LVIS, Objects365, Open Images, VOC's image sets, and YOLO's lists and data.yaml."""

import gzip
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from refkernels.annotations.open_images import read_open_images
from refkernels.annotations.rules import Rules
from refkernels.annotations.yolo_lists import yolo_list_source
from refkernels.assign import read_annotations, read_coco, read_voc
from tests.annotations.written import OBJECT, coco, jpeg, png, voc

CAT = OBJECT.format(name="cat", box=(1, 1, 50, 50))
COLUMNS = (
    "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,"
    "IsDepiction,IsInside\n"
)


def test_lvis_is_read(tmp_path: Path) -> None:
    image = {
        "id": 397133, "width": 640, "height": 480, "coco_url": "http://x/397133.jpg",
        "neg_category_ids": [2], "not_exhaustive_category_ids": [],
    }  # fmt: skip
    category = {"id": 1, "name": "aerosol_can", "synset": "aerosol.n.02", "frequency": "c"}
    box = {"id": 1, "area": 9.5, "image_id": 397133, "category_id": 1, "bbox": [1.5, 2, 3, 4]}
    file = tmp_path / "lvis_v1_val.json"
    content = {"info": {}, "images": [image], "categories": [category], "annotations": [box]}
    file.write_text(json.dumps(content))
    read = read_annotations(file)
    np.testing.assert_array_equal(read[0].boxes, [[1.5, 2, 4.5, 6]])
    assert not read[0].iscrowd.any()


def test_objects365_is_read_and_its_fakes_are_counted(tmp_path: Path) -> None:
    more = {"isfake": 0, "isreflected": 0, "area": 2500, "iscrowd": 0}
    read = read_coco(coco(tmp_path / "zhiyuan.json", more, {**more, "isfake": 1, "iscrowd": 1}))
    np.testing.assert_array_equal(read[0].iscrowd, [False, True])
    assert read.counts == {"objects marked 'isfake', as objects": 1}


def row(image: str, label: str, *box: Any, group: Any = 0) -> str:
    return f"{image},xclick,{label},1,{','.join(map(str, box))},0,0,{group},0,0\n"


def test_open_images_boxes_are_scaled_and_groups_are_crowds(tmp_path: Path) -> None:
    jpeg(tmp_path / "images" / "0001eeaf4aed83f9.jpg", 1024, 683)
    png(tmp_path / "images" / "b.png", 100, 200)
    file = tmp_path / "train-annotations-bbox.csv"
    rows = row("b", "/m/cat", 0.1, 0.5, 0, 1, group=1) + row("b", "/m/ant", 0, 0.5, 0.25, 1)
    rows += row("0001eeaf4aed83f9", "/m/cat", 0, 1, 0, 1, group=-1)
    file.write_text("\ufeff" + COLUMNS + rows)
    packed = tmp_path / "packed.csv.gz"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    for path in (file, packed):
        read = read_annotations(path)
        assert [image.image_id for image in read] == ["b", "0001eeaf4aed83f9"]
        np.testing.assert_allclose(read[0].boxes, [[10, 0, 50, 200], [0, 50, 50, 200]])
        np.testing.assert_array_equal(read[0].iscrowd, [True, False])
        np.testing.assert_array_equal(read[0].labels, [1, 0])
        assert read.categories == (("/m/ant", "/m/ant"), ("/m/cat", "/m/cat"))
        assert read[1].width == 1024
    (tmp_path / "oidv7-class-descriptions-boxable.csv").write_text(
        'LabelName,DisplayName\n/m/cat,"Cat, wild"\n/m/ant,Ant\n'
    )
    read = read_open_images(file)
    np.testing.assert_array_equal(read[0].labels, [0, 1])
    assert read.categories == (("/m/cat", "Cat, wild"), ("/m/ant", "Ant"))
    np.testing.assert_array_equal(
        read_open_images(file, classes=["Ant", "Cat, wild"])[0].labels, [1, 0]
    )
    os.rename(tmp_path / "images", tmp_path / "train")
    assert len(read_open_images(file, images=tmp_path / "train")) == 2


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (row("x", "a", 0, 1, 0, 1), r"line 2: there is no image x \(JPEG or PNG\) in .*images to"),
        (
            row("b", "a", 0, 1.5, 0, 1),
            "line 2: XMax: expected a number from 0 to 1, .* got 1.5; are",
        ),
        (row("b", "a", "", 1, 0, 1), "line 2: XMin: expected a number, got ''"),
        (
            row("b", "a", 0.5, 0.4, 0, 1),
            "line 2: box ends before it begins: XMin 0.5, XMax 0.4, YM",
        ),
        (row("b", "", 0, 1, 0, 1), "line 2: LabelName: expected the code of a class, got nothing"),
        (row("b", "a", 0, 1, 0, 1, group=2), "line 2: IsGroupOf: expected 0, 1 or -1, got '2'"),
        ("b,xclick\n", "line 2: has fewer columns than the first line"),
        ('"b', "not CSV: unexpected end of data"),
        ("b" * 200_000, "not CSV: field larger than field limit"),
    ],
)
def test_a_bad_row_of_open_images_is_an_error_or_is_skipped(
    tmp_path: Path, rows: str, message: str
) -> None:
    png(tmp_path / "images" / "b.png", 100, 200)
    file = tmp_path / "a.csv"
    file.write_text(COLUMNS + rows)
    with pytest.raises(ValueError, match=rf"a\.csv: {message}") as raised:
        read_annotations(file)
    assert "\n" not in str(raised.value)
    if "line" in message:
        file.write_text(COLUMNS + rows + row("b", "a", 0, 1, 0, 1))
        read = read_annotations(file, skip_bad=True)
        assert len(read.problems) == 1
        assert not read[0].iscrowd[-1]


def test_an_image_that_is_missing_is_told_once(tmp_path: Path) -> None:
    png(tmp_path / "images" / "b.png", 100, 200)
    file = tmp_path / "a.csv"
    file.write_text(COLUMNS + row("x", "a", 0, 1, 0, 1) * 9)
    with pytest.raises(ValueError, match=r"a\.csv: no image is left; .*: there is no image x"):
        read_annotations(file, skip_bad=True)
    file.write_text(COLUMNS + row("x", "a", 0, 1, 0, 1) * 9 + row("b", "a", 0, 1, 0, 1))
    assert len(read_annotations(file, skip_bad=True).problems) == 1
    file.write_text(COLUMNS)
    assert len(read_annotations(file)) == 0


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.csv",
            b"ImageID,LabelName\n",
            "a.csv: column XMin is missing; is this a file of boxes?",
        ),
        ("a.csv", b"", "a.csv: column ImageID is missing"),
        ("a.csv", b"\xff", "a.csv: not UTF-8 text"),
        (
            "class-descriptions.csv",
            b"/m/a",
            "class-descriptions.csv: line 1: expected a code and a",
        ),
        ("class-descriptions.csv", b'"', "class-descriptions.csv: not CSV: unexpected end of data"),
        ("class-descriptions.csv", b"\xff", "class-descriptions.csv: not UTF-8 text"),
        ("class-descriptions.csv", b"/m/b,Ant\n", "a.csv: line 2: LabelName: '/m/a' is not among"),
    ],
)
def test_a_bad_file_of_open_images_is_an_error_of_one_line(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    png(tmp_path / "images" / "b.png", 100, 200)
    (tmp_path / "a.csv").write_text(COLUMNS + row("b", "/m/a", 0, 1, 0, 1))
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError) as raised:
        read_annotations(tmp_path / "a.csv")
    assert str(raised.value).startswith(f"{tmp_path}/{message}")
    assert "\n" not in str(raised.value)


def test_an_image_set_of_voc_picks_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for stem in ("a", "b", "c"):
        voc(tmp_path / "VOC2012" / "Annotations", stem, CAT)
    listed = tmp_path / "VOC2012" / "ImageSets" / "Main" / "train.txt"
    listed.parent.mkdir(parents=True)
    listed.write_text("c\n\na \n")
    assert [image.image_id for image in read_annotations(listed)] == ["c", "a"]
    assert [image.image_id for image in read_voc(listed)] == ["c", "a"]
    beside = tmp_path / "VOC2012" / "some.txt"
    beside.write_text("b\n")
    assert len(read_annotations(beside)) == 1
    within = tmp_path / "VOC2012" / "Annotations" / "some.txt"
    within.write_text("b\n")
    assert len(read_annotations(within)) == 1
    listed.write_text("a\nd\na\n")
    with pytest.raises(ValueError, match=r"Annotations/d\.xml: cannot be read: No such file"):
        read_annotations(listed)
    assert len(read_annotations(listed, skip_bad=True).problems) == 2  # and one that comes twice
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"^VOC2012/Annotations/d\.xml: cannot be read"):
        read_annotations(listed.relative_to(tmp_path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"a -1\nb  1\n",
            "line 1: expected the stem of a file and nothing more, got 'a -1'; lists",
        ),
        (b"\n", "lists no files"),
        (b"\xff", "not UTF-8 text"),
    ],
)
def test_a_bad_image_set_is_an_error_of_one_line(
    tmp_path: Path, content: bytes, message: str
) -> None:
    listed = tmp_path / "list.txt"
    listed.write_bytes(content)
    with pytest.raises(ValueError, match=message) as raised:
        read_annotations(listed)
    assert str(raised.value).startswith(f"{listed}: ")
    moved = tmp_path / "ImageSets" / "train.txt"
    moved.parent.mkdir()
    listed.rename(moved)
    expected = r"train\.txt: expected the XML files in .*Annotations, which is no folder"
    with pytest.raises(ValueError, match=expected):
        read_annotations(moved)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A YOLO data set of two splits: of a cat and an image without, and of a dog."""
    pytest.importorskip("yaml")
    for split, stem, text in (("train", "a", "0"), ("train", "b", None), ("val", "c", "1")):
        png(tmp_path / "set" / "images" / split / f"{stem}.png", 10, 20)
        if text is not None:
            labels = tmp_path / "set" / "labels" / split
            labels.mkdir(parents=True, exist_ok=True)
            (labels / f"{stem}.txt").write_text(f"{text} 0.5 0.5 1 1\n")
    (tmp_path / "data.yaml").write_text(
        "path: set\ntrain: images/train\nval: [images/val]\nnc: 2\nnames: [cat, dog]\n"
    )
    return tmp_path / "data.yaml"


def test_a_data_yaml_says_where_images_are_and_what_classes_are_called(data: Path) -> None:
    read = read_annotations(data)
    assert [(image.image_id, list(image.labels)) for image in read] == [("a", [0]), ("b", [])]
    assert read.source == f"{data} (train)"
    val = read_annotations(data, split="val")
    assert [(image.image_id, list(image.labels)) for image in val] == [("c", [1])]
    assert read.categories == val.categories == ((0, "cat"), (1, "dog"))
    text = data.read_text()
    for names in ("names: {0: cat, 1: dog}", "names:\n  0: cat\n  1: dog"):
        data.write_text(text.replace("names: [cat, dog]", names))
        assert read_annotations(data).categories == read.categories
    data.write_text(text.replace("names: [cat, dog]", ""))
    assert read_annotations(data).categories == ((0, "0"), (1, "1"))
    data.write_text("train: set/images/train\n")
    assert read_annotations(data).categories == ((0, "0"),)
    data.write_text("train: ../set/images/train\n")  # as some exports have it
    assert len(read_annotations(data)) == 2


def test_images_may_be_listed_in_a_file(data: Path) -> None:
    listed = data.parent / "set" / "train.txt"
    listed.write_text(f"./images/train/b.png\n\n{data.parent / 'set/images/train/a.png'}\n")
    assert [image.image_id for image in read_annotations(listed)] == ["b", "a"]
    data.write_text("path: set\ntrain: train.txt\nnames: [cat]")
    assert [len(image.boxes) for image in read_annotations(data)] == [0, 1]
    listed.write_text("images/train/b.png\nimages/train/d.png\n")
    with pytest.raises(ValueError, match=r"d\.png: .*d\.png: cannot be read: No such file"):
        read_annotations(listed)
    assert len(read_annotations(listed, skip_bad=True)) == 1
    (data.parent / "set" / "labels" / "train" / "a.txt").rename(data.parent / "a.txt")
    png(data.parent / "a.png", 10, 20)
    own = data.parent / "own.txt"
    own.write_text("a.png\n")  # in no folder of images: its text is beside it
    assert [len(image.boxes) for image in read_annotations(own)] == [1]
    listed.write_text("images/train/b.png\nimages/train/d.gif\n")
    expected = r"train\.txt: line 2: expected a JPEG or PNG file, got 'images/train/d\.gif'"
    with pytest.raises(ValueError, match=expected):
        read_annotations(listed)


def test_an_image_that_comes_twice_is_an_error(data: Path) -> None:
    png(data.parent / "set" / "images" / "train" / "more" / "a.png", 10, 20)
    with pytest.raises(ValueError, match=r"a\.png: image 'a' comes twice"):
        read_annotations(data)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "expected a map with 'train', 'val' and 'names', got []"),
        ("names: [cat]", "'train' is missing"),
        ("train: none", "train: {folder}/none does not exist"),
        ("train: 5", "train: expected a folder of images, got 5"),
        ("train:", "train: expected a folder of images, got null"),
        ("train: set\npath: 5", "path: expected a folder, got 5"),
        ("train: set\nnames: cat", 'names: expected a list or a map of names, got "cat"'),
        ("train: set\nnames: []", "names: expected a list or a map of names, got []"),
        ("train: set\nnames: {1: a}", "names: expected the classes 0 to 0, without 0"),
        ("train: set\nnames: [a]\nnc: 2", "names: expected 2, as nc says, got 1"),
        ("train: set\nnc: 2147483647", "nc: expected the number of classes, got 2147483647"),
        ("train: set\nnc: x", 'nc: expected the number of classes, got "x"'),
        ("train: [", "not YAML at line 1: "),
        ("train: set/labels", "lists no images"),
    ],
)
def test_a_bad_data_yaml_is_an_error_of_one_line(data: Path, content: str, message: str) -> None:
    data.write_text(content)
    with pytest.raises(ValueError) as raised:
        read_annotations(data)
    shown = str(raised.value).replace(" (train): ", ": ")
    assert shown.startswith(f"{data}: {message.format(folder=data.parent)}")
    assert "\n" not in str(raised.value)


def test_a_class_beyond_the_names_of_a_data_yaml_is_an_error(data: Path) -> None:
    data.write_text("path: set\nval: images/val\nnames: [cat]")
    with pytest.raises(
        ValueError, match=r"c\.txt: line 1: class: expected at most 0, .*data\.yaml"
    ):
        read_annotations(data, split="val")


def test_what_cannot_be_opened_is_an_error_of_one_line(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(self: Path, *_: Any, **__: Any) -> Any:
        raise PermissionError(13, "Permission denied", str(self))

    folder = data.parent
    classes, yolo_names = folder / "class-descriptions.csv", folder / "texts" / "classes.txt"
    for path in (folder / "list.txt", folder / "a.csv", classes, yolo_names):
        path.parent.mkdir(exist_ok=True)
        path.write_text("a")
    (folder / "texts" / "a.txt").touch()
    rules = Rules()
    monkeypatch.setattr(Path, "open", locked)
    with pytest.raises(ValueError, match=r"list\.txt: cannot be read: Permission denied"):
        yolo_list_source(folder / "list.txt", rules)
    for path, named in (
        (data, data),
        (folder / "list.txt", folder / "list.txt"),
        (folder / "texts", yolo_names),
        (folder / "a.csv", classes),
    ):
        with pytest.raises(ValueError) as raised:
            read_annotations(path)
        assert str(raised.value) == f"{named}: cannot be read: Permission denied"
    classes.unlink()
    with pytest.raises(ValueError, match=r"a\.csv: cannot be read: Permission denied"):
        read_annotations(folder / "a.csv")
