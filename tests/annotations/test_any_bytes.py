"""Files with some bytes wrong: read, or refused in one line that names the file."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from refkernels.annotations.classes import as_class_map
from refkernels.annotations.image_size import read_image_size
from refkernels.assign import read_annotations
from tests.annotations.written import OBJECT, coco, exif, jpeg, png, voc

# Of processes, files and pages: the versions of NumPy and of frameworks play no part.
pytestmark = pytest.mark.once

# What values become, beside any byte.
WORDS = [b"", b"null", b"-1", b"NaN", b"1e999", b'"x"', b"[]", b"{}", b"2147483648", b"\xff", b"\n"]
TRIES = 300


def written_coco(folder: Path) -> tuple[Path, Path]:
    path = coco(folder / "a.json", {"iscrowd": 1}, {"ignore": 1}, {"bbox": [0.5, 1, 2.5, 3]})
    return path, path


def written_voc(folder: Path) -> tuple[Path, Path]:
    voc(folder, "a", OBJECT.format(name="cat", box=(1, 1, 50, 50)) * 2)
    return folder, folder / "a.xml"


def written_yolo(folder: Path) -> tuple[Path, Path]:
    png(folder / "a.png", 10, 20)
    (folder / "a.txt").write_text("0 0.5 0.5 1 1\n1 0.1 0.2 0.7 0.1 0.5 0.9\n")
    return folder, folder / "a.txt"


def written_yaml(folder: Path) -> tuple[Path, Path]:
    pytest.importorskip("yaml")
    written_yolo(folder / "images" / "train")
    path = folder / "data.yaml"
    path.write_text("path: .\ntrain: images/train\nval: [images/val]\nnc: 2\nnames: {0: a, 1: b}\n")
    return path, path


def written_csv(folder: Path) -> tuple[Path, Path]:
    png(folder / "images" / "b.png", 10, 20)
    path = folder / "a.csv"
    row = "b,/m/a,0.1,0.5,0,1,1\n"
    path.write_text("ImageID,LabelName,XMin,XMax,YMin,YMax,IsGroupOf\n" + row * 2)
    return path, path


def damaged(rng: random.Random, whole: bytes) -> bytes:
    """The bytes with one or two pieces replaced, left out or said twice."""
    for _ in range(rng.randint(1, 2)):
        start = rng.randrange(len(whole) + 1)
        end = min(len(whole), start + rng.choice([0, 1, 1, 3, 10]))
        piece = rng.choice([rng.choice(WORDS), bytes([rng.randrange(256)]), whole[start:end] * 2])
        whole = whole[:start] + piece + whole[end:]
    return whole


def refusal(call: Callable[[], Any]) -> str:
    """What a call says that is wrong, nothing if it returns; what else it raises is raised."""
    try:
        call()
    except ValueError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    "write", [written_coco, written_voc, written_yolo, written_yaml, written_csv]
)
def test_a_damaged_file_is_read_or_refused_in_a_line(
    write: Callable[[Path], tuple[Path, Path]], tmp_path: Path
) -> None:
    asked, file = write(tmp_path)
    whole = file.read_bytes()
    read_annotations(asked)
    rng = random.Random(0)
    for _ in range(TRIES):
        file.write_bytes(damaged(rng, whole))
        for skip_bad in (False, True):
            told = refusal(lambda skip=skip_bad: read_annotations(asked, skip_bad=skip))
            assert "\n" not in told, file.read_bytes()
            assert not told or str(tmp_path) in told, file.read_bytes()


@pytest.mark.parametrize("name", ["a.json", "a.yaml", "a.txt"])
def test_damaged_classes_are_read_or_refused_in_a_line(name: str, tmp_path: Path) -> None:
    if name == "a.yaml":
        pytest.importorskip("yaml")
    whole = b'{"cat": 0, "dog": 1, "names": {"0": "cat", "1": "dog"}}\n'
    rng = random.Random(1)
    for _ in range(TRIES):
        (tmp_path / name).write_bytes(damaged(rng, whole))
        told = refusal(lambda: as_class_map(tmp_path / name))
        assert "\n" not in told
        assert not told or told.startswith(f"{tmp_path / name}: ")


def test_a_damaged_image_has_a_size_or_is_refused_in_a_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    rng = random.Random(2)
    for order in "<>":
        jpeg(path, 100, 40, exif(6, order, before=2))
        whole = path.read_bytes()
        for _ in range(TRIES):
            path.write_bytes(damaged(rng, whole))
            assert "\n" not in refusal(lambda: read_image_size(path))
