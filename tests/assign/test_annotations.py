"""Ground truth files: what is read from them, and what is said about bad ones."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from refkernels.annotations import json_stream
from refkernels.annotations.coco import read_coco
from refkernels.annotations.generated import sample_images


def instances(**changes: Any) -> dict[str, Any]:
    content: dict[str, Any] = {
        "annotations": [
            {
                "id": 5,
                "image_id": 20,
                "category_id": 7,
                "bbox": [10, 20.5, 30, 40],
                "iscrowd": 0,
                "segmentation": [[1, 2, 3, 4]],
            },
            {"id": 6, "image_id": 20, "category_id": 3, "bbox": [0, 0, 0, 9], "iscrowd": 1},
        ],
        "images": [
            {"id": 20, "width": 640, "height": 480},
            {"id": 10, "width": 100, "height": 50},
        ],
        "categories": [{"id": 7, "name": "dog"}, {"id": 3, "name": "cat"}],
        "info": {"year": 2014},
    }
    return {**content, **changes}


def with_annotation(**changes: Any) -> dict[str, Any]:
    first, second = instances()["annotations"]
    changed = {**first, **changes}
    kept = {key: value for key, value in changed.items() if value is not ...}
    return instances(annotations=[kept, second])


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write(content: Any) -> Path:
        path = tmp_path / "instances.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def test_boxes_become_corner_boxes_and_labels_follow_sorted_category_ids(write: Any) -> None:
    images = read_coco(write(instances()))
    assert [image.image_id for image in images] == [20, 10]
    first, second = images
    assert (first.width, first.height) == (640, 480)
    np.testing.assert_array_equal(first.boxes, [[10, 20.5, 40, 60.5], [0, 0, 0, 9]])
    assert first.boxes.dtype == np.float64
    np.testing.assert_array_equal(first.labels, [1, 0])
    np.testing.assert_array_equal(first.iscrowd, [False, True])
    assert images.categories == ((3, "cat"), (7, "dog"))
    assert second.boxes.shape == (0, 4)
    assert second.labels.shape == second.iscrowd.shape == (0,)


def test_sizes_may_be_whole_floats(write: Any) -> None:
    image = read_coco(write(instances(images=[{"id": 20, "width": 640.0, "height": 480.0}])))[0]
    assert repr((image.width, image.height)) == "(640, 480)"


def test_what_is_read_cannot_be_changed(write: Any) -> None:
    with pytest.raises(ValueError, match="read-only"):
        read_coco(write(instances()))[0].boxes[0, 0] = 1


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 50, 100_000])
def test_the_size_of_the_chunks_that_are_read_does_not_matter(
    write: Any, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    path = write("\ufeff \n" + json.dumps(instances(), indent=2) + "\n ")
    monkeypatch.setattr(json_stream, "CHUNK", chunk)
    np.testing.assert_array_equal(read_coco(path)[0].boxes, [[10, 20.5, 40, 60.5], [0, 0, 0, 9]])


@pytest.mark.parametrize("chunk", [1, 64])
def test_a_file_cut_anywhere_is_an_error_of_one_line(
    write: Any, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(json_stream, "CHUNK", chunk)
    whole = json.dumps(instances())
    for length in range(len(whole)):
        path = write(whole[:length])
        with pytest.raises(ValueError, match=r"instances\.json: ") as raised:
            read_coco(path)
        assert "ends early" in str(raised.value)
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file ends early, at character 0"),
        ("[1, 2]", "expected a JSON object"),
        ("hello", "not JSON at character 0: expected a JSON object"),
        ('{"images": [}', "not JSON at character 12"),
        ('{"images": [}' + " " * 99, "not JSON at character 12"),
        ('{"images" 5}', "expected ':'"),
        (json.dumps(instances()) + "x", "text after the JSON object"),
        ('{"a": ' + "9" * 5000 + "}", "digits"),
        ('{"a": ' + "[" * 100_000 + "}", "nested too deeply"),
        ("{}", "member 'images' is missing"),
        (instances(images={}), "member 'images': expected an array, got {}"),
        (instances(annotations=None), "member 'annotations': expected an array, got null"),
        ('{"images": [], "images": []}', "member 'images' comes twice"),
        (instances(images=[3]), "images[0]: expected an object, got 3"),
        (instances(images=[{"width": 5, "height": 5}]), "images[0]: 'id' is missing"),
        (instances(images=[{"id": 20, "height": 5}]), "image 20: 'width' is missing"),
        (
            instances(images=[{"id": 20, "width": 0, "height": 5}]),
            "image 20: width: expected a positive whole number, got 0",
        ),
        (
            instances(images=[{"id": 20, "width": 5, "height": "5"}]),
            'image 20: height: expected a positive whole number, got "5"',
        ),
        (
            instances(images=[{"id": 1.5, "width": 5, "height": 5}]),
            "images[0]: id: expected an integer or a string, got 1.5",
        ),
        (instances(images=[{"id": 20, "width": 5, "height": 5}] * 2), "image 20 comes twice"),
        (instances(categories=[{"name": "cat"}]), "categories[0]: 'id' is missing"),
        (instances(categories=[{"id": 7}, {"id": 7}]), "category 7 comes twice"),
        (instances(categories=[{"id": 7}, {"id": "8"}]), "all integers or all strings"),
        (
            instances(images=[{"id": k, "width": 5, "height": 5} for k in (20, "20")]),
            "image ids: expected all integers or all strings",
        ),
        (instances(annotations=[[]]), "annotations[0]: expected an object, got []"),
        (with_annotation(image_id=...), "annotation 5: 'image_id' is missing"),
        (with_annotation(id=..., image_id=...), "annotations[0]: 'image_id' is missing"),
        (with_annotation(image_id=21), "annotation 5: image_id 21 is not among the images"),
        (with_annotation(image_id=[]), "annotation 5: image_id: expected an integer"),
        (with_annotation(image_id=True), "image_id: expected an integer or a string, got true"),
        (
            with_annotation(category_id=1),
            "annotation 5 of image 20: category_id 1 is not among the categories",
        ),
        (
            instances(categories=[{"id": 7, "name": 5}]),
            "category 7: name: expected a string, got 5",
        ),
        (instances(categories=[{"id": 2**63}]), "categories[0]: id: does not fit 64 bits"),
        (with_annotation(bbox=...), "annotation 5 of image 20: 'bbox' is missing"),
        (with_annotation(bbox=[1, 2, 3]), "bbox: expected 4 numbers (x, y, width, height)"),
        (with_annotation(bbox="1234"), "bbox: expected 4 numbers"),
        (with_annotation(bbox=[1, 2, "3", 4]), 'bbox[2]: expected a number, got "3"'),
        (with_annotation(bbox=[1, 2, None, 4]), "bbox[2]: expected a number, got null"),
        (with_annotation(bbox=[1, float("nan"), 3, 4]), "bbox[1] is nan, expected a finite"),
        (with_annotation(bbox=[1, 2, float("inf"), 4]), "bbox[2] is inf, expected a finite"),
        (with_annotation(bbox=[1, 2, 3, 10**400]), "bbox[3] is inf, expected a finite"),
        (with_annotation(bbox=[1e308, 2, 1e308, 4]), "x + width or y + height is not finite"),
        (with_annotation(bbox=[1, 2, -3, 4]), "bbox: width is -3.0, expected at least 0"),
        (with_annotation(bbox=[1, 2, 3, -4]), "bbox: height is -4.0, expected at least 0"),
        (with_annotation(iscrowd=2), "iscrowd: expected 0 or 1, got 2"),
        (with_annotation(iscrowd="no"), 'iscrowd: expected 0 or 1, got "no"'),
    ],
)
def test_a_bad_file_is_one_line_that_says_where_and_what(
    write: Any, content: Any, message: str
) -> None:
    path = write(content)
    with pytest.raises(ValueError) as raised:
        read_coco(path)
    text = str(raised.value)
    assert text.startswith(f"{path}: ")
    assert message in text
    assert "\n" not in text
    assert len(text) < len(str(path)) + 200


def test_bad_annotations_can_be_skipped_and_are_listed(write: Any) -> None:
    path = write(with_annotation(bbox=[1, 2, -3, 4]))
    images = read_coco(path, skip_bad=True)
    np.testing.assert_array_equal(images[0].boxes, [[0, 0, 0, 9]])
    assert images.problems == (
        f"{path}: annotation 5 of image 20: bbox: width is -3.0, expected at least 0",
    )


def test_what_can_not_be_opened_is_an_error_of_one_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"gone\.json: cannot be read: No such file"):
        read_coco(tmp_path / "gone.json")
    with pytest.raises(ValueError, match="cannot be read: Is a directory"):
        read_coco(tmp_path)
    binary = tmp_path / "binary.json"
    binary.write_bytes(b'{"\xff": 0}')
    with pytest.raises(ValueError, match=r"binary\.json: not UTF-8 text"):
        read_coco(binary)


def test_a_real_file_is_read_whole(shared_data: Path) -> None:
    path = shared_data / "instances_val2014_100.json"
    images = read_coco(path)
    assert len(images) == 100
    assert sum(len(image.boxes) for image in images) == 839
    assert sum(int(image.iscrowd.sum()) for image in images) == 9
    assert len(images.categories) == 80
    raw = json.loads(path.read_text())
    first = raw["annotations"][0]
    x, y, width, height = first["bbox"]
    [image] = [image for image in images if image.image_id == first["image_id"]]
    np.testing.assert_array_equal(image.boxes[0], [x, y, x + width, y + height])
    assert images.categories[image.labels[0]][0] == first["category_id"]


def test_generated_images_are_like_coco_and_the_same_every_time() -> None:
    images = sample_images(200, seed=1)
    for image, again in zip(sample_images(20, seed=1), images, strict=False):
        np.testing.assert_array_equal(image.boxes, again.boxes)
        np.testing.assert_array_equal(image.labels, again.labels)
    boxes = np.concatenate([image.boxes for image in images])
    assert 7 < len(boxes) / len(images) < 11
    sides = boxes[:, 2:] - boxes[:, :2]
    assert (sides > 0).all()
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 2:] <= [640.01, 480.01]).all()
    assert 3.8 < np.log(sides).mean() < 4.2
    assert all(len(image.boxes) >= 1 for image in images)
    assert not np.array_equal(sample_images(1, seed=1)[0].boxes, sample_images(1, seed=2)[0].boxes)
