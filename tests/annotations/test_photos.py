"""The photo of an image is found by what the annotations call it, and nowhere but in the folder."""

import json
from pathlib import Path
from typing import Any

import pytest

from refkernels.annotations.photos import find_photo

pytestmark = pytest.mark.once


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "photos"
    (home / "val").mkdir(parents=True)
    for name in ("val/000007.jpg", "8.png", "dog.jpg"):
        (home / name).write_bytes(b"")
    (tmp_path / "secret.jpg").write_bytes(b"")
    return home


def instances(path: Path, **image: Any) -> Path:
    sizes = {"width": 6, "height": 3}
    content = {"images": [{"id": 1, **sizes}, {"id": 7, **sizes, **image}], "annotations": []}
    path.write_text(json.dumps({**content, "categories": []}))
    return path


def test_coco_says_how_a_photo_is_called(tmp_path: Path, folder: Path) -> None:
    path = instances(tmp_path / "instances.json", file_name="val/000007.jpg")
    assert find_photo(path, 7, folder) == folder / "val" / "000007.jpg"


def test_lvis_says_it_by_an_address(tmp_path: Path, folder: Path) -> None:
    address = "http://images.cocodataset.org/val2017/000007.jpg"
    path = instances(tmp_path / "lvis.json", coco_url=address)
    assert find_photo(path, 7, folder / "val") == folder / "val" / "000007.jpg"


def test_what_comes_after_the_images_is_not_read(tmp_path: Path, folder: Path) -> None:
    path = instances(tmp_path / "instances.json", file_name="8.png")
    path.write_text(path.read_text().replace('"annotations": []', '"annotations": [nonsense'))
    assert find_photo(path, 7, folder) == folder / "8.png"


@pytest.mark.parametrize(("name", "image"), [("labels", "dog"), ("list.txt", 8), ("a.csv", "8")])
def test_other_forms_call_it_by_its_stem(
    tmp_path: Path, folder: Path, name: str, image: int | str
) -> None:
    suffix = "jpg" if image == "dog" else "png"
    (tmp_path / "labels").mkdir()
    assert find_photo(tmp_path / name, image, folder) == folder / f"{image}.{suffix}"


def test_what_is_not_found_is_said(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "instances.json"
    for image, message in (
        ({"file_name": "gone.jpg"}, r"photos: holds no gone\.jpg, the photo of image 7 of "),
        ({"file_name": "../secret.jpg"}, r"file_name '\.\./secret\.jpg' leads out of "),
        ({"file_name": str(tmp_path / "secret.jpg")}, "leads out of "),
        ({}, r"photos: holds no photo 7\.jpg, \.jpeg or \.png, for image 7 of "),
    ):
        instances(path, **image)
        with pytest.raises(ValueError, match=message):
            find_photo(path, 7, folder)
    with pytest.raises(ValueError, match="nowhere: no folder of photos"):
        find_photo(path, 7, tmp_path / "nowhere")
    path.write_text("[")
    with pytest.raises(ValueError, match=r"instances\.json: "):
        find_photo(path, 7, folder)
