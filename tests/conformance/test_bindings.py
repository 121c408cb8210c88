"""Any callable under any name is checked from the command line, or from ``pyproject.toml``."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from refkernels.cli.main import main
from refkernels.conformance.peers.opening import open_target
from refkernels.conformance.project import targets_of_project
from refkernels.conformance.targets.adapter import TargetError
from refkernels.conformance.targets.bound import Binding
from refkernels.conformance.targets.representation import RepresentationError

# Of processes, files and pages: the versions of NumPy and of frameworks play no part.
pytestmark = pytest.mark.once

TARGETS = Path(__file__).parent / "targets"
MATCHER = "foreign:Matcher=MaximumMatcher,transposed,first=1,parameters=threshold:thr"
STRICT = MATCHER.replace("Matcher=", "Strict=", 1)
OVERLAPS = "foreign:overlaps=BBoxBatchIOU"


@pytest.fixture(autouse=True)
def targets_on_path(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(TARGETS))
    monkeypatch.chdir(tmp_path)  # failures are saved below it
    monkeypatch.setenv("COLUMNS", "200")
    own = [str(TARGETS), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, own)))


def run(*arguments):
    return CliRunner().invoke(main, ["check", "--max-examples", "8", *arguments])


def test_callables_are_checked_under_the_names_that_they_have():
    result = run(MATCHER, OVERLAPS)
    assert result.exit_code == 0, result.output
    assert re.search(r"MaximumMatcher +Matcher +conforms", result.output)
    assert re.search(r"BBoxBatchIOU +overlaps +conforms", result.output)
    assert "2 conforms" in result.output


def test_the_call_to_paste_is_the_targets_own(tmp_path):
    result = run(STRICT)
    assert result.exit_code == 1
    assert "foreign:Strict=MaximumMatcher diverges" in result.output
    lines = result.output.splitlines()
    start = lines.index("import numpy as np")
    paste = lines[start : start + 5]
    assert paste[1:4] == [
        "from foreign import Strict",
        "x = np.array([[0.5]], np.float32)",
        "print(Strict(thr=0.5)(x))",
    ]
    assert paste[4] == "# right, as MaximumMatcher(threshold=0.5) of refkernels: matches = [1]"
    code = "\n".join([f"import sys; sys.path.insert(0, {str(TARGETS)!r})", *paste])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[0]\n"


def test_a_saved_failure_runs_again():
    run(STRICT)
    (place, *_) = sorted(Path(".refkernels/failures").iterdir())
    again = CliRunner().invoke(main, ["replay", str(place)])
    assert again.exit_code == 1, again.output
    assert "matches[0] is -1, expected 0" in again.output
    other = CliRunner().invoke(main, ["replay", str(place), "--target", MATCHER])
    assert other.exit_code == 2
    assert "has no foreign:Strict=MaximumMatcher" in other.output


def test_an_object_that_is_built_is_held_to_what_is_fixed():
    words = "transposed,first=1,fixed=threshold:0.5"
    assert run(f"foreign:built=MaximumMatcher,{words}").exit_code == 0
    assert run(f"foreign:built=MaximumMatcher,{words.replace('0.5', '0.6')}").exit_code == 1


def test_a_method_is_one_of_an_object_with_the_parameters():
    words = "parameters=stds:1/weights,inputs=refs+anchors,outputs=targets,aligned,images=list"
    result = run(f"foreign:Coder.encode=NormalizedBoxCenterEncoder,{words}")
    assert result.exit_code == 0, result.output
    assert "means" in result.output  # not offered


def test_what_is_offered_is_said_in_the_same_words():
    result = run("foreign:areas=BBoxArea,squeezed,dtypes=float32+float64")
    assert re.search(r"BBoxArea +areas +conforms +\S+ +32 64 ", result.output), result.output
    text = 'foreign:areas=BBoxArea,{"squeezed": true, "batch": false, "mixed": false}'
    assert Binding.parse(text).offers.batch is False
    assert "batches" in run(text).output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["foreign:overlaps"], "'foreign:overlaps' is no binding|cannot import"),
        (["foreign=BBoxArea"], "'foreign=BBoxArea' is no binding, expected module:name=Operator"),
        (["foreign:areas=BBoxAria"], "unknown operator 'BBoxAria'|BBoxAria"),
        (["foreign:areas=BBoxArea,squezed"], "did you mean 'squeezed'"),
        (["foreign:areas=BBoxArea,dtypes=float8"], "dtypes: expected some of .*, got 'float8'"),
        (["foreign:areas=BBoxArea,batch=maybe"], "batch: expected True or False, got 'maybe'"),
        (["foreign:areas=BBoxArea", "foreign:areas=BBoxArea"], "is there twice"),
        (["foreign:areas=BBoxArea", "refkernels"], "'refkernels': several targets are bindings"),
        ([OVERLAPS, "--operator", "BBoxArea"], "has none of BBoxArea; it has BBoxBatchIOU"),
    ],
)
def test_what_is_no_binding_is_refused_in_one_line(arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2
    assert re.search(message, result.output), result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("binding", "message"),
    [
        ("foreign:overlap=BBoxBatchIOU", "there is no 'overlap'; did you mean 'overlaps'?"),
        ("foreign:zzz=BBoxBatchIOU", "foreign:zzz: there is no 'zzz'"),
        ("nowhere:box_iou=BBoxBatchIOU", "cannot import nowhere"),
        ("foreign:not_callable=BBoxArea", "is int, expected a callable"),
        ("foreign:overlaps=SSDTargets,transposed", "is a chain: a representation is of a call"),
        ("foreign:overlaps=FeatureExtractor,squeezed", "is a network: a representation is of"),
    ],
)
def test_what_is_not_there_is_named(binding, message):
    result = run(binding, "foreign:areas=BBoxArea,squeezed")
    assert result.exit_code == 2
    assert message in result.output.replace("\n", " ")
    assert "1 conforms" in result.output  # the others are checked all the same


def test_a_target_of_bindings_has_no_other_items():
    with pytest.raises(TargetError, match="has no foreign:turned=BBoxBatchIOU"):
        open_target([OVERLAPS]).of("foreign:turned=BBoxBatchIOU")


def test_a_project_says_what_is_to_be_checked():
    Path("pyproject.toml").write_text(
        "[tool.refkernels.check]\n"
        '"foreign:overlaps" = "BBoxBatchIOU"\n'
        '"foreign:Matcher" = {operator = "MaximumMatcher", transposed = true, first = 1, '
        'parameters = {threshold = "thr"}}\n'
        '"foreign:areas" = [{operator = "BBoxArea", squeezed = true}]\n'
    )
    result = run()
    assert result.exit_code == 0, result.output
    assert "3 conforms" in result.output


def test_a_project_may_name_a_module():
    Path("pyproject.toml").write_text('[tool.refkernels]\ncheck = "faithful"\n')
    assert targets_of_project() == ["faithful"]
    Path("pyproject.toml").write_text("[tool.other]\n")
    assert targets_of_project() == []
    Path("pyproject.toml").unlink()
    assert targets_of_project() == []


@pytest.mark.parametrize(
    "content",
    [
        "[tool.refkernels]\ncheck = 3\n",
        "[tool.refkernels]\ncheck = {}\n",
        '[tool.refkernels.check]\n"foreign:areas" = 3\n',
        '[tool.refkernels.check]\n"foreign:areas" = {squeezed = true}\n',
        "[tool.refkernels\n",
    ],
)
def test_a_project_that_says_it_wrongly_is_told_where(content):
    Path("pyproject.toml").write_text(content)
    with pytest.raises(RepresentationError, match=r"pyproject\.toml"):
        targets_of_project()
    assert run().exit_code == 2


def test_a_binding_is_a_test_of_pytest(pytester):
    result = pytester.runpytest_subprocess(
        "--refkernels-target", "foreign:areas=BBoxArea,squeezed", "-p", "no:cacheprovider"
    )
    result.assert_outcomes(passed=4)
