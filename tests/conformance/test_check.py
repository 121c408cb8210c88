"""``refkernels check`` gives a verdict for every operator, whatever the target does."""

import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from refkernels.cli.main import main
from refkernels.conformance.cases import find
from refkernels.conformance.cases.corners import corners_of
from refkernels.conformance.engine.run import Options, Result
from refkernels.conformance.peers.opening import declared
from refkernels.conformance.process.supervisor import check
from refkernels.conformance.report.console import print_results

TARGETS = Path(__file__).parent / "targets"


@pytest.fixture(autouse=True)
def targets_on_path(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(TARGETS))
    monkeypatch.chdir(tmp_path)  # failures are saved below it


def run(*arguments):
    return CliRunner().invoke(main, ["check", *arguments])


def test_a_faithful_target_conforms():
    result = run("faithful", "--operator", "BBoxArea", "--operator", "MaximumMatcher")
    assert result.exit_code == 0, result.output
    assert "2 conforms" in result.output


def test_divergence_exits_with_1_and_prints_the_seed_and_the_call():
    result = run("wrong", "--operator", "MaximumMatcher", "--seed", "7")
    assert result.exit_code == 1
    assert "--seed 7" in result.output
    assert "from wrong import MaximumMatcher" in result.output


def test_a_crash_exits_with_1():
    assert run("wrong", "--operator", "BipartiteMatcher").exit_code == 1


def test_the_same_seed_draws_the_same_counterexample():
    options = Options(max_examples=50, seed=3, shrink_seconds=100)  # of a machine under load
    first, second = (
        check("wrong", ["BBoxArea"], options, failures=Path(place))[0].dissents
        for place in ("first", "second")
    )
    assert [d.paste for d in first] == [d.paste for d in second]


def test_a_target_that_does_not_import_is_a_usage_error():
    result = run("no_such_module_here", "--operator", "BBoxArea")
    assert result.exit_code == 2
    assert "cannot import no_such_module_here" in result.output


def test_a_dtype_that_an_operator_is_not_defined_in_is_told(tmp_path):
    (tmp_path / "extractor.py").write_text("class FeatureExtractor: pass\n")
    result = run("extractor", "--operator", "FeatureExtractor", "--dtype", "float16")
    assert result.exit_code == 2
    assert "FeatureExtractor: it is defined in float32 and float64 only" in result.output


def test_known_divergences_are_listed_with_what_they_are(summary):
    known = declared("gluoncv.nn", "BBoxArea")[0]
    result = Result("BBoxArea", "known", cases=100, known={known.id: 7})
    result.accepted = {known.id: known.why}
    console = Console(file=io.StringIO(), width=400)
    print_results(console, replace(summary, target="gluoncv.nn", results=[result]))
    assert f"{known.id} BBoxArea, 7 cases: {known.why}" in console.file.getvalue()


def test_a_target_without_any_operator_is_a_usage_error():
    result = run("json", "--operator", "BBoxArea")
    assert result.exit_code == 2


def test_an_unknown_operator_is_a_usage_error_that_lists_the_known():
    result = run("--operator", "BBoxAria")
    assert result.exit_code == 2
    assert "BBoxArea" in result.output


def test_a_missing_annotation_file_is_one_line():
    result = run("faithful", "--operator", "BBoxArea", "--annotations", "nowhere.json")
    assert result.exit_code == 2
    assert "nowhere.json" in result.output


def test_real_boxes_become_cases(shared_data):
    file = shared_data / "instances_val2014_100.json"
    result = run(
        "faithful", "--operator", "BBoxArea", "--max-examples", "5", "--annotations", str(file)
    )
    assert result.exit_code == 0, result.output
    cases = 5 + len(list(corners_of(find("BBoxArea"), ("float32",))))
    assert f"{cases}+99" in result.output or f"{cases}+100" in result.output


def test_no_framework_is_imported_for_a_target_that_uses_none():
    program = (
        "import sys\n"
        "from refkernels.cli.main import main\n"
        "arguments = 'check refkernels --operator BBoxArea --max-examples 2'\n"
        "try:\n    main(arguments.split())\n"
        "except SystemExit as done:\n    print(done.code, {'mxnet', 'torch'} & set(sys.modules))\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout.endswith("0 set()\n"), run.stdout + run.stderr
    assert "ran on: numpy" in run.stdout
