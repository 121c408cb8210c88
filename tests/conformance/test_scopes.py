"""Small inputs are not sampled but exhausted (SPEC section 7)."""

import re

import numpy as np
import pytest
from click.testing import CliRunner

import refkernels
from refkernels.cli.main import main
from refkernels.conformance import offers
from refkernels.conformance.cases.scopes import SCOPES, scopes_of
from refkernels.conformance.engine.run import Options, check_operator
from refkernels.conformance.model.divergence import Divergence, witness
from refkernels.conformance.model.parameters import FREE, Parameters
from refkernels.conformance.model.scope import Exhausted
from refkernels.conformance.targets.subject import Subject
from tests.exhaustive import exhaust


class LastOfThree(refkernels.MaximumMatcher):
    """Of three equal columns it takes the last, which few draws have."""

    def __call__(self, x):
        found = super().__call__(x)
        if x.shape[-1] != 3 or not x.size:
            return found
        equal = (x == x[..., :1]).all(-1) & (found >= 0) & (x[..., 0] == 0.75)
        return np.where(equal, 2, found)


@pytest.mark.parametrize("name", SCOPES)
def test_the_kernel_does_what_is_defined_on_every_small_input(name):
    tried = exhaust(name, whole=False, step=7)  # of the larger ones a share; the command takes all
    assert not tried.wrong
    scopes = list(scopes_of(name, FREE, whole=False))
    assert tried.tried.inputs >= sum(scope.count for scope in scopes) / 7
    assert tried.tried.sizes == list(dict.fromkeys(scope.size for scope in scopes))


def test_no_input_of_a_scope_is_there_twice():
    for scope in scopes_of("MaximumMatcher", FREE, whole=False):
        seen = np.concatenate(
            [batch["x"].reshape(len(batch["x"]), -1) for batch in scope.batches()]
        )
        assert len(np.unique(seen, axis=0)) == len(seen) == scope.count


def test_what_a_scope_shows_is_the_smallest_there_is():
    result = check_operator("MaximumMatcher", Subject(LastOfThree, "MaximumMatcher"), Options(1))
    dissent = result.dissents[0]
    assert dissent.origin == "a scope that is tried whole"
    assert dissent.case.inputs["x"].tolist() == [[0.75, 0.75, 0.75]]
    assert dissent.what == "matches[0] is 2, expected 0 (1 of 1 differ)"
    assert result.scope.startswith("up to 2x2 in float32 (")


def test_what_conforms_is_told_with_its_scope():
    subject = Subject(refkernels.MaximumMatcher, "MaximumMatcher")
    result = check_operator("MaximumMatcher", subject, Options(1))
    assert re.fullmatch(r"up to 2x3 and 3x2 in float32 \([\d,]+ inputs\)", result.scope)
    assert not result.untried


def test_sizes_that_there_is_no_time_for_are_told():
    subject = Subject(refkernels.MaximumMatcher, "MaximumMatcher")
    result = check_operator("MaximumMatcher", subject, Options(1, scope_seconds=0))
    assert result.scope == ""
    (left,) = (what for what in result.untried if what.startswith("scopes of"))
    assert "3x2" in left
    assert result.untried[left] == "they take more than 0 s"


def test_a_known_difference_is_left_out_of_a_scope():
    known = Divergence(
        "MY-001",
        "MaximumMatcher",
        "The last of three is taken.",
        lambda case: case.inputs["x"].shape[-1] == 3,
        witness({"threshold": 0.5}, x=[[0.75, 0.75, 0.75]]),
    )
    subject = Subject(LastOfThree, "MaximumMatcher")
    result = check_operator("MaximumMatcher", subject, Options(5), divergences=(known,))
    assert result.verdict == "known", result.dissents
    assert result.known["MY-001"] > 64


def test_a_fixed_configuration_is_the_only_one_of_its_scope():
    own = Parameters({"threshold": 0.3})
    configs = [dict(scope.config) for scope in scopes_of("MaximumMatcher", own, whole=False)]
    assert configs
    assert all(config == {"threshold": 0.3} for config in configs)


def test_a_target_of_single_images_is_exhausted_too():
    def match(x, threshold):
        if x.ndim != 2:
            raise ValueError("expected one image")
        return refkernels.MaximumMatcher(threshold)(x)

    subject = Subject(match, "MaximumMatcher")
    result = check_operator("MaximumMatcher", subject, Options(1, scope_seconds=60))
    assert result.scope.startswith("up to 2x3 and 3x2")
    assert "batches" in result.not_offered


def test_the_verdict_is_printed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ["check", "refkernels", "--operator", "NaiveSampler", "--max-examples", "2"]
    result = CliRunner().invoke(main, [*arguments, "--exhaustive"])
    assert "no counterexample up to 5 in float32 (" in result.output.replace("\n", " ")


def test_only_the_largest_sizes_are_named():
    done = Exhausted(["1x1", "2x2", "1x3"], "float32", 20)
    assert str(done) == "up to 2x2 and 1x3 in float32 (20 inputs)"
    assert str(Exhausted([], "float32")) == ""


def test_sizes_with_fewer_values_are_told_as_such():
    done = Exhausted(["1x1", "2x1"], "float32", 20, fewer=["2x2", "3x2"])
    assert str(done) == "up to 2x1, with fewer values to 3x2, in float32 (20 inputs)"
    result = check_operator(
        "SimOTAMatcher",
        Subject(refkernels.SimOTAMatcher, "SimOTAMatcher"),
        Options(1, exhaustive=True, scope_seconds=60),
    )
    assert result.scope.startswith(
        "up to 1x3 and 2x2 and 4x1, with fewer values to 2x3 and 3x2, in"
    )


def test_what_is_outside_of_what_is_offered_is_no_part_of_the_claim():
    subject = Subject(refkernels.MaximumMatcher, "MaximumMatcher")
    tall = offers(inputs=lambda arrays: arrays["x"].shape[-2] > 1)
    result = check_operator("MaximumMatcher", subject, Options(3), offers=tall)
    assert re.fullmatch(r"up to .* \([\d,]+ inputs, [\d,]+ left out\)", result.scope)

    few = offers(inputs=lambda arrays: arrays["x"].shape[-1] > 5)
    result = check_operator("MaximumMatcher", subject, Options(3), offers=few)
    assert result.scope == ""


def test_what_does_not_come_again_is_told():
    def match(x, threshold):
        if x.ndim == 3 and len(x) == 256 and x.shape[1:] == (2, 2) and not seen:
            seen.append(x)
            raise ValueError("for once")
        return refkernels.MaximumMatcher(threshold)(x)

    seen = []
    result = check_operator("MaximumMatcher", Subject(match, "MaximumMatcher"), Options(3))
    assert seen
    assert result.note.startswith("not reproducible: a batch of a scope passed")
