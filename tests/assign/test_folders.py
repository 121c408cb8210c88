"""Ground truth in folders: Pascal VOC and YOLO."""

import re
from pathlib import Path

import numpy as np
import pytest

from refkernels.annotations.image_size import read_image_size
from refkernels.assign import read_annotations, read_coco, read_voc, read_yolo
from tests.annotations.written import OBJECT, SIZE, jpeg, png, voc


def test_voc_boxes_become_continuous_and_labels_follow_sorted_names(tmp_path: Path) -> None:
    objects = OBJECT.format(name="dog", box=(48, 240, 195, 371))
    voc(tmp_path, "000001", objects + OBJECT.format(name="cat", box=(1, 1, 353, 500)))
    voc(tmp_path, "000002", "")
    images = read_voc(tmp_path)
    assert [image.image_id for image in images] == ["000001", "000002"]
    assert (images[0].width, images[0].height) == (353, 500)
    np.testing.assert_array_equal(images[0].boxes, [[47, 239, 195, 371], [0, 0, 353, 500]])
    np.testing.assert_array_equal(images[0].labels, [1, 0])
    assert images.categories == (("cat", "cat"), ("dog", "dog"))
    assert images[1].boxes.shape == (0, 4)


@pytest.mark.parametrize(
    ("objects", "size", "message"),
    [
        ("<object>", SIZE, "not XML"),
        ("", "", "'size/width' is missing"),
        ("", "<size><width>0</width><height>5</height></size>", "size/width: expected a number of"),
        ("<object><name> </name></object>", SIZE, r"object\[0\]: 'name' is missing"),
        ("<object><name>a</name></object>", SIZE, r"object\[0\]: 'bndbox/xmin' is missing"),
        (OBJECT.format(name="a", box=(1, 2, "x", 4)), SIZE, "bndbox/xmax: expected a number, got"),
        (OBJECT.format(name="a", box=(1, 2, "nan", 4)), SIZE, "bndbox/xmax: expected a finite"),
        (OBJECT.format(name="a", box=(5, 2, 1, 4)), SIZE, "bndbox: ends before it begins"),
    ],
)
def test_a_bad_voc_file_is_an_error_of_one_line(
    tmp_path: Path, objects: str, size: str, message: str
) -> None:
    voc(tmp_path, "bad", objects, size)
    with pytest.raises(ValueError, match=rf"bad\.xml: .*{message}") as raised:
        read_voc(tmp_path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("width", ["640.5", "1e300", str(2**31)])
def test_a_voc_image_has_whole_sizes(tmp_path: Path, width: str) -> None:
    voc(tmp_path, "a", "", f"<size><width>{width}</width><height>500</height></size>")
    with pytest.raises(ValueError, match=r"a\.xml: size: expected whole numbers of pixels, got "):
        read_voc(tmp_path)


def test_whether_bad_annotations_are_skipped_is_said_by_a_bool(tmp_path: Path) -> None:
    for read in (read_coco, read_voc, read_yolo, read_annotations):
        for wrong in ("False", 0, None):
            with pytest.raises(TypeError, match=r"^skip_bad: expected True or False, got "):
                read(tmp_path, skip_bad=wrong)


def test_yolo_boxes_are_scaled_to_the_image(tmp_path: Path) -> None:
    labels, images = tmp_path / "labels" / "train", tmp_path / "images" / "train"
    labels.mkdir(parents=True)
    images.mkdir(parents=True)
    (labels / "a.txt").write_text("1 0.5 0.5 0.2 0.4\n\n0 0.25 0.5 0 1\n")
    (labels / "b.txt").write_text("")
    (labels / "classes.txt").write_text("cat\ndog\n")
    jpeg(images / "a.jpg", 640, 480)
    png(images / "b.png", 10, 20)
    read = read_yolo(labels)
    assert [(image.image_id, image.width, image.height) for image in read] == [
        ("a", 640, 480),
        ("b", 10, 20),
    ]
    np.testing.assert_allclose(read[0].boxes, [[256, 144, 384, 336], [160, 0, 160, 480]])
    np.testing.assert_array_equal(read[0].labels, [1, 0])
    assert read.categories == ((0, "cat"), (1, "dog"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2 3", "line 1: expected a class and 4 numbers, or a class and .*, got '1 2 3'"),
        ("0 0 0 1 1\n0 0 0 -1 1", "line 2: width: expected a number of at least 0, got -1"),
        ("a 0 0 1 1", "line 1: class: expected a number, got 'a'"),
        ("0.5 0 0 1 1", "line 1: class: expected a whole number below 1048576, got 0.5"),
        ("2e9 0 0 1 1", "line 1: class: expected a whole number below 1048576, got 2e9"),
        ("0 0 0 0.5 0.5 1", "line 1: expected a class and 4 numbers, or a class and 3 points"),
        ("0 0 0 0.5 1 1", "line 1: expected a class and 4 numbers, or .*, got '0 0 0 0.5 1 1'"),
        ("0 1e308 0 1 1", "line 1: x: expected a number from 0 to 1, .*, got 1e308; are these"),
        ("0 0.5 40 1 1", "line 1: y: expected a number from 0 to 1, .*, got 40; are these pixels"),
        ("0 0 0 1 0 1 -0.1", "line 1: y3: expected a number of at least 0, got -0.1"),
        ("0 inf 0 1 1", "line 1: x: expected a finite number, got inf"),
    ],
)
def test_a_bad_yolo_line_is_an_error_or_is_skipped_and_listed(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "a.txt").write_text(text)
    png(tmp_path / "a.png", 4, 4)
    with pytest.raises(ValueError, match=message):
        read_yolo(tmp_path)
    [problem] = read_yolo(tmp_path, skip_bad=True).problems
    assert re.search(message, problem)


def test_a_yolo_file_needs_its_image(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("0 0 0 1 1")
    with pytest.raises(ValueError, match=r"a\.txt: there is no image a \(JPEG or PNG\) in"):
        read_yolo(tmp_path)
    (tmp_path / "a.png").write_bytes(b"GIF89a..........")
    with pytest.raises(ValueError, match=r"a\.png: neither a JPEG nor a PNG file"):
        read_yolo(tmp_path)


def test_a_cut_image_is_an_error_wherever_it_is_cut(tmp_path: Path) -> None:
    for write, whole in ((png, 24), (jpeg, 20)):
        write(tmp_path / "whole", 300, 200)
        assert read_image_size(tmp_path / "whole") == (300, 200)
        content = (tmp_path / "whole").read_bytes()
        for length in range(2, whole):
            (tmp_path / "cut").write_bytes(content[:length])
            with pytest.raises(ValueError, match=r"ends before its size|neither a JPEG"):
                read_image_size(tmp_path / "cut")


def test_an_image_without_extent_is_an_error(tmp_path: Path) -> None:
    png(tmp_path / "a.png", 0, 5)
    with pytest.raises(ValueError, match=r"a\.png: has a width of 0 and a height of 5"):
        read_image_size(tmp_path / "a.png")


def test_what_lies_between_the_segments_of_a_jpeg_is_passed_over(tmp_path: Path) -> None:
    jpeg(tmp_path / "a.jpg", 300, 200)
    content = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(content[:2] + b"\x00\x17" + content[2:])
    assert read_image_size(tmp_path / "a.jpg") == (300, 200)


def test_what_cannot_be_read_is_an_error_of_one_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds no \.xml files"):
        read_voc(tmp_path)
    (tmp_path / "a.xml").mkdir()
    with pytest.raises(ValueError, match=r"a\.xml: cannot be read: Is a directory"):
        read_voc(tmp_path)
    png(tmp_path / "b.png", 4, 4)
    (tmp_path / "b.txt").write_bytes(b"0 0.5 \xff")
    with pytest.raises(ValueError, match=r"b\.txt: not UTF-8 text"):
        read_yolo(tmp_path)
    (tmp_path / "classes.txt").write_bytes(b"\xff")
    with pytest.raises(ValueError, match=r"classes\.txt: not UTF-8 text"):
        read_yolo(tmp_path)


def test_the_form_is_told_by_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds neither \.xml"):
        read_annotations(tmp_path)
    (tmp_path / "a.txt").write_text("0 0.5 0.5 1 1")
    png(tmp_path / "a.png", 4, 4)
    np.testing.assert_array_equal(read_annotations(tmp_path)[0].boxes, [[0, 0, 4, 4]])
    voc(tmp_path, "b", "")
    assert read_annotations(tmp_path)[0].image_id == "b"
    file = tmp_path / "instances.json"
    file.write_text('{"images": [], "annotations": [], "categories": []}')
    assert len(read_annotations(file)) == 0
