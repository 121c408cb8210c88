"""A saved failure runs again anywhere, and is tried first."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from refkernels.cli.main import main
from refkernels.conformance.cases import find
from refkernels.conformance.cases.corners import corners_of
from refkernels.conformance.engine.replay import load, save
from refkernels.conformance.engine.run import Options
from refkernels.conformance.model.operator import Case
from refkernels.conformance.process.supervisor import check
from tests.conformance.test_saved_cases import BOX, seen

# Of processes, files and pages: the versions of NumPy and of frameworks play no part.
pytestmark = pytest.mark.once

TARGETS = Path(__file__).parent / "targets"


@pytest.fixture(autouse=True)
def targets_on_path(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(TARGETS))
    monkeypatch.chdir(tmp_path)


def run(*arguments):
    return CliRunner().invoke(main, ["replay", *map(str, arguments)])


def damage(place, how):
    file = place / "case.json"
    content = json.loads(file.read_text())
    if how == "no case.json":
        file.unlink()
    elif how == "no arrays.npz":
        (place / "arrays.npz").unlink()
    elif how == "cut short":
        file.write_text(file.read_text()[:40])
    elif how == "empty":
        file.write_text("")
    elif how == "not text":
        file.write_bytes(b"\xff\xfe\x00")
    elif how == "a list":
        file.write_text("[]")
    elif how == "not a zip":
        (place / "arrays.npz").write_text("arrays")
    elif how == "half a zip":
        data = (place / "arrays.npz").read_bytes()
        (place / "arrays.npz").write_bytes(data[: len(data) // 2])
    elif how == "pickled":
        np.savez(place / "arrays.npz", input0=np.array([{}], object))
    elif how == "fewer arrays":
        np.savez(place / "arrays.npz")
    elif how in content:
        del content[how]
        file.write_text(json.dumps(content))
    else:
        key, value = how.split("=")
        file.write_text(json.dumps({**content, key: json.loads(value)}))


DAMAGES = {
    "no case.json": "not a saved failure: there is no case.json",
    "no arrays.npz": "there is no arrays.npz",
    "cut short": "damaged",
    "empty": "damaged",
    "not text": "damaged",
    "a list": "damaged",
    "not a zip": "damaged",
    "half a zip": "damaged",
    "pickled": "damaged: Object arrays cannot be loaded",
    "fewer arrays": "damaged: no 'input0",
    "target": "damaged: no 'target' in it",
    "inputs": "damaged: no 'inputs' in it",
    "config": "damaged: no 'config' in it",
    "format": "damaged: no 'format' in it",
    "format=99": "format is 99, expected 1",
    'dtype="int8"': "dtype is 'int8', expected one of float16, float32, float64, bfloat16, int32",
    'config={"a": {"b": 1}}': "unknown value {'b': 1}",
    'operator="BBoxAria"': "unknown operator 'BBoxAria'",
    'config={"corners": 5}': "corners",
    'inputs=["boxes"]': "the check itself failed",
}


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_folder_is_one_line_and_a_usage_error(tmp_path, how):
    place = save(tmp_path / "failures", seen(BOX))
    damage(place, how)
    result = run(place)
    assert result.exit_code == 2
    (line,) = result.output.strip().splitlines()
    assert line.startswith("refkernels: ")
    assert DAMAGES[how] in line


def test_a_place_that_is_not_there_is_one_line(tmp_path):
    for place, said in (
        (tmp_path / "nowhere", "nowhere: there is no such folder"),
        (tmp_path, "not a saved failure: there is no case.json"),
    ):
        result = run(place)
        assert result.exit_code == 2
        assert result.output.strip().endswith(said)
    (tmp_path / "file").write_text("")
    assert "expected a folder" in run(tmp_path / "file").output


def test_a_folder_of_saved_failures_names_one_of_them(tmp_path):
    place = save(tmp_path / "failures", seen(BOX))
    assert run(place.parent).output.strip().endswith(f"1 folder in it is, such as {place}")


def test_a_failure_that_is_still_one_exits_with_1_and_the_call(tmp_path):
    result = run(save(tmp_path, seen(BOX)))
    assert result.exit_code == 1
    assert "it was: it was 1" in result.output
    assert "areas[0, 0] is -16.0, expected 0" in result.output or "exactly 0" in result.output
    assert "print(BBoxArea()(x))" in result.output


def test_a_failure_of_one_target_runs_on_another(tmp_path):
    result = run(save(tmp_path, seen(BOX)), "--target", "faithful")
    assert result.exit_code == 0, result.output
    assert "conforms" in result.output


@pytest.mark.parametrize(
    ("target", "what"),
    [
        ("nowhere.at.all", "cannot import nowhere.at.all: No module named 'nowhere'"),
        ("json", "json has no BBoxArea"),
    ],
)
def test_a_target_that_cannot_run_it_is_one_line(tmp_path, target, what):
    result = run(save(tmp_path, seen(BOX)), "--target", target)
    assert result.exit_code == 2
    assert result.output.strip() == f"refkernels: {what}"


def test_what_check_saves_is_tried_first_the_next_time(tmp_path):
    options = Options(60, dtypes=("float32",))
    failures = tmp_path / "failures"
    (first,) = check("wrong", ["BBoxArea"], options, failures=failures)
    (second,) = check("wrong", ["BBoxArea"], options, failures=failures)
    assert second.dissents[0].origin == "a failure saved earlier"
    assert second.cases == 1 <= first.cases
    assert second.dissents[0].saved == first.dissents[0].saved
    assert len(list(failures.iterdir())) == 1


def test_what_failed_for_one_target_is_not_tried_on_another(tmp_path):
    save(tmp_path, seen(BOX))
    (result,) = check("faithful", ["BBoxArea"], Options(5), failures=tmp_path)
    assert result.verdict == "conforms"
    corners = list(corners_of(find("BBoxArea"), ("float32",)))
    assert result.cases == 5 + len(corners)


def test_a_saved_crash_crashes_again_and_costs_only_the_child(tmp_path):
    options = Options(5, dtypes=("float32",))
    (result,) = check("wrong", ["BipartiteMatcher"], options, failures=tmp_path)
    (dissent,) = result.dissents
    assert load(Path(dissent.saved)).kind == "crashes"
    again = run(dissent.saved)
    assert again.exit_code == 1
    assert "was killed by SIGSEGV" in again.output
    assert "print(BipartiteMatcher(" in again.output


def test_a_saved_hang_hangs_again(tmp_path):
    case = Case({}, {"x": np.zeros((1, 4)), "img": np.zeros((1, 1, 2, 2))})
    place = save(tmp_path, seen(case, "BBoxClipToImage"))
    result = run(place, "--time-limit", "1")
    assert result.exit_code == 1
    assert "no answer within 1 s" in result.output


def test_a_crash_is_tried_first_too(tmp_path):
    options = Options(5, dtypes=("float32",))
    first, second = (
        check("wrong", ["BipartiteMatcher"], options, failures=tmp_path)[0] for _ in range(2)
    )
    assert second.dissents[0].origin == "a failure saved earlier"
    assert second.dissents[0].saved == first.dissents[0].saved


def test_a_broken_law_is_saved_by_its_name_and_runs_again(tmp_path):
    (result,) = check("lawless", ["QuotaSampler"], Options(3), failures=tmp_path)
    assert result.verdict == "breaks a law"
    (dissent,) = result.dissents
    assert load(Path(dissent.saved)).law == "every subset of the quota's size is equally likely"
    again = run(dissent.saved)
    assert again.exit_code == 1
    assert "chi-square" in again.output
    assert run(dissent.saved, "--target", "refkernels").exit_code == 0


def test_the_paste_of_a_broken_law_tries_that_law(tmp_path, capsys):
    (result,) = check("lawless", ["QuotaSampler"], Options(3), failures=tmp_path)
    exec(result.dissents[0].paste, {})
    assert "chi-square" in capsys.readouterr().out


def test_a_law_that_is_no_more_is_one_line(tmp_path):
    result = run(save(tmp_path, seen(None, "QuotaSampler", "lawless", "all is well")))
    assert result.exit_code == 2
    assert "QuotaSampler has no law that all is well" in result.output


def test_a_chain_is_saved_and_runs_again(tmp_path, monkeypatch):
    (tmp_path / "greedy.py").write_text(
        "from refkernels import *\n"
        "import refkernels\n"
        "class MaximumMatcher(refkernels.MaximumMatcher):\n"
        "    def __call__(self, x):\n"
        "        return super().__call__(x) * 0\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    options = Options(20, dtypes=("float32",))
    (result,) = check("greedy", ["RCNNTargets"], options, failures=tmp_path / "failures")
    (dissent,) = result.dissents
    again = run(dissent.saved)
    assert again.exit_code == 1
    assert "at MaximumMatcher(threshold=0.5)" in again.output
    assert run(dissent.saved, "--target", "refkernels").exit_code == 0


@pytest.mark.usefixtures("mx")
def test_a_block_of_mxnet_runs_again(tmp_path):
    result = run(save(tmp_path, seen(BOX)), "--target", "refkernels.gluon")
    assert result.exit_code == 0, result.output


def test_a_declared_divergence_is_known_unless_strict(tmp_path, monkeypatch):
    """The declarations of a package are found by its name, here a module of our own."""
    (tmp_path / "declared_away.py").write_text(
        "from wrong import BBoxArea\n"
        "import sys\n"
        "from refkernels.conformance.model.divergence import Divergence\n"
        "from refkernels.conformance.peers.opening import PEERS\n"
        "from refkernels.conformance.peers.peer import Peer\n"
        "PEERS['declared_away'] = 'declared_away'\n"
        "OWN = Divergence('OWN-001', 'BBoxArea', 'no clamp', lambda case: True, None)\n"
        "PEER = Peer('declared_away', '1', divergences=(OWN,))\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    place = save(tmp_path / "failures", seen(BOX, target="declared_away"))
    result = run(place)
    assert result.exit_code == 0, result.output
    assert "known OWN-001" in result.output
    assert run(place, "--strict").exit_code == 1
    assert "declared_away" not in sys.modules
