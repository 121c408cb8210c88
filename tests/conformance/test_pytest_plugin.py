"""pytest itself, run on files of other people, with the plugin of refkernels in it."""

import pytest

# Of processes, files and pages: the versions of NumPy and of frameworks play no part.
pytestmark = pytest.mark.once

BLOCKS = """
import numpy as np
import refkernels

class MaximumMatcher(refkernels.MaximumMatcher):
    pass

class NaiveSampler:
    def __call__(self, matches):
        print("sampling")
        return np.where(np.asarray(matches) > 0, 1, -1)
"""

QUICK = ("--refkernels-max-examples", "10", "-p", "no:cacheprovider")


@pytest.fixture
def project(pytester, monkeypatch):
    """A project of somebody's with a module `blocks`, in which pytest can be run."""
    pytester.makepyfile(blocks=BLOCKS)
    pytester.makepyfile(test_own="def test_own(): pass")
    monkeypatch.syspath_prepend(pytester.path)
    monkeypatch.setenv("PYTHONPATH", str(pytester.path))
    return pytester


def test_a_target_gives_a_test_for_each_operator_and_dtype_beside_the_others(project):
    result = project.runpytest_subprocess("--refkernels-target", "blocks", *QUICK, "-v")
    result.assert_outcomes(passed=5, failed=3)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "test_own.py::test_own PASSED*",
            "blocks::MaximumMatcher[[]float16[]] PASSED*",
            "blocks::NaiveSampler[[]float32[]] FAILED*",
        ]
    )


def test_a_failure_shows_the_call_to_paste_and_what_the_target_prints(project):
    result = project.runpytest_subprocess(
        "--refkernels-target", "blocks", *QUICK, "-k", "NaiveSampler and float32"
    )
    result.assert_outcomes(failed=1, deselected=8 - 1)
    result.stdout.fnmatch_lines(
        [
            "*samples[[]0[]] is -1, expected 1*",
            "from blocks import NaiveSampler",
            "print(NaiveSampler()(matches))",
            "*the target prints*",
            "sampling",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


def test_they_can_be_selected_by_the_marker(project):
    result = project.runpytest_subprocess(
        "--refkernels-target", "blocks", *QUICK, "-m", "refkernels", "--collect-only", "-q"
    )
    result.assert_outcomes(deselected=1)
    result.stdout.fnmatch_lines(["*7/8 tests collected*"])


def test_a_target_alone_is_enough(project):
    (project.path / "test_own.py").unlink()
    result = project.runpytest_subprocess(
        "--refkernels-target", "blocks", *QUICK, "-k", "Maximum", "--refkernels-seed", "7"
    )
    result.assert_outcomes(passed=4, deselected=3)
    assert result.ret == 0


@pytest.mark.parametrize(
    ("module", "what"),
    [
        ("nowhere", "*cannot import nowhere*"),
        ("test_own", "*test_own has no operator by its name*"),
    ],
)
def test_a_target_of_no_use_is_a_usage_error_in_one_line(project, module, what):
    result = project.runpytest_subprocess("--refkernels-target", module)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([what])


def test_what_a_target_needs_to_be_checked_is_told_in_one_line(project):
    project.makeconftest("import sys\nsys.modules['mpmath'] = None")
    result = project.runpytest_subprocess("--refkernels-target", "blocks")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--refkernels-target needs mpmath; install it with: pip*"])


def test_an_error_of_the_check_itself_has_its_traceback(project):
    project.makeconftest(
        "from refkernels.conformance.process.supervisor import Checker\n"
        "def check(*arguments): raise OSError('disk full')\n"
        "Checker.check = check\n"
    )
    result = project.runpytest_subprocess("--refkernels-target", "blocks", *QUICK, "-k", "float32")
    result.assert_outcomes(failed=2, deselected=6)
    result.stdout.fnmatch_lines(["*checker.check(name, options)*", "E*OSError: disk full"])


def test_a_target_that_dies_fails_its_test_and_no_other(project):
    project.makepyfile(
        deadly="import os, refkernels\n"
        "MaximumMatcher = refkernels.MaximumMatcher\n"
        "def NaiveSampler(matches): os._exit(3)\n"
    )
    result = project.runpytest_subprocess("--refkernels-target", "deadly", *QUICK)
    result.assert_outcomes(passed=5, failed=3)
    result.stdout.fnmatch_lines(["NaiveSampler crashes:*"])


MARKED = """
import numpy as np, pytest, refkernels

@pytest.fixture
def threshold():
    return 0.5

@pytest.mark.refkernels("MaximumMatcher", config={"threshold": 0.5}, max_examples=10)
def test_right(threshold):
    return refkernels.MaximumMatcher(threshold)

@pytest.mark.refkernels("MaximumMatcher", config={"threshold": 0.75}, dtypes=["float32"])
def test_wrong(threshold):
    return refkernels.MaximumMatcher(threshold)

@pytest.mark.refkernels("MaximumMatcher", dtypes=["float64"])
def test_nothing():
    pass
"""


def test_a_marked_test_holds_what_it_returns_to_the_operator_in_each_dtype(project):
    project.makepyfile(test_marked=MARKED)
    result = project.runpytest_subprocess("test_marked.py", "-v", "--strict-markers")
    result.assert_outcomes(passed=4, failed=2)
    result.stdout.fnmatch_lines(
        [
            "test_marked.py::test_right[[]float16[]] PASSED*",
            "test_marked.py::test_wrong[[]float32[]] FAILED*",
            "*MaximumMatcher is no MaximumMatcher: target dissents (float32, *",
            "*a test marked refkernels returns what is to conform; this one returns None",
        ]
    )


@pytest.mark.parametrize(
    ("marker", "what"),
    [
        ("", "*test_bad.py::test_bad: the marker refkernels takes an operator's name*"),
        ("'MaximumMatcher', threshold=1", "*the marker refkernels takes*"),
        ("'MaximunMatcher'", "*test_bad.py::test_bad: unknown operator 'MaximunMatcher'*"),
    ],
)
def test_a_marker_with_wrong_parameters_is_said_at_once(project, marker, what):
    project.makepyfile(
        test_bad=f"import pytest\n@pytest.mark.refkernels({marker})\ndef test_bad(): return 1\n"
    )
    result = project.runpytest_subprocess("test_bad.py")
    assert result.ret != 0
    assert any(
        line.strip() and _matches(line, what) for line in result.outlines + result.errlines
    ), result.outlines


def _matches(line, pattern):
    from fnmatch import fnmatchcase

    return fnmatchcase(line, pattern)


def test_the_plugin_alone_loads_nothing_heavy(project):
    project.makepyfile(
        test_light="import sys\n"
        "def test_light():\n"
        "    heavy = {'numba', 'hypothesis.strategies', 'mxnet', 'rich', 'mpmath'}\n"
        "    assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    project.runpytest_subprocess("test_light.py", "-p", "no:hypothesispytest").assert_outcomes(
        passed=1
    )
