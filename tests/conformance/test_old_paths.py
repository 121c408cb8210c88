"""Programs that were pasted from earlier reports still run."""

import subprocess
import sys
from importlib import import_module

import pytest

from refkernels.conformance.old_paths import OLD

# As they were printed when these modules lay elsewhere.
PASTED = [
    """
import numpy as np, refkernels
from refkernels.conformance.adapters import strided
from refkernels import MaximumMatcher
x = np.array([[0.5]], np.float32)
print(MaximumMatcher(threshold=0.5)(strided(x)))
""",
    """
from refkernels.conformance.cases import find
from refkernels.conformance.examine import Examiner
from refkernels.conformance.parameters import Parameters
from refkernels.conformance.case import Recipe
from refkernels.conformance.target import Subject
from refkernels import SplitSampler
operator, target = find("SplitSampler"), Subject(SplitSampler, "SplitSampler")
print(Examiner(operator, target).examine_laws("every order is equally likely, in every epoch"))
""",
    """
from refkernels.conformance.target import Target
from refkernels.conformance.run import Options, check_operator
print(check_operator("NaiveSampler", Target("refkernels"), Options(2)).verdict)
""",
]


@pytest.mark.parametrize("program", PASTED)
def test_a_program_that_was_pasted_earlier_runs(program):
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() in ("[0]", "None", "conforms")


@pytest.mark.parametrize(("old", "places"), OLD.items())
def test_an_old_module_has_the_names_of_those_it_became(old, places):
    module = import_module(f"refkernels.conformance.{old}")
    for place in places:
        new = import_module(f"refkernels.conformance.{place}")
        assert all(getattr(module, name) is not None for name in new.__all__)


def test_what_was_never_there_is_not_there():
    with pytest.raises(ImportError, match="nothing"):
        from refkernels.conformance.target import nothing  # noqa: F401
    with pytest.raises(ModuleNotFoundError):
        import_module("refkernels.conformance.utilities")
