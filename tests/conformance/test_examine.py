"""Who is wrong is found by asking: the target, the kernel, or both; and modes and laws are told."""

import signal
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import strategies as st

import refkernels
from refkernels.conformance.cases import find
from refkernels.conformance.engine.examine import Examiner
from refkernels.conformance.engine.run import Options, check_operator
from refkernels.conformance.model.divergence import Divergence
from refkernels.conformance.model.operator import INPUT_LIMIT, Case, Law
from refkernels.conformance.targets.subject import Subject
from refkernels.conformance.targets.target import Target
from tests.conformance.test_images import IMAGE

SMALL = Case({}, {"matches": np.array([[0.0, -1.0]])})
LARGE = Case({}, {"matches": np.zeros((1, INPUT_LIMIT + 1))})


class Zeros:
    """What a kernel must not be."""

    def __call__(self, matches):
        return np.zeros(np.shape(matches), np.int64)


class Ones(Zeros):
    """Another that is wrong for what is not matched, and right for `LARGE`."""

    def __call__(self, matches):
        return super().__call__(matches) + 1


def examiner(subject, *, kernel=None, **options):
    operator = replace(find("NaiveSampler"), laws=options.pop("laws", ()))
    if kernel is not None:
        vars(operator)["kernel"] = kernel
    return Examiner(operator, Subject(subject, "NaiveSampler"), **options)


@pytest.mark.parametrize(
    ("case", "subject", "kernel", "who"),
    [
        (SMALL, refkernels.NaiveSampler, None, None),
        (SMALL, Zeros, None, "target"),
        (SMALL, refkernels.NaiveSampler, Zeros, "kernel"),
        (LARGE, Zeros, None, "target"),
        (LARGE, Ones, Zeros, "kernel"),
        (replace(LARGE, inputs={"matches": -LARGE.inputs["matches"] - 1}), Ones, Zeros, "both"),
    ],
)
def test_the_definition_says_who_is_wrong(case, subject, kernel, who):
    found = examiner(subject, kernel=kernel).examine(case, "a test", ("float32",))
    assert (found and found.who) == who


def test_a_buffer_that_is_returned_again_is_looked_at_again():
    kept = np.zeros((1, 2))

    def sampler(matches):
        """Return the right samples in a place of its own, and wrong ones once strides are odd."""
        kept[:] = refkernels.NaiveSampler()(matches) if matches.flags.c_contiguous else 0
        return kept

    found = examiner(sampler).examine(SMALL, "a test", ("float32",))
    assert found is not None
    assert (found.who, found.mode) == ("target", "strided")


def test_a_wrong_kernel_of_a_chain_is_named_with_its_stage(monkeypatch):
    chain = find("RCNNTargets")
    case = next(iter(chain.annotated(IMAGE)))
    cast = case.astype(np.float32)
    monkeypatch.setitem(vars(find("MultiClassEncoder")), "kernel", Background)
    wrong = chain.judge_kernel(cast, chain.refer(cast))
    assert wrong.what.startswith("at MultiClassEncoder(): targets[")


class Background:
    """Knows no classes."""

    def __call__(self, samples, matches, refs):
        return np.zeros(matches.shape, np.int64)


def test_a_mode_of_a_declared_divergence_is_not_run():
    modes = []

    def sampler(matches):
        modes.append("call" if matches.flags.c_contiguous else "strided")
        return refkernels.NaiveSampler()(matches)

    case = replace(SMALL, inputs={"matches": np.zeros((3, 4))})
    why, always = "Strided arrays are something else to it.", lambda case: True
    declared = Divergence("X-1", "NaiveSampler", why, always, case, modes=("strided",))
    one = examiner(sampler, divergences=(declared,))
    assert one.examine(case, "a test", ("float32",), ("call", "strided")) is None
    assert modes == ["call"]
    assert one.known == {"X-1": 1}


def test_a_law_that_the_kernel_breaks_is_the_kernels():
    law = Law("nothing is ever right", lambda run, parameters: "it is not")
    dissent = examiner(refkernels.NaiveSampler, laws=(law,)).examine_laws()
    assert (dissent.who, dissent.kind) == ("kernel", "breaks a law")


def test_the_kernel_is_asked_about_a_law_only_if_the_target_breaks_it():
    ran = []

    def holds(run, parameters):
        ran.append(run)
        return None

    assert examiner(refkernels.NaiveSampler, laws=(Law("it runs", holds),)).examine_laws() is None
    assert len(ran) == 1


def test_of_a_large_batch_a_few_images_are_run_alone_and_the_others_together():
    sizes = []

    def sampler(matches):
        sizes.append(len(matches))
        return refkernels.NaiveSampler()(matches)

    case = replace(SMALL, inputs={"matches": np.zeros((7, 4))})
    assert examiner(sampler).examine(case, "a test", ("float32",), ("by image",)) is None
    assert sizes == [1, 1, 1, 1, 3]


def test_the_modes_of_a_chain_take_turns():
    one = Examiner(find("SSDTargets"), Target("refkernels"))
    case = Case({}, {name: np.zeros((1, 2, 4)) for name in ("anchors", "boxes")})
    turns = [one.modes_of(case, turn) for turn in range(len(one.modes))]
    assert turns == [[mode] for mode in one.modes]


def interrupted(matches):
    signal.raise_signal(signal.SIGINT)  # as somebody does at the keyboard


def interrupts(matches):
    raise KeyboardInterrupt


def test_an_interrupt_is_nobodys_fault():
    with pytest.raises(KeyboardInterrupt):
        examiner(interrupted).examine(SMALL, "a test", ("float32",))
    calls = []

    def check(run, parameters):
        calls.append(run(SMALL))

    with pytest.raises(KeyboardInterrupt):
        examiner(interrupted, laws=(Law("it answers", check),)).examine_laws()
    assert not calls


def test_an_interrupt_that_a_target_raises_is_its_own():
    dissent = examiner(interrupts).examine(SMALL, "a test", ("float32",))
    assert dissent.kind == "raises"
    assert dissent.what.startswith("raises KeyboardInterrupt: ; at ")
    law = Law("it answers", lambda run, parameters: str(run(SMALL)[0].shape) and None)
    assert examiner(interrupts, laws=(law,)).examine_laws().kind == "raises"


def test_a_failure_that_does_not_come_again_is_told_as_such():
    calls = []

    def area(x):
        calls.append(x)
        if len(calls) == 12:
            raise ValueError("for once")
        return refkernels.BBoxArea()(x)

    subject = Subject(area, "BBoxArea")
    result = check_operator("BBoxArea", subject, Options(20, dtypes=("float32",)))
    assert result.note == "not reproducible: the same case passed when it was tried again"
    assert result.dissents[0].what.startswith("raises ValueError: for once")


def test_cases_that_are_rare_are_fewer_and_no_error(monkeypatch):
    drawn = []

    def is_early(case):
        drawn.append(case)
        return len(drawn) <= 3

    matches = st.integers(-1, 100).map(lambda match: {"matches": np.array([[match]])})
    cases = matches.map(partial(Case, {})).filter(is_early)
    rare = replace(find("NaiveSampler"), draw=lambda parameters: cases)
    monkeypatch.setattr("refkernels.conformance.engine.run.find", lambda name: rare)
    subject = Subject(refkernels.NaiveSampler, "NaiveSampler")
    options = Options(30, dtypes=("float32",), strict=True)  # all are drawn to be tried
    result = check_operator("NaiveSampler", subject, options)
    assert result.verdict == "conforms"
    assert 0 < result.cases < 30


def test_a_target_that_raises_in_a_law_is_told_with_what():
    def broken(matches):
        raise ValueError("not today")

    law = Law("it answers", lambda run, parameters: str(run(SMALL)[0].shape) and None)
    dissent = examiner(broken, laws=(law,)).examine_laws()
    assert (dissent.who, dissent.kind) == ("target", "raises")
    assert "ValueError: not today" in dissent.what


class FromTheLast:
    """Draws for the images of a batch from the last to the first."""

    def __init__(self, **config):
        self.kernel = refkernels.QuotaSampler(**config)

    def __call__(self, matches, ious, rng=None):
        if matches.ndim == 1:
            return self.kernel(matches, ious, rng=rng)
        return self.kernel(matches[::-1], ious[::-1], rng=rng)[::-1]


def test_lots_that_depend_on_the_batch_break_a_law():
    subject = Subject(FromTheLast, "QuotaSampler")
    dissent = Examiner(find("QuotaSampler"), subject).examine_laws()
    assert (dissent.who, dissent.kind) == ("target", "breaks a law")
    assert dissent.what == (
        "breaks the law that what an image draws depends on the seed and its place alone: "
        "image 0 draws something else in a batch of the first two images"
    )
