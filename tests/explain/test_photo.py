"""Photos are read as they are looked at, of the annotations' aspect, no larger than shown."""

import base64
import json
import re
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from refkernels.explain.trace.embedded import embedded
from refkernels.explain.trace.photo import PIXELS, fit, outside, read_photo
from tests.explain.test_explain_command import run
from tests.explain.test_page import data_of

Image = pytest.importorskip("PIL.Image")

# Red on the left, blue on the right.
WIDTH, HEIGHT = 600, 300


def halves(width: int = WIDTH, height: int = HEIGHT) -> Any:
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2, 0] = pixels[:, width // 2 :, 2] = 255
    return Image.fromarray(pixels)


def noise(width: int, height: int) -> Any:
    rng = np.random.default_rng(0)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8))


def pixels_of(address: str) -> Any:
    kind, content = address.split(";base64,")
    assert kind.startswith("data:image/")
    return Image.open(BytesIO(base64.b64decode(content)))


def test_a_large_photo_is_as_large_as_it_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    noise(4000, 3000).save(path, quality=95)
    found = embedded(path, PIXELS, (640, 480))
    assert found.size == (4000, 3000)
    assert pixels_of(found.address).size == (PIXELS, PIXELS * 3 // 4)
    assert path.stat().st_size > 10_000_000
    # Of noise, which no photo is as bad as.
    assert len(found.address) < path.stat().st_size / 5


def test_a_small_file_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "small.png"
    halves(60, 30).save(path)
    found = embedded(path, PIXELS)
    assert found.address == f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"


@pytest.mark.parametrize("turn", [1, 3, 6, 8])
def test_a_photo_is_turned_as_exif_says(tmp_path: Path, turn: int) -> None:
    path = tmp_path / "turned.jpg"
    # What the camera wrote is turned back by whoever looks at it.
    stored = {1: halves(), 3: halves().rotate(180), 6: halves().rotate(90, expand=True),
              8: halves().rotate(-90, expand=True)}[turn]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = turn
    stored.save(path, exif=exif, quality=95)
    photo = read_photo(path, 200, (WIDTH, HEIGHT))
    assert photo.size == (WIDTH, HEIGHT)
    assert photo.pixels.shape == (100, 200, 3)
    assert photo.pixels[50, 20, 0] > 200 > 60 > photo.pixels[50, 20, 2]
    shown = np.asarray(pixels_of(embedded(path, 200).address))
    assert shown[50, 180, 2] > 200 > 60 > shown[50, 180, 0]


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "I;16", "1", "LA"])
def test_every_kind_of_pixels_becomes_colours(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("photo.jpg" if mode == "CMYK" else "photo.png")
    if mode == "I;16":
        Image.fromarray(np.full((30, 60), 65535, np.uint16)).save(path)
    else:
        Image.new("RGB", (60, 30), "white").convert(mode).save(path)
    pixels = read_photo(path, 100).pixels
    assert pixels.shape == (30, 60, 3)
    assert pixels.min() > 250


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    Image.new("RGBA", (60, 30), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert read_photo(tmp_path / "clear.png", 100).pixels.min() == 255


@pytest.mark.parametrize("size", [(600, 300), (300, 150), (1200, 600), (601, 300), (299, 150)])
def test_a_scaled_copy_is_a_photo_of_the_image(tmp_path: Path, size: tuple[int, int]) -> None:
    halves(*size).save(tmp_path / "photo.jpg")
    assert read_photo(tmp_path / "photo.jpg", 100, (WIDTH, HEIGHT)).size == size


def test_another_aspect_is_an_error_with_both_sizes(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    halves(400, 300).save(path)
    with pytest.raises(
        ValueError,
        match=r"photo\.jpg: is of 400 x 300 pixels, and the image of the annotations of 600 x 300; "
        "expected a photo of the same aspect$",
    ):
        read_photo(path, 100, (WIDTH, HEIGHT))
    halves(300, 600).save(path)
    with pytest.raises(ValueError, match="as this one would be if it were turned by a quarter"):
        read_photo(path, 100, (WIDTH, HEIGHT))


def test_what_is_no_photo_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Packages that read many images have Pillow take what is cut short, for the whole process.
    monkeypatch.setattr("PIL.ImageFile.LOAD_TRUNCATED_IMAGES", False)
    path = tmp_path / "photo.jpg"
    halves().save(path)
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(ValueError, match=r"photo\.jpg: no picture that can be read"):
        read_photo(path, 100)
    path.write_bytes(b"not at all")
    with pytest.raises(ValueError, match=r"photo\.jpg: not a picture that browsers show; expected"):
        read_photo(path, 100)
    with pytest.raises(FileNotFoundError):
        read_photo(tmp_path / "gone.jpg", 100)


def test_without_pillow_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    halves().save(tmp_path / "photo.jpg")
    monkeypatch.setitem(__import__("sys").modules, "PIL.Image", None)
    with pytest.raises(ImportError, match=r"pip install 'refkernels\[viz\]'"):
        read_photo(tmp_path / "photo.jpg", 100)


def test_an_image_lies_where_its_corners_are() -> None:
    assert fit(None) is None
    assert fit((30, 20)) == (0, 0, 30, 20)
    with pytest.raises(ValueError, match="extent: expected 2 numbers, or 4 for a place, got 3"):
        fit((1, 2, 3))


def test_what_is_not_in_the_image_is_counted() -> None:
    from refkernels.assign import TargetAssigner
    from refkernels.explain import explain

    boxes = [[0.0, 0, 50, 50], [-3, 0, 20, 20], [100, 0, 120, 20], [90, 90, 100.009, 100], [3] * 4]
    trace = explain(TargetAssigner([[0.0, 0, 10, 10]]), boxes)
    assert outside(trace, (0, 0, 100, 100)) == (1, 1)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    home = tmp_path / "data"
    home.mkdir()
    halves().save(home / "7.jpg")
    halves(300, 300).save(home / "square.jpg")
    content = {
        "images": [{"id": 7, "width": WIDTH, "height": HEIGHT, "file_name": "7.jpg"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 3, "bbox": [20, 10, 400, 200]},
            {"id": 2, "image_id": 7, "category_id": 1, "bbox": [500, 20, 130, 60]},
        ],
        "categories": [{"id": 1, "name": "cat"}, {"id": 3, "name": "<b>\x1b[31m & dog"}],
    }
    (home / "instances.json").write_text(json.dumps(content))
    return home


def test_the_command_finds_the_photo_and_tells_classes_by_name(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    page, picture = tmp_path / "page.html", tmp_path / "picture.png"
    source = ["--annotations", str(data / "instances.json")]
    files = ["--html", str(page), "--png", str(picture)]
    result = run(*source, "--pictures", str(data), *files, "--truth", "1")
    assert result.exit_code == 0, result.output
    assert "Ground truth 1 (cat) has " in result.output
    assert "    0  <b>\\x1b[31m & dog  " in result.output
    assert "\x1b" not in result.output
    made = data_of(page.read_text())
    assert [own["name"] for own in made["truths"]] == ["<b>\\x1b[31m & dog", "cat"]
    assert "<b>\\x1b" not in page.read_text()
    assert made["place"] == [0, 0, 300, 300]
    assert "1 ground truth lies partly outside the image" in page.read_text()
    assert page.read_text().count("data:image/") == 1
    assert picture.read_bytes()[:4] == b"\x89PNG"


def test_a_letterboxed_photo_lies_where_the_image_is(data: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    source = ["--annotations", str(data / "instances.json"), "--preset", "yolo3"]
    files = ["--resize", "letterbox", "--pictures", str(data), "--html", str(page)]
    assert run(*source, *files).exit_code == 0
    assert data_of(page.read_text())["place"] == [0, 104, 416, 312]


def test_assigners_side_by_side_share_the_photo(data: Path, tmp_path: Path) -> None:
    page, picture = tmp_path / "page.html", tmp_path / "picture.png"
    pytest.importorskip("matplotlib")
    source = ["--annotations", str(data / "instances.json"), "--compare", "ssd300,torchvision_fcos"]
    files = ["--html", str(page), "--png", str(picture), "--pictures", str(data)]
    result = run(*source, *files, "--size", "128", "160")
    assert result.exit_code == 0, result.output
    text = page.read_text()
    assert text.count("data:image/") == 1
    assert text.count('<use href="#photo"') == 2
    assert "cat" in re.findall(r"<td>(.*?)</td>", text)
    assert "1 ground truth not wholly in the image" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--picture", "square.jpg", "--png", "a.png"], "square.jpg: is of 300 x 300 pixels, and"),
        (["--picture", "square.jpg", "--html", "a.html"], "the annotations of 600 x 300; expected"),
        (["--picture", "square.jpg"], "picture: is for the page and the picture, expected html or"),
        (["--pictures", "."], "pictures: is for the page and the picture, expected html or png"),
        (["--pictures", "gone", "--html", "a.html"], "gone: no folder of photos"),
        (["--picture", "7.jpg", "--pictures", ".", "--html", "a.html"], "expected one of both"),
    ],
)
@pytest.mark.parametrize("many", [False, True])
def test_what_is_wrong_with_a_photo_is_said_in_a_line(
    data: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str, many: bool
) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(data)
    both = ["--compare", "ssd300,yolo3"] if many else []
    result = run("--annotations", "instances.json", *both, *arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output
    assert not (data / "a.html").exists()


def test_a_generated_image_has_no_photo(tmp_path: Path) -> None:
    result = run("--pictures", str(tmp_path), "--html", str(tmp_path / "a.html"))
    assert result.exit_code == 2
    assert "pictures: a generated image has no photo, expected annotations as well" in result.output
