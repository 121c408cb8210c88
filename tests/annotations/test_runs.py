"""COCO files in which many annotations are decoded at once: read as if they went one by one."""

import json
import random
import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from refkernels.annotations import coco as coco_module
from refkernels.annotations import json_stream
from refkernels.annotations.coco_runs import decoders
from refkernels.assign import AnnotationSet, read_coco
from tests.annotations.test_any_bytes import damaged
from tests.annotations.written import coco

pytestmark = pytest.mark.once

pytest.importorskip("msgspec")

# What annotations may be beside plain: text that looks like where one ends, nested objects, marks,
# a box that juts out, unusual numbers.
UNUSUAL: list[dict[str, Any]] = [
    {"iscrowd": 1, "segmentation": {"counts": [1, 2], "size": [640, 480]}},
    {"ignore": 1, "note": '}, {"bbox": ['},
    {"isfake": 1, "parts": [{"a": 1}, {"b": [{}]}]},
    {"bbox": [-5, 10, 700, 500]},
    {"bbox": [1e-400, 0.1, 640, 9007199254740993e-13], "iscrowd": False},
    {"category_id": 9, "bbox": [600.25, 0, 39.755, 480], "score": float("nan")},
    {"note": "\ud800\u20ac\t\\", "segmentation": [[[[[]]]]]},
]


@contextmanager
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Read as where msgspec is not installed."""
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "msgspec", None)
        decoders.cache_clear()
        yield
    decoders.cache_clear()


def written(path: Path, indent: int | None = None) -> bytes:
    """A file with a few images, and annotations of theirs."""
    rng = random.Random(0)
    own = [
        {"image_id": rng.choice((20, -3, 7)), **UNUSUAL[k % 7 if k % 3 else 0]} for k in range(40)
    ]
    own += [{"image_id": 7, "bbox": [k, k, 2 * k + 0.1, 5]} for k in range(40)]
    file = coco(path, *own, images=(20, 7, -3))
    path.write_text(json.dumps(json.loads(file.read_text()), indent=indent))
    return path.read_bytes()


def told(read: AnnotationSet) -> Any:
    """All that is read, as something that can be compared."""
    images = [
        (own.image_id, own.width, own.height, *map(np.ndarray.tobytes, columns))
        for own in read
        for columns in [(own.boxes, own.labels, own.iscrowd)]
    ]
    return images, read.categories, read.problems, read.counts


def outcome(path: Path, **rules: Any) -> Any:
    try:
        return told(read_coco(path, **rules))
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize(
    ("chunk", "run"), [(1, 200), (64, 300), (1 << 20, 1000), (1 << 20, 1 << 18)]
)
def test_runs_of_any_length_change_nothing(
    chunk: int, run: int, indent: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    written(path, indent)
    monkeypatch.setattr(json_stream, "CHUNK", chunk)
    monkeypatch.setattr(json_stream, "RUN", run)
    for rules in ({}, {"clip": True}, {"difficult": "drop"}, {"classes": "dog"}):
        skipping = {**rules, "skip_bad": True}
        with one_by_one(monkeypatch):
            expected = outcome(path, **skipping)
        assert outcome(path, **skipping) == expected
        assert len(expected[0]) == 3


def test_a_damaged_file_is_read_or_refused_in_the_same_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    whole = written(path)
    monkeypatch.setattr(json_stream, "RUN", 1000)
    rng = random.Random(3)
    refused = 0
    for _ in range(300):
        path.write_bytes(damaged(rng, whole))
        for skip_bad in (False, True):
            with one_by_one(monkeypatch):
                expected = outcome(path, skip_bad=skip_bad)
            assert outcome(path, skip_bad=skip_bad) == expected, path.read_bytes()
            refused += isinstance(expected, str)
    assert 50 < refused < 550


def test_plain_annotations_are_never_looked_at_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = coco(tmp_path / "a.json", *({"iscrowd": k % 2} for k in range(50)))
    monkeypatch.setattr(json_stream, "RUN", 1000)
    singles = []
    one = coco_module._annotation
    monkeypatch.setattr(
        coco_module, "_annotation", lambda *given: (singles.append(given[1]), one(*given))
    )
    read = read_coco(path)[0]
    np.testing.assert_array_equal(read.iscrowd, np.arange(50) % 2 == 1)
    assert len(singles) < 15  # those of the last run, beyond which the array ends


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_id": 4}, "annotation 40: image_id 4 is not among the images"),
        (
            {"category_id": 8},
            "annotation 40 of image 20: category_id 8 is not among the categories",
        ),
        ({"bbox": [1, 2, -3, 4]}, "annotation 40 of image 20: bbox: width is -3.0, expected"),
        (
            {"bbox": [1, 2, 3, "4"]},
            'annotation 40 of image 20: bbox[3]: expected a number, got "4"',
        ),
        (
            {"bbox": [700, 2, 3, 4]},
            "annotation 40 of image 20: box 700, 2, 703, 6 is wholly outside",
        ),
        ({"iscrowd": 2}, "annotation 40 of image 20: iscrowd: expected 0 or 1, got 2"),
        ({"id": 2**70, "bbox": None}, "annotation 1180591620717411303424 of image 20: bbox: expec"),
    ],
)
def test_a_bad_annotation_among_plain_ones_is_named(
    changes: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_stream, "RUN", 1000)
    own: list[dict[str, Any]] = [{"bbox": [k, k, 9, 9]} for k in range(80)]
    own[40] = changes
    path = coco(tmp_path / "a.json", *own)
    assert str(outcome(path)).startswith(f"{path}: {message}")
    read = read_coco(path, skip_bad=True)
    assert len(read.problems) == 1
    kept = [box for box in read[0].boxes[:, 0].tolist() if box != 1]
    assert sorted({*range(80)} - {*kept}) == [1, 40]


def test_a_bad_image_among_good_ones_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_stream, "RUN", 500)
    images = [{"id": k, "width": 9 + k, "height": 10} for k in range(60)]
    for bad, message in (({"width": 0}, "width: expected"), ({"id": 3}, "comes twice")):
        own = [*images[:30], {**images[30], **bad}, *images[31:]]
        path = coco(tmp_path / "a.json")
        path.write_text(json.dumps({**json.loads(path.read_text()), "images": own}))
        assert message in outcome(path)
        read = read_coco(path, skip_bad=True)
        assert [image.width for image in read] == [k + 9 for k in range(60) if k != 30]


def test_elements_that_are_no_objects_go_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_stream, "RUN", 50)
    path = coco(tmp_path / "a.json", annotations=[1] * 100)
    assert len(read_coco(path, skip_bad=True).problems) == 100


def test_what_is_read_takes_less_than_3_kb_an_image(tmp_path: Path) -> None:
    polygon = [[float(k) for k in range(90)]]
    own = [
        {"image_id": k % 3000, "bbox": [k % 600, 7.25, 9.5, k % 99], "segmentation": polygon}
        for k in range(22_000)
    ]
    path = coco(tmp_path / "a.json", *own, images=range(3000))
    tracemalloc.start()
    try:
        read = read_coco(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(len(image.boxes) for image in read) == 22_000
    assert peak < 3000 * len(read)
