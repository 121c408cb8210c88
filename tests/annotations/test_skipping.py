"""What is left out when bad annotations, images and files are to be skipped."""

import gzip
import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from refkernels.assign import read_annotations, read_coco, read_voc, read_yolo
from tests.annotations.written import OBJECT, coco, png, voc

CAT = OBJECT.format(name="cat", box=(1, 1, 50, 50))


def test_what_is_skipped_is_an_ignored_region_if_its_box_is_good(tmp_path: Path) -> None:
    file = coco(
        tmp_path / "a.json", {}, {"category_id": 5}, {"iscrowd": 3}, {"bbox": [1, 2, 3]},
        {"image_id": 99}, {"image_id": []},
    )  # fmt: skip
    read = read_coco(file, skip_bad=True)
    assert len(read.problems) == 5
    np.testing.assert_array_equal(read[0].iscrowd, [False, True, True])
    np.testing.assert_array_equal(read[0].boxes, [[10, 10, 60, 60]] * 3)
    voc(tmp_path, "a", CAT + CAT.replace("cat", " ") + "<object/>")
    read = read_voc(tmp_path, skip_bad=True)
    assert len(read.problems) == 2
    np.testing.assert_array_equal(read[0].iscrowd, [False, True])
    png(tmp_path / "yolo" / "a.png", 10, 10)
    (tmp_path / "yolo" / "a.txt").write_text("x 0.5 0.5 1 1\n0 7 0.5 1 1\n0 0.5 0.5 1 1")
    read = read_yolo(tmp_path / "yolo", skip_bad=True)
    np.testing.assert_array_equal(read[0].iscrowd, [True, False])


def test_an_annotation_that_is_no_object_is_left_out(tmp_path: Path) -> None:
    file = coco(tmp_path / "a.json", annotations=[[], {"image_id": 20, "bbox": [0, 0, 5, 5]}])
    read = read_coco(file, skip_bad=True)
    assert len(read.problems) == 2
    np.testing.assert_array_equal(read[0].iscrowd, [True])


def test_bad_images_and_files_are_skipped_and_listed(tmp_path: Path) -> None:
    voc(tmp_path, "a", CAT)
    voc(tmp_path, "b", CAT, size="")
    (tmp_path / "c.xml").touch()
    (tmp_path / "d.xml").mkdir()
    (tmp_path / "._a.xml").write_bytes(b"\x00\x05\x16\x07Mac OS X")
    with pytest.raises(
        ValueError, match=r"\._a\.xml: not XML: .*; a file of macOS beside the real"
    ):
        read_voc(tmp_path)
    read = read_voc(tmp_path, skip_bad=True)
    assert [image.image_id for image in read] == ["a"]
    assert [Path(problem.split(": ")[0]).name for problem in read.problems] == [
        "._a.xml", "b.xml", "c.xml", "d.xml",
    ]  # fmt: skip


def test_bad_images_and_categories_of_coco_are_skipped_and_listed(tmp_path: Path) -> None:
    sizes = {"width": 640, "height": 480}
    images = [{"id": 20, **sizes}, {"id": 20, **sizes}, {"id": 21, "width": 5}, {"id": 22, **sizes}]
    categories = [{"id": 7, "name": "cat"}, {"id": 7, "name": "dog"}, {"name": "x"}]
    annotations = [{"image_id": k, "category_id": 7, "bbox": [1, 2, 3, 4]} for k in (20, 21)]
    file = tmp_path / "a.json"
    file.write_text(
        json.dumps({"images": images, "categories": categories, "annotations": annotations})
    )
    read = read_coco(file, skip_bad=True)
    assert [image.image_id for image in read] == [20, 22]
    assert read.categories == ((7, "cat"),)
    assert [problem.removeprefix(f"{file}: ") for problem in read.problems] == [
        "image 20 comes twice",
        "image 21: 'height' is missing",
        "category 7 comes twice",
        "categories[2]: 'id' is missing",
        "annotations[1]: image_id 21 is not among the images",
    ]


def test_texts_without_an_image_are_skipped_and_listed(tmp_path: Path) -> None:
    for stem in "ab":
        (tmp_path / f"{stem}.txt").write_text("0 0.5 0.5 1 1")
    png(tmp_path / "b.png", 10, 10)
    (tmp_path / "c.txt").write_bytes(b"\xff")
    png(tmp_path / "c.png", 10, 10)
    read = read_yolo(tmp_path, skip_bad=True)
    assert [image.image_id for image in read] == ["b"]
    assert len(read.problems) == 2


def test_when_no_image_is_left_that_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.xml").touch()
    with pytest.raises(ValueError, match=r"no image is left; .*a\.xml: not XML"):
        read_voc(tmp_path, skip_bad=True)
    (tmp_path / "yolo").mkdir()
    with pytest.raises(ValueError, match=r"yolo: holds no \.txt files"):
        read_yolo(tmp_path / "yolo", skip_bad=True)
    (tmp_path / "yolo" / "a.txt").touch()
    with pytest.raises(ValueError, match=r"no image is left; .*a\.txt: there is no image a"):
        read_yolo(tmp_path / "yolo", skip_bad=True)


def test_several_files_are_read_as_one(tmp_path: Path) -> None:
    first = coco(tmp_path / "a.json", {}, images=(1, 2))
    second = coco(tmp_path / "b.json", {"category_id": 9}, images=(3,))
    packed = tmp_path / "b.json.gz"
    packed.write_bytes(gzip.compress(second.read_bytes()))
    for paths in ([first, second], (str(first), str(packed))):
        read = read_annotations(paths)
        assert [image.image_id for image in read] == [1, 2, 3]
        assert [list(image.labels) for image in read] == [[0], [], [1]]
        assert read.source == f"{first} and 1 more"
    with pytest.raises(ValueError, match=r"^annotations: expected a file or a folder, got none$"):
        read_annotations([])


def test_ids_of_several_files_may_not_collide(tmp_path: Path) -> None:
    first, second = (coco(tmp_path / name, {}) for name in ("a.json", "b.json"))
    expected = f"{second}: image 20 is in {first} as well"
    with pytest.raises(ValueError) as raised:
        read_annotations([first, second])
    assert str(raised.value) == expected
    read = read_annotations([first, second], skip_bad=True)
    assert len(read) == 1
    assert read.problems == (expected,)
    coco(second, images=("x",))
    with pytest.raises(
        ValueError, match=r"a\.json and .*b\.json: image ids: expected all integers"
    ):
        read_annotations([first, second])


def test_categories_of_several_files_have_to_agree(tmp_path: Path) -> None:
    first = coco(tmp_path / "a.json", {})
    for categories, told in (
        ([{"id": 7, "name": "cat"}], "none, expected 'dog' (id 9)"),
        ([{"id": 7, "name": "cat"}, {"id": 9, "name": "cow"}], "'cow' (id 9), expected 'dog' (id"),
    ):
        second = coco(tmp_path / "b.json", {}, images=(21,), categories=categories)
        with pytest.raises(ValueError) as raised:
            read_annotations([first, second])
        assert str(raised.value).startswith(
            f"{second}: its categories are not those of {first}: the class with the label 1 is "
            f"{told}"
        )
    assert len(read_annotations([first, second], classes="dog,cow,cat")) == 2


def test_folders_that_declare_no_classes_are_joined(tmp_path: Path) -> None:
    voc(tmp_path / "a", "a", CAT.replace("cat", "dog"))
    voc(tmp_path / "b", "b", CAT)
    read = read_annotations([tmp_path / "a", tmp_path / "b"])
    assert [list(image.labels) for image in read] == [[1], [0]]
    png(tmp_path / "c" / "c.png", 10, 10)
    (tmp_path / "c" / "c.txt").write_text("0 0.5 0.5 1 1")
    with pytest.raises(ValueError, match="classes have names in one and numbers in the other"):
        read_annotations([tmp_path / "a", tmp_path / "c"])
    file = coco(tmp_path / "d.json", {}, images=("d",))
    with pytest.raises(ValueError, match=r"b: declares no classes, and .*d\.json does"):
        read_annotations([file, tmp_path / "b"])


def test_of_several_files_bad_ones_are_skipped_and_listed(tmp_path: Path) -> None:
    good, bad = coco(tmp_path / "a.json", {}), tmp_path / "bad.json"
    bad.write_text(good.read_text()[:50])
    read = read_annotations([bad, good], skip_bad=True)
    assert len(read) == 1
    assert read.problems[0].startswith(f"{bad}: the file ends early")
    with pytest.raises(ValueError, match="ends early"):
        read_annotations([bad, good])
    with pytest.raises(ValueError, match=r"^.*bad\.json: the file ends early"):
        read_annotations(bad, skip_bad=True)
    with pytest.raises(ValueError, match="no file is left; "):
        read_annotations([bad, bad], skip_bad=True)
    with pytest.raises(ValueError, match=r"gone\.json: cannot be read: No such file"):
        read_annotations([good, tmp_path / "gone.json"], skip_bad=True)
    with pytest.raises(ValueError, match="cannot be read: embedded null"):
        read_annotations("a\0b")


def test_a_packed_file_that_is_cut_anywhere_is_an_error_of_one_line(tmp_path: Path) -> None:
    whole = gzip.compress(coco(tmp_path / "a.json", {}).read_bytes())
    file = tmp_path / "cut.json.gz"
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"cut\.json\.gz: ") as raised:
            read_annotations(file)
        assert "\n" not in str(raised.value)
    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with suppress(ValueError):
            read_annotations(file)
