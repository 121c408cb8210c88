"""What ``refkernels assign`` reads, writes and prints."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from refkernels.assign import command, given
from refkernels.assign.beside import beside, classes_of
from refkernels.assign.command import assign_command
from refkernels.assign.dataset import dask_graph
from refkernels.assign.dataset.job import Job, run_part
from tests.annotations.written import OBJECT, coco, voc

pytest.importorskip("pyarrow.parquet", exc_type=ImportError)


@pytest.fixture
def annotations(tmp_path: Path) -> Path:
    path = tmp_path / "instances.json"
    boxes = [[10, 10, 200, 200], [5, 5, 20, 30], [0, 0, -1, 5]]
    content = {
        "images": [{"id": k, "width": 640, "height": 480} for k in (7, 8)],
        "annotations": [
            {"id": k, "image_id": 7, "category_id": 1, "bbox": box} for k, box in enumerate(boxes)
        ],
        "categories": [{"id": 1, "name": "cat"}],
    }
    path.write_text(json.dumps(content))
    return path


def test_it_writes_targets_and_tells_what_they_are(
    annotations: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assign_command(annotations, tmp_path / "out", "ssd300", skip_bad=True)
    told = capsys.readouterr()
    assert "skipped: " in told.err
    assert "annotation 2 of image 7: bbox: width is -1.0" in told.err
    for line in (
        f"2 images of {annotations} in {tmp_path / 'out'}",
        "images without objects: 1",
        f"problems skipped: 1, all in {tmp_path / 'out' / '_problems.txt'}",
        "small objects: 1, ",
        "medium objects: 0, 0.0 anchors each, 0 without any",
    ):
        assert line in told.out
    assert (tmp_path / "out" / "part-00000.parquet").exists()


def test_a_bad_annotation_is_fatal_unless_it_is_to_be_skipped(
    annotations: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="annotation 2 of image 7"):
        assign_command(annotations, tmp_path / "out", "ssd300")
    assert not (tmp_path / "out").exists()


def test_the_command_line_says_what_is_wrong_in_a_line(annotations: Path, tmp_path: Path) -> None:
    testing = pytest.importorskip("click.testing")
    from refkernels.cli.main import main

    def run(*arguments: str) -> Any:
        return testing.CliRunner().invoke(main, ["assign", *arguments])

    out = str(tmp_path / "out")
    good = ["--annotations", str(annotations), "--output", out, "--skip-bad"]
    result = run(*good, "--preset", "yolo3", "--size", "320", "416", "--part-size", "1")
    assert result.exit_code == 0, result.output
    assert json.loads((tmp_path / "out" / "_refkernels.json").read_text())["height"] == 320
    for arguments, message in (
        ([*good, "--preset", "ssd"], "preset: expected 'ssd300' or"),
        ([*good, "--preset", "ssd300"], "was made with other settings"),
        ([*good, "--preset", "yolo3", "--boxes", "coco"], "boxes: only those of ssd300"),
        (
            ["--annotations", "gone.json", "--preset", "ssd300", "--output", out],
            "gone.json: cannot",
        ),
        (["--annotations", str(annotations), "--preset", "ssd300"], "expected an output or"),
    ):
        result = run(*arguments)
        assert result.exit_code == 2
        assert message in result.output
        assert "Traceback" not in result.output


def test_it_draws(annotations: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    pictures, output = tmp_path / "pictures", tmp_path / "out.npz"
    assign_command(annotations, output, "ssd300", skip_bad=True, plot=pictures)
    assert {path.name for path in pictures.iterdir()} == {
        "image-7.png",
        "image-8.png",
        "positives.png",
    }
    with np.load(output) as data:
        np.testing.assert_array_equal(data["image_id"], [7, 8])


def test_pictures_alone_write_no_targets(annotations: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    assign_command(annotations, None, "ssd300", skip_bad=True, plot=tmp_path / "pictures")
    assert {path.name for path in (tmp_path / "pictures").iterdir()} == {
        "image-7.png",
        "image-8.png",
    }


def test_of_many_problems_the_first_are_told(
    annotations: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = json.loads(annotations.read_text())
    content["annotations"] *= 20
    annotations.write_text(json.dumps(content))
    assign_command(annotations, tmp_path / "out", "ssd300", skip_bad=True)
    told = capsys.readouterr().err.splitlines()
    shown = given.SHOWN_PROBLEMS
    listed = tmp_path / "out" / "_problems.txt"
    last = [line for line in told if "skipped: " in line][shown]
    assert last == f"skipped: {20 - shown} more, all in {listed}"
    assert len(listed.read_text().splitlines()) == 20


def test_a_scheduler_s_workers_do_it(
    annotations: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    class Runner:
        def __init__(self, scheduler: str) -> None:
            asked.append(scheduler)

        def __call__(self, job: Job, parts: list[int]) -> Iterator[int]:
            for part in parts:
                run_part(job, part)
                yield part

    monkeypatch.setattr(dask_graph, "DaskRunner", Runner)
    assign_command(annotations, tmp_path / "out", "ssd300", skip_bad=True, scheduler="tcp://a:1")
    assert asked == ["tcp://a:1"]
    assert (tmp_path / "out" / "part-00000.parquet").exists()


def test_it_needs_somewhere_to_write(annotations: Path) -> None:
    with pytest.raises(ValueError, match="expected an output or a folder for pictures"):
        assign_command(annotations, None, "ssd300", skip_bad=True)


def test_without_a_terminal_progress_is_told_in_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 1.0, 1.9, 21.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    lines = command._Lines()
    for done in (100, 150, 300):
        lines(done, 500)
    assert capsys.readouterr().err == "300 of 500 images, 10 images/s, 20 s left\n"
    assert lines.fresh == 200


def test_a_bar_shows_the_rate_and_the_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("rich")
    bar: Any = command._bar()
    with bar:
        bar(0, 500)
        bar(250, 500)
    assert bar.fresh == 250
    assert "images/s" in capsys.readouterr().err


def test_without_rich_progress_is_told_in_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    assert type(command._bar()) is command._Lines


def test_images_are_generated_when_that_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assign_command(None, tmp_path / "out", "ssd300", generated=True)
    assert "100 images of generated (seed 0) in " in capsys.readouterr().out


def test_without_annotations_nothing_is_written(
    annotations: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    with pytest.raises(ValueError, match=r"^expected annotations, or --generated images; nothing"):
        assign_command(None, out, "ssd300")
    with pytest.raises(ValueError, match=r"^expected annotations or generated images, not both$"):
        assign_command(annotations, out, "ssd300", generated=True)
    pytest.importorskip("matplotlib")
    assign_command(None, out, "ssd300", plot=tmp_path / "pictures")
    told = capsys.readouterr().err
    assert "no annotations: nothing is written without --generated\n" in told
    assert list((tmp_path / "pictures").iterdir())
    assert not out.exists()


def test_the_classes_of_an_output_are_written_beside_it_and_taken_by_the_next(
    tmp_path: Path,
) -> None:
    train, val = tmp_path / "train", tmp_path / "val"
    voc(train, "a", "".join(OBJECT.format(name=name, box=(1, 1, 50, 50)) for name in "bca"))
    voc(val, "b", OBJECT.format(name="c", box=(1, 1, 50, 50)))
    for output in (tmp_path / "out", tmp_path / "out.npz"):
        assign_command(train, output, "ssd300")
        for again in (output, beside(output, "classes.json")):
            target = tmp_path / f"{again.name}.npz"
            assign_command(val, target, "ssd300", classes_from=again)
            with np.load(target) as data:
                np.testing.assert_array_equal(data["labels"], [2])
            target.unlink()
    (tmp_path / "out" / "_classes.json").unlink()  # as a run has it that was killed early
    assert classes_of(tmp_path / "out").name == "_refkernels.json"
    assign_command(val, tmp_path / "own.npz", "ssd300", classes="c,d,e")
    with np.load(tmp_path / "own.npz") as data:
        np.testing.assert_array_equal(data["labels"], [0])
    with pytest.raises(ValueError, match=r"own\.npz: was made with other settings"):
        assign_command(val, tmp_path / "own.npz", "ssd300", classes="c,d")
    with pytest.raises(ValueError, match=r"none\.classes\.json: cannot be read: No such file"):
        assign_command(val, tmp_path / "new", "ssd300", classes_from=tmp_path / "none.npz")
    with pytest.raises(ValueError, match=r"^classes: expected a list or an earlier output, not"):
        assign_command(val, tmp_path / "new", "ssd300", classes="c", classes_from=train)


def test_readers_of_parquet_pass_over_what_is_beside_the_parts(
    annotations: Path, tmp_path: Path
) -> None:
    dataset = pytest.importorskip("pyarrow.dataset", exc_type=ImportError)
    assign_command(annotations, tmp_path / "out", "ssd300", skip_bad=True)
    assert (tmp_path / "out" / "_problems.txt").exists()
    assert (tmp_path / "out" / "_classes.json").exists()
    assert dataset.dataset(tmp_path / "out").count_rows() == 2


def test_problems_that_are_no_more_are_not_listed(tmp_path: Path) -> None:
    output = tmp_path / "out.npz"
    path = coco(tmp_path / "a.json", {"bbox": [900, 0, 5, 5]})  # outside, so no region either
    assign_command(path, output, "ssd300", skip_bad=True)
    assert beside(output, "problems.txt").exists()
    coco(path)
    half = tmp_path / f".{beside(output, 'classes.json').name}.{'0' * 32}"  # what a kill leaves
    half.touch()
    assign_command(path, output, "ssd300", skip_bad=True)
    assert not beside(output, "problems.txt").exists()
    assert not half.exists()


def test_what_is_in_the_files_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = coco(tmp_path / "a.json", {"bbox": [630, 0, 50, 50]}, {"ignore": 1})
    second = coco(tmp_path / "b.json", images=(21,))
    assign_command([path, second], tmp_path / "out.npz", "ssd300")
    told = capsys.readouterr().out
    for line in (
        f"2 images of {path} and 1 more in ",
        "ignored regions (crowds, and what is marked or skipped): 1\n",
        "boxes that jut out of their image: 1\n",
        "objects marked 'ignore', as ignored regions: 1\n",
        "problems skipped: 0\n",
    ):
        assert line in told


def test_all_of_what_is_read_can_be_said_on_the_command_line(tmp_path: Path) -> None:
    testing = pytest.importorskip("click.testing")
    from refkernels.cli.main import main

    objects = OBJECT.format(name="cat", box=(300, 0, 400, 50))
    for stem in "ab":
        voc(tmp_path / stem, stem, objects + OBJECT.format(name="dog", box=(1, 1, 0, 0)))
    asked = ["assign", "--preset", "ssd300", "--output", str(tmp_path / "out"), "--clip"]
    asked += ["--annotations", str(tmp_path / "a"), "--annotations", str(tmp_path / "b")]
    asked += ["--difficult", "ignore", "--voc-origin", "0", "--classes", "dog,cat", "--skip-bad"]
    asked += ["--images", str(tmp_path), "--split", "val"]
    result = testing.CliRunner().invoke(main, asked)
    assert result.exit_code == 0, result.output
    assert "objects marked 'difficult', as ignored regions: 2\n" in result.output
    assert "boxes that jut out of their image, clipped: 2\n" in result.output
    assert "problems skipped: 2, all in " in result.output
    plain = [word for word in asked if word != "--skip-bad"]
    for wrong, message in (
        (["--classes", "dog"], "a.xml: object[0]: class 'cat' is not among those of classes"),
        (["--classes", "none.json"], "none.json: cannot be read: No such file"),
        (["--classes", "dog,,cat"], "classes[1]: expected a name, got nothing"),
        (["--images", "none"], "images: expected a folder, got none"),
    ):
        result = testing.CliRunner().invoke(main, [*plain, *wrong])
        assert result.exit_code == 2
        assert message in result.output
        assert result.output.count("\n") == 1
