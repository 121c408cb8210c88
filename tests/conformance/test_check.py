"""``refkernels check`` gives a verdict for every operator, whatever the target does."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from refkernels.cli import main
from refkernels.conformance.run import Options, Result
from refkernels.conformance.workers import check

TARGETS = Path(__file__).parent / "targets"


@pytest.fixture(autouse=True)
def targets_on_path(monkeypatch):
    monkeypatch.syspath_prepend(str(TARGETS))


@pytest.fixture(scope="module")
def verdicts():
    """Check the module of wrong operators once."""
    sys.path.insert(0, str(TARGETS))
    try:
        names = [
            "BBoxArea",
            "MaximumMatcher",
            "BipartiteMatcher",
            "CompositeMatcher",
            "BBoxClipToImage",
            "BBoxSplit",
            "BBoxCenterToCorner",
            "BBoxBatchIOU",
        ]
        results = check("wrong", names, Options(max_examples=50), seconds_per_case=10)
    finally:
        sys.path.remove(str(TARGETS))
    return {result.operator: result for result in results}


def run(*arguments):
    return CliRunner().invoke(main, ["check", *arguments])


def test_a_faithful_target_conforms():
    result = run("faithful", "--operator", "BBoxArea", "--operator", "MaximumMatcher")
    assert result.exit_code == 0, result.output
    assert "2 conforms" in result.output


def test_a_wrong_result_diverges_with_the_smallest_case(verdicts):
    result = verdicts["BBoxArea"]
    assert result.verdict == "diverges"
    assert result.dissents[0].who == "target"
    assert "expected" in result.dissents[0].what or "exactly" in result.dissents[0].what
    # One box is enough to show it.
    assert result.dissents[0].paste.count("[[") == 1
    assert "], [" not in result.dissents[0].paste


def test_the_pasted_call_shows_the_difference(verdicts, capsys):
    exec(verdicts["MaximumMatcher"].dissents[0].paste, {})
    target, kernel = capsys.readouterr().out.split("\n")[:2]
    assert target != kernel


def test_each_dtype_has_its_own_counterexample(verdicts):
    dtypes = [dissent.dtype for dissent in verdicts["MaximumMatcher"].dissents]
    assert sorted(dtypes) == ["float16", "float32", "float64"]


def test_a_crash_is_a_verdict_with_the_case_it_happened_on(verdicts):
    result = verdicts["BipartiteMatcher"]
    assert result.verdict == "crashes"
    assert "was killed by SIGSEGV" in result.note
    assert "BipartiteMatcher(" in result.note
    assert "x = np.array(" in result.note


def test_leaving_the_process_is_a_verdict(verdicts):
    result = verdicts["BBoxSplit"]
    assert result.verdict == "diverges"
    assert "raises SystemExit" in result.dissents[0].what


def test_a_hang_is_a_verdict(verdicts):
    assert verdicts["BBoxClipToImage"].verdict == "hangs"


def test_an_operator_that_cannot_be_built_diverges(verdicts):
    result = verdicts["CompositeMatcher"]
    assert result.verdict == "diverges"
    assert "raises TypeError" in result.dissents[0].what


def test_a_missing_operator_is_absent_not_passed(verdicts):
    assert verdicts["BBoxBatchIOU"].verdict == "absent"


def test_an_operator_that_writes_to_its_input_is_still_compared(verdicts):
    assert verdicts["BBoxCenterToCorner"].verdict == "diverges"


def test_results_survive_json(verdicts):
    for result in verdicts.values():
        again = Result.from_json(json.loads(json.dumps(result.as_json())))
        assert again.verdict == result.verdict
        assert again.dissents == result.dissents


def test_divergence_exits_with_1_and_prints_the_seed_and_the_call():
    result = run("wrong", "--operator", "MaximumMatcher", "--seed", "7")
    assert result.exit_code == 1
    assert "--seed 7" in result.output
    assert "from wrong import MaximumMatcher" in result.output


def test_a_crash_exits_with_1():
    assert run("wrong", "--operator", "BipartiteMatcher").exit_code == 1


def test_the_same_seed_draws_the_same_counterexample():
    options = Options(max_examples=50, seed=3)
    first, second = (check("wrong", ["BBoxArea"], options)[0].dissents for _ in range(2))
    assert first == second


def test_a_target_that_does_not_import_is_a_usage_error():
    result = run("no_such_module_here", "--operator", "BBoxArea")
    assert result.exit_code == 2
    assert "cannot import no_such_module_here" in result.output


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
    assert "5+99" in result.output or "5+100" in result.output
