"""Marks, places and sizes: what files say of their objects and images, and what becomes of it."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from refkernels.annotations import voc as voc_module
from refkernels.annotations.image_size import read_image_size
from refkernels.annotations.images import ImageAnnotations
from refkernels.assign import read_annotations, read_coco, read_voc, read_yolo
from tests.annotations.written import OBJECT, SIZE, coco, exif, jpeg, png, voc


def test_marked_objects_are_what_each_form_means_or_what_is_asked_for(tmp_path: Path) -> None:
    file = coco(tmp_path / "a.json", {"ignore": 1}, {"ignore": 0}, {"ignore": 1, "iscrowd": 1})
    voc(tmp_path / "voc", "a", OBJECT.format(name="cat", box=(1, 1, 50, 50)))
    for difficult, of_coco, of_voc in (
        (None, [True, False, True], [False]),
        ("ignore", [True, False, True], [True]),
        ("object", [False, False, True], [False]),
        ("drop", [False, True], []),
    ):
        read = read_coco(file, difficult=difficult)
        np.testing.assert_array_equal(read[0].iscrowd, of_coco)
        np.testing.assert_array_equal(
            read_voc(tmp_path / "voc", difficult=difficult)[0].iscrowd, of_voc
        )
    assert read.counts == {"objects marked 'ignore', left out": 1}
    assert read_coco(file).counts == {"objects marked 'ignore', as ignored regions": 1}
    assert read_voc(tmp_path / "voc").counts == {"objects marked 'difficult', as objects": 1}
    with pytest.raises(
        ValueError, match=r"^difficult: expected 'object' or 'ignore' or 'drop', got"
    ):
        read_coco(file, difficult="hard")


@pytest.mark.parametrize(
    ("ignore", "shown"), [(2, "2"), ("1", '"1"'), (None, "null"), (1.0, "1.0")]
)
def test_a_mark_is_0_or_1(tmp_path: Path, ignore: Any, shown: str) -> None:
    file = coco(tmp_path / "a.json", {"ignore": ignore})
    with pytest.raises(
        ValueError, match=rf"annotation 0 .*: ignore: expected 0 or 1, got {shown}$"
    ):
        read_coco(file)
    voc(tmp_path, "a", "<object><name>a</name><difficult>x</difficult></object>")
    with pytest.raises(ValueError, match=r"object\[0\]: 'bndbox/xmin' is missing"):
        read_voc(tmp_path)
    objects = OBJECT.format(name="a", box=(1, 1, 5, 5))
    voc(tmp_path, "a", objects.replace("<difficult>1", "<difficult>x"))
    with pytest.raises(ValueError, match=r"object\[0\]: difficult: expected 0 or 1, got 'x'"):
        read_voc(tmp_path)
    voc(tmp_path, "a", objects.replace("<difficult>1", "<difficult> "))
    assert read_voc(tmp_path, difficult="drop")[0].labels == [0]


@pytest.mark.parametrize(
    "box", [[640, 0, 5, 5], [700, 0, 0, 5], [-5, 0, 5, 5], [0, 480, 5, 5], [0, -9, 5, 5]]
)
def test_a_box_wholly_outside_its_image_is_a_bad_annotation(tmp_path: Path, box: Any) -> None:
    file = coco(tmp_path / "a.json", {"bbox": box})
    expected = r"annotation 0 of image 20: box .* is wholly outside its image of 640 x 480 pixels$"
    with pytest.raises(ValueError, match=expected):
        read_coco(file)
    read = read_coco(file, skip_bad=True)
    assert len(read.problems) == 1
    assert len(read[0].boxes) == 0


def test_a_box_of_no_extent_may_lie_on_the_border(tmp_path: Path) -> None:
    boxes = [[0, 0, 0, 5], [640, 0, 0, 5], [0, 480, 5, 0]]
    read = read_coco(coco(tmp_path / "a.json", *({"bbox": box} for box in boxes)))
    assert len(read[0].boxes) == 3
    assert not read.counts


def test_a_box_that_juts_out_is_counted_and_can_be_clipped(tmp_path: Path) -> None:
    file = coco(tmp_path / "a.json", {"bbox": [-5, 10, 700, 500]}, {"bbox": [0, 0, 640.005, 9]})
    read = read_coco(file)
    assert read.counts == {"boxes that jut out of their image": 1}  # one of them by rounding only
    np.testing.assert_array_equal(read[0].boxes, [[-5, 10, 695, 510], [0, 0, 640.005, 9]])
    read = read_coco(file, clip=True)
    assert read.counts == {"boxes that jut out of their image, clipped": 1}
    np.testing.assert_array_equal(read[0].boxes, [[0, 10, 640, 480], [0, 0, 640, 9]])


def test_voc_pixels_are_counted_from_1_or_taken_as_they_are(tmp_path: Path) -> None:
    voc(tmp_path, "a", OBJECT.format(name="cat", box=(0, 0, 353, 500)))
    np.testing.assert_array_equal(read_voc(tmp_path)[0].boxes, [[-1, -1, 353, 500]])
    assert read_voc(tmp_path).counts["boxes that jut out of their image"] == 1
    read = read_voc(tmp_path, voc_origin=0)
    np.testing.assert_array_equal(read[0].boxes, [[0, 0, 353, 500]])
    with pytest.raises(ValueError, match="voc_origin"):
        read_voc(tmp_path, voc_origin=2)
    voc(tmp_path, "a", OBJECT.format(name="cat", box=(5, 5, 4, 5)))
    assert read_voc(tmp_path)[0].labels == [0]  # of no extent, counted from 1
    with pytest.raises(ValueError, match="bndbox: ends before it begins"):
        read_voc(tmp_path, voc_origin=0)


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_jpeg_that_exif_turns_has_its_sides_exchanged(tmp_path: Path, order: str) -> None:
    (tmp_path / "a.txt").write_text("0 0.5 0.3 0.8 0.4")
    for orientation in range(10):
        jpeg(tmp_path / "a.jpg", 100, 40, exif(orientation, order, before=orientation))
        size = (40, 100) if 5 <= orientation <= 8 else (100, 40)
        assert read_image_size(tmp_path / "a.jpg") == size
        width, height = size
        np.testing.assert_allclose(
            read_yolo(tmp_path)[0].boxes, [[0.1 * width, 0.1 * height, 0.9 * width, 0.5 * height]]
        )


def test_exif_of_any_bytes_turns_nothing_and_fails_nowhere(tmp_path: Path) -> None:
    whole = exif(6, "<")
    for cut in range(len(whole) - 4):
        jpeg(tmp_path / "a.jpg", 100, 40, exif(6, "<", cut=cut))
        assert read_image_size(tmp_path / "a.jpg") in ((100, 40), (40, 100))
    far = whole[:14] + struct.pack("<I", 2**32 - 1) + whole[18:]
    no_number = whole.replace(struct.pack("<HHI", 0x0112, 3, 1), struct.pack("<HHI", 0x0112, 2, 1))
    for segment in (far, no_number, b"\xff\xe1\x00\x00", b"\xff\xe1\x00\x08http:/"):
        jpeg(tmp_path / "a.jpg", 100, 40, segment)
        assert read_image_size(tmp_path / "a.jpg") == (100, 40)
    jpeg(tmp_path / "a.jpg", 100, 40, b"\xff\xe1\x00\x08http:/" + whole)  # XMP comes in APP1 too
    assert read_image_size(tmp_path / "a.jpg") == (40, 100)


def test_an_image_that_is_too_large_is_an_error(tmp_path: Path) -> None:
    png(tmp_path / "a.png", 2**31, 5)
    with pytest.raises(ValueError, match=r"a\.png: has a width of 2147483648 and a height of 5"):
        read_image_size(tmp_path / "a.png")


@pytest.mark.parametrize("encoding", ["gb2312", "gbk", "shift_jis", "euc-kr", "big5", "utf-16"])
def test_xml_may_be_in_any_encoding_that_it_names(tmp_path: Path, encoding: str) -> None:
    name = {"shift_jis": "犬", "euc-kr": "개"}.get(encoding, "狗")
    text = f'<?xml version="1.0" encoding="{encoding}"?><annotation>{SIZE}'
    text += OBJECT.format(name=name, box=(1, 1, 50, 50)) + "</annotation>"
    if encoding == "big5":
        text = text.replace(name, "貓")
    (tmp_path / "a.xml").write_bytes(text.encode(encoding))
    assert read_voc(tmp_path).categories[0][1] in ("狗", "犬", "개", "貓")


@pytest.mark.parametrize(
    ("encoding", "message"),
    [
        ("gb2312", "not gb2312 text, as it says, at byte "),
        ("zip", "is in the encoding 'zip', which Python does not know"),
        ("no-such", "is in the encoding 'no-such', which Python does not know"),
    ],
)
def test_xml_that_is_not_in_its_encoding_is_named(
    tmp_path: Path, encoding: str, message: str
) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><annotation>'.encode()
    (tmp_path / "a.xml").write_bytes(text + b"\xff\xff</annotation>")
    with pytest.raises(ValueError) as raised:
        read_voc(tmp_path)
    assert str(raised.value).startswith(f"{tmp_path / 'a.xml'}: {message}")


def test_an_encoding_that_is_not_named_is_utf_8() -> None:
    assert voc_module._decoded("é".encode()) == "é"


def test_images_without_a_text_file_are_without_objects(tmp_path: Path) -> None:
    labels, images = tmp_path / "labels" / "train", tmp_path / "images" / "train"
    labels.mkdir(parents=True)
    (labels / "b.txt").write_text("0 0.5 0.5 1 1")
    for stem in "abc":
        png(images / f"{stem}.PNG", 10, 20)
    (images / "._a.png").write_bytes(b"of macOS")
    (images / "notes.pdf").touch()
    read = read_yolo(labels)
    assert [(image.image_id, len(image.boxes)) for image in read] == [("a", 0), ("b", 1), ("c", 0)]
    assert read[0].height == 20
    (images / "c.PNG").write_bytes(b"GIF89a")
    with pytest.raises(ValueError, match=r"^.*c\.PNG: .*neither a JPEG nor a PNG file$"):
        read_yolo(labels)


def test_images_that_folders_share_go_to_the_folder_with_their_text(tmp_path: Path) -> None:
    for stem, folder in (("a", "train"), ("b", "val"), ("c", None)):
        png(tmp_path / "images" / f"{stem}.png", 10, 20)
        if folder is not None:
            (tmp_path / folder).mkdir()
            (tmp_path / folder / f"{stem}.txt").write_text("0 0.5 0.5 1 1")
    assert [image.image_id for image in read_yolo(tmp_path / "train")] == ["a", "c"]
    assert [image.image_id for image in read_yolo(tmp_path / "val")] == ["b", "c"]


def test_a_folder_of_images_can_be_said(tmp_path: Path) -> None:
    png(tmp_path / "elsewhere" / "a.png", 10, 20)
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("0 0.5 0.5 1 1")
    with pytest.raises(ValueError, match="there is no image a"):
        read_yolo(tmp_path / "texts")
    assert len(read_yolo(tmp_path / "texts", images=tmp_path / "elsewhere")) == 1
    with pytest.raises(ValueError, match=r"^images: expected a folder, got .*none$"):
        read_yolo(tmp_path / "texts", images=tmp_path / "none")


def test_a_yolo_polygon_gives_its_extent(tmp_path: Path) -> None:
    png(tmp_path / "a.png", 10, 20)
    (tmp_path / "a.txt").write_text("0 0.1 0.2 0.7 0.1 0.5 0.9\n0 0 0 1 0 1 1 0 1")
    np.testing.assert_allclose(read_yolo(tmp_path)[0].boxes, [[1, 2, 7, 18], [0, 0, 10, 20]])


def test_a_class_beyond_the_names_is_an_error(tmp_path: Path) -> None:
    png(tmp_path / "a.png", 10, 20)
    (tmp_path / "a.txt").write_text("0 0.5 0.5 1 1\n2 0.5 0.5 1 1")
    assert len(read_yolo(tmp_path).categories) == 3
    (tmp_path / "classes.txt").write_text("cat\ndog\n")
    with pytest.raises(
        ValueError, match=r"a\.txt: line 2: class: expected at most 1, .*classes\.txt names, got 2$"
    ):
        read_yolo(tmp_path)
    np.testing.assert_array_equal(read_yolo(tmp_path, skip_bad=True)[0].iscrowd, [False, True])


@pytest.mark.parametrize("word", ["2147483647", "1e300", "4294967296", "9" * 400])
def test_a_class_of_any_size_is_an_error_of_one_line(tmp_path: Path, word: str) -> None:
    png(tmp_path / "a.png", 10, 20)
    (tmp_path / "a.txt").write_text(f"{word} 0.5 0.5 1 1")
    with pytest.raises(ValueError, match=r"a\.txt: line 1: class: expected a .*number") as raised:
        read_annotations(tmp_path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("label", [-1, 2**31, 2**40])
def test_a_label_is_a_class_that_files_can_have(label: int) -> None:
    with pytest.raises(ValueError, match=rf"^labels\[1\]: expected a class .*, got {label}$"):
        ImageAnnotations(1, 10, 10, np.zeros((2, 4)), [0, label], [False, False])
