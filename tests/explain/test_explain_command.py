"""What ``refkernels explain`` reads, prints and writes."""

import json
from pathlib import Path
from typing import Any

import pytest

from refkernels.assign import TargetAssigner, sample_images
from refkernels.explain.trace.trace import explain

testing = pytest.importorskip("click.testing")


def run(*arguments: str) -> Any:
    from refkernels.cli.main import main

    return testing.CliRunner().invoke(main, ["explain", *arguments])


@pytest.fixture
def annotations(tmp_path: Path) -> str:
    content = {
        "images": [{"id": k, "width": 600, "height": 300} for k in (7, 80, 81, 900)],
        "annotations": [
            {"id": 1, "image_id": 80, "category_id": 1, "bbox": [20, 10, 400, 200]},
            {"id": 2, "image_id": 80, "category_id": 1, "bbox": [0, 0, 100, 60], "iscrowd": 1},
        ],
        "categories": [{"id": 1, "name": "cat"}],
    }
    path = tmp_path / "instances.json"
    path.write_text(json.dumps(content))
    return str(path)


def test_it_says_what_the_trace_says(annotations: str) -> None:
    result = run("--annotations", annotations, "--image", "80")
    assert result.exit_code == 0, result.output
    # Stretched to 300 x 300.
    boxes, crowd = [[10.0, 10.0, 210.0, 210.0]], [[0.0, 0.0, 50.0, 60.0]]
    name = f"ssd300, image 80 of {annotations}"
    trace = explain(TargetAssigner.ssd300(), boxes, [0], crowd, name=name, classes=["cat"])
    assert str(trace) in result.output
    first = int(trace.truths["own_anchor"][0])
    assert trace.why(first) in result.output


def test_without_an_id_it_takes_the_first_image_with_objects(annotations: str) -> None:
    assert "ssd300, image 80 of" in run("--annotations", annotations).output


def test_it_answers_what_it_is_asked(annotations: str) -> None:
    source = ["--annotations", annotations, "--image", "80"]
    output = run(*source, "--anchor", "3", "--anchor", "4").output
    assert "\nAnchor 3 is not matched" in output
    assert "\nAnchor 4 is not matched" in output
    assert "\nGround truth 0 (cat) has " in run(*source, "--truth", "0").output
    both = run(*source, "--anchor", "3", "--truth", "0").output
    assert "Anchor 3 has IoU" in both or "Anchor 3 and ground truth 0 do not overlap" in both


def test_without_annotations_it_explains_a_generated_image() -> None:
    result = run("--preset", "yolo3", "--image", "2", "--sensitivity")
    assert result.exit_code == 0, result.output
    assert "yolo3, image 2 of generated (seed 0): 10647 anchors" in result.output
    assert f"{len(sample_images()[1].boxes)} ground truths" in result.output
    assert "matches hang on the rounding of float32" in result.output


def test_matches_that_hang_on_rounding_are_listed(tmp_path: Path) -> None:
    # A box about the image's middle lies between anchors, which it overlaps by the same.
    content = {
        "images": [{"id": 1, "width": 300, "height": 300}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [142, 142, 16, 16]}],
        "categories": [{"id": 1, "name": "cat"}],
    }
    path = tmp_path / "instances.json"
    path.write_text(json.dumps(content))
    result = run("--annotations", str(path), "--sensitivity")
    trace = explain(TargetAssigner.ssd300(), [[142.0, 142, 158, 158]], [0], classes=["cat"])
    flips = trace.sensitivity()
    assert flips
    told = [f"{len(flips)} matches hang on the rounding of float32", *flips.lines()]
    assert "\n".join(told) in result.output
    assert "none -> ground truth 0 (cat) if its IoU" in result.output


def test_of_those_a_few_or_those_of_an_anchor_are_listed() -> None:
    every = run("--sensitivity").output.split("hang on the rounding of float32\n")[1].splitlines()
    few = run("--sensitivity", "--limit", "2").output
    assert few.endswith("\n".join([*every[:2], f"and {len(every) - 2} more\n"]))
    anchor = every[1].split(":")[0].removeprefix("Anchor ")
    own = run("--sensitivity", "--anchor", anchor).output
    assert own.endswith(f"\n1 match of 1 asked for hangs on the rounding of float32\n{every[1]}\n")
    refused = run("--limit", "2")
    assert refused.exit_code == 2
    assert "limit: is of sensitivity" in refused.output


def test_a_seed_says_what_is_drawn() -> None:
    arguments = ["--preset", "faster_rcnn", "--image", "1"]
    assert run(*arguments).output == run(*arguments, "--seed", "0").output


def test_an_image_without_objects_is_explained(annotations: str) -> None:
    result = run("--annotations", annotations, "--image", "7")
    assert result.exit_code == 0
    assert "8732 anchors, 0 ground truths; 0 positive, 8732 negative" in result.output


def test_it_draws(annotations: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    result = run("--annotations", annotations, "--png", str(tmp_path / "trace.png"))
    assert result.exit_code == 0, result.output
    assert (tmp_path / "trace.png").read_bytes()[:4] == b"\x89PNG"
    assert {path.name for path in tmp_path.iterdir()} == {"trace.png", "instances.json"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--image", "79"], "holds no image 79; the nearest ids of 4 are 7, 80, 81, 900"),
        (["--image", "x"], "holds no image x; the nearest ids of 4 are"),
        (["--image", "80", "--anchor", "9000"], "anchor: expected an integer from 0 to 8731"),
        (["--image", "80", "--anchor", "-1"], "anchor: expected an integer from 0 to 8731"),
        (["--image", "80", "--truth", "1"], "truth: expected an integer from 0 to 0, got 1"),
        (["--image", "7", "--truth", "0"], "truth: there is none in this image, got 0"),
        (["--preset", "ssd"], "preset: expected 'ssd300' or"),
        (["--preset", "yolo3", "--boxes", "coco"], "boxes: only those of ssd300 and ssd512"),
        (["--size", "10", "10"], "size: ssd300 is for 300 x 300 pixels"),
        (["--png", "no/such/folder/trace.png"], "No such file or directory"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    annotations: str, arguments: list[str], message: str
) -> None:
    pytest.importorskip("matplotlib")
    result = run("--annotations", annotations, *arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output


def test_the_nearest_ids_are_those_nearest_in_number(tmp_path: Path) -> None:
    path = tmp_path / "instances.json"
    images = [{"id": k, "width": 6, "height": 3} for k in range(0, 1000, 10)]
    path.write_text(json.dumps({"images": images, "annotations": [], "categories": []}))
    result = run("--annotations", str(path), "--image", "501")
    assert "nearest ids of 100 are 480, 490, 500, 510, 520" in result.output


def test_a_file_that_is_missing_is_named() -> None:
    result = run("--annotations", "gone.json")
    assert result.exit_code == 2
    assert "gone.json: cannot be read" in result.output
