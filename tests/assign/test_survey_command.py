"""What ``refkernels survey`` prints and writes, and its page in a browser."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from refkernels.annotations.images import AnnotationSet, ImageAnnotations
from refkernels.assign import TargetAssigner, sample_images, survey
from refkernels.assign.surveying import command
from refkernels.assign.surveying.command import survey_command
from tests.annotations.written import coco

pytest.importorskip("rich")
pytest.importorskip("jinja2")
pytest.importorskip("scipy", exc_type=ImportError)
pytestmark = pytest.mark.once

SMALL = ("--preset", "yolo3", "--size", "96", "128")


def run(*arguments: str) -> Any:
    testing = pytest.importorskip("click.testing")
    from refkernels.cli.main import main

    return testing.CliRunner().invoke(main, ["survey", *arguments])


@pytest.fixture
def annotations(tmp_path: Path) -> Path:
    boxes = [[10, 10, 200, 200], [5, 5, 20, 30], [50, 60, 300, 12]]
    return coco(tmp_path / "boxes.json", *({"bbox": box} for box in boxes), images=(20, 21))


def test_it_prints_tables_and_writes_what_it_found(annotations: Path, tmp_path: Path) -> None:
    page, file = tmp_path / "survey.html", tmp_path / "survey.json"
    given = ("--annotations", str(annotations), *SMALL, "--try-on", "2")
    result = run(*given, "--json", str(file), "--html", str(page))
    assert result.exit_code == 0, result.output
    for line in (
        f"2 images of {annotations}",
        "yolo3: 756 anchors, 96 x 128 pixels, images scaled to fit",
        "left out: 0 objects without extent, 0 ignored regions",
        "Objects by size",
        "Objects by width to height",
        "Best IoU of an object with any anchor",
        "Other thresholds, scales, ratios and shapes, on 2 images",
        f"JSON in {file}",
        f"page in {page}",
    ):
        assert line in result.output
    assert re.search(r"cat +3 +0 +0\.00", result.output)
    content = json.loads(file.read_text())
    assert (content["all"]["objects"], content["images"]) == (3, 2)
    assert [own["name"] for own in content["by_class"]] == ["cat", "dog"]
    assert page.read_text().startswith("<!doctype html>")


def test_images_are_generated_without_annotations() -> None:
    result = run(*SMALL, "--limit", "3", "--try-on", "0")
    assert "3 images of generated (seed 0)" in result.output
    assert "more classes, which --json and --html list" in result.output
    assert "Other thresholds" not in result.output
    assert run(*SMALL, "--generated", "--limit", "3", "--try-on", "0").exit_code == 0


def test_a_limit_is_said(tmp_path: Path) -> None:
    path = coco(tmp_path / "boxes.json", {}, images=(20, 21, 22))
    given = ("--annotations", str(path), "--preset", "fcos", "--size", "96", "128")
    result = run(*given, "--limit", "2", "--html", str(tmp_path / "page.html"))
    assert f"2 of 3 images, evenly spread, of {path}" in result.output
    assert "Best IoU" not in result.output
    assert "2\nof 3 images, evenly spread;" in (tmp_path / "page.html").read_text()


def test_unguarded_presets_are_those_of_packages(annotations: Path) -> None:
    given = ("--annotations", str(annotations), "--try-on", "0", "--unguarded")
    result = run(*given, "--preset", "torchvision_ssd300")
    assert "torchvision_ssd300 unguarded: 8,732 anchors" in result.output
    result = run(*given, "--preset", "ssd300")
    assert result.exit_code == 2
    assert "unguarded: only torchvision_ssd300, torchvision_ssdlite320, " in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--preset", "ssd"], "preset: expected 'ssd300' or"),
        (["--preset", "ssd", "--unguarded"], "preset: expected 'ssd300' or"),
        (["--preset", "yolo3", "--boxes", "coco"], "boxes: only those of ssd300"),
        (["--annotations", "gone.json"], "gone.json: cannot"),
        (["--annotations", "gone.json", "--generated"], "expected annotations or generated"),
        (["--classes", "a,b", "--classes-from", "out"], "classes: expected a list or an earlier"),
        ([*SMALL, "--limit", "1", "--try-on", "0", "--json", "no/where.json"], "No such file"),
    ],
)
def test_what_is_wrong_is_a_line_and_status_2(arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output


def test_without_rich_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich.console", None)
    result = run(*SMALL)
    assert result.exit_code == 2
    assert result.output.startswith("refkernels: 'survey' needs rich")


def test_it_says_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from refkernels.arrays import telling

    monkeypatch.setattr(telling, "FIRST", 0.0)
    monkeypatch.setattr(telling, "LATER", 0.0)
    survey_command(None, "yolo3", size=(96, 128), limit=4, tried=1)
    told = capsys.readouterr().err
    assert "generating 4 images: 0 s" in told
    assert "evolving shapes: " in told
    assert "surveyed in " in told


def test_an_interrupt_ends_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupts(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "survey", interrupts)
    with pytest.raises(SystemExit) as ended:
        survey_command(None, "yolo3", limit=1)
    assert ended.value.code == 130
    assert capsys.readouterr().err.endswith("refkernels: interrupted: nothing was written\n")


EVIL = "</style><script>alert(1)</script>"


@pytest.fixture(scope="module")
def found() -> Any:
    images = sample_images(12, seed=5)
    named = AnnotationSet(EVIL, images.images, tuple((k, f"{EVIL}{k}") for k in range(80)))
    return survey(named, "torchvision_retinanet", size=(96, 128), tried=2)


def test_a_page_loads_nothing_and_names_are_no_markup(found: Any) -> None:
    page = found.as_html()
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert not re.search(r"(src|href)\s*=", page)
    assert "http" not in page.replace("http-equiv", "")


def test_the_page_draws_what_was_found(found: Any) -> None:
    page = found.as_html()
    bars = sum(int((own > 0).sum()) for own in found.coverage().values())
    histogram = page[page.index('id="coverage"') : page.index('id="shapes"')]
    assert histogram.count("<rect") == bars
    shapes = page[page.index('id="shapes"') : page.index('id="classes"')]
    assert shapes.count('class="anchor"') == shapes.count('class="evolved"') == len(found.shapes)
    images = page[page.index('id="images"') :]
    worst = found.worst(12)
    assert images.count("<figure>") == len(worst)
    without = sum(own.without for own in worst)
    few = sum(own.few for own in worst)
    assert images.count('rect class="without"') == without
    assert images.count('rect class="few"') == few


@pytest.mark.parametrize(
    "images",
    [
        (),
        (ImageAnnotations(1, 40, 40, np.empty((0, 4)), [], []),),
        (ImageAnnotations(1, 40, 40, np.array([[0, 0, 10, 10]]), [0], [False]),),
        tuple(
            ImageAnnotations(k, 40, 40, np.array([[0, 0, 10, 10]] * 3), [0] * 3, [False] * 3)
            for k in range(4)
        ),
    ],
    ids=["no image", "no object", "one object", "objects that are alike"],
)
@pytest.mark.parametrize("anchors", [[[0, 0, 10, 10]], [[0, 0, 10, 10], [5, 5, 5, 5]], []], ids=str)
def test_there_is_a_page_of_little(images: Any, anchors: Any) -> None:
    assigner = TargetAssigner(np.reshape(anchors, (-1, 4)))
    page = survey(AnnotationSet("little", images, ()), assigner, size=(40, 40)).as_html()
    assert page.rstrip().endswith("</html>")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_a_page_fits_its_window(
    browser: Any, found: Any, tmp_path: Path, width: int, scheme: str
) -> None:
    found.write_html(tmp_path / "page.html")
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda asked: complaints.append(asked.url))
    page.goto((tmp_path / "page.html").as_uri())
    assert len(complaints) == 1  # the page itself
    assert page.evaluate("document.documentElement.scrollWidth") == width
    cut = """[...document.querySelectorAll("table")].filter(
        own => own.offsetWidth > own.parentElement.clientWidth + 1).length"""
    assert page.evaluate(cut) == 0
    ink, paper = page.evaluate(
        """() => { const own = getComputedStyle(document.body);
                   return [own.color, own.backgroundColor] }"""
    )
    light = [sum(map(int, re.findall(r"\d+", own)[:3])) for own in (ink, paper)]
    assert (light[0] > light[1]) == (scheme == "dark")
    page.close()
