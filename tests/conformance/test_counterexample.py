"""A counterexample shows what is wrong on ordinary boxes where it shows there, and in good time."""

import time

import numpy as np

import refkernels
from refkernels.conformance.cases import find
from refkernels.conformance.engine import counterexample
from refkernels.conformance.engine.counterexample import Budget, Counterexample
from refkernels.conformance.engine.examine import Examiner
from refkernels.conformance.engine.run import Options, check_operator
from refkernels.conformance.model.operator import DTYPES, Case
from refkernels.conformance.model.plain import Oddness, Plainness
from refkernels.conformance.targets.subject import Subject

PLAIN = Oddness(infinite=False, boxes=0, numbers=0)


class Wrong:
    """Has a kernel, and does something to what goes in or comes out."""

    name = ""

    def __init__(self, *args, **config):
        self.kernel = getattr(refkernels, self.name)(*args, **config)


class SwapsSides(Wrong):
    name = "NormalizedBoxCenterEncoder"

    def __call__(self, *inputs):
        targets, masks = self.kernel(*inputs)
        return targets[..., [0, 1, 3, 2]], masks


class HasNoInfinity(Wrong):
    name = "NormalizedBoxCenterEncoder"

    def __call__(self, *inputs):
        targets, masks = self.kernel(*inputs)
        return np.where(np.isfinite(targets), targets, 0).astype(targets.dtype), masks


class DoesNotClamp(Wrong):
    name = "BBoxArea"

    def __init__(self, axis=-1, fmt="corner"):
        self.axis, self.fmt = axis, fmt

    def __call__(self, x):
        wide = np.moveaxis(x.astype(np.promote_types(x.dtype, np.float32)), self.axis, 0)
        sides = wide[2:] - wide[:2] if self.fmt == "corner" else wide[2:]
        return np.expand_dims(np.prod(sides, axis=0).astype(x.dtype), self.axis)


class TakesTheWorst(Wrong):
    name = "OHEMSampler"

    def __call__(self, matches, logits, ious):
        surest = np.concatenate([logits[..., :1], 0 * logits[..., 1:]], -1)
        return self.kernel(matches, -surest, ious)


def checked(target, examples=100, **options):
    subject = Subject(target, target.name)
    options = {"dtypes": DTYPES, **options}
    return check_operator(target.name, subject, Options(examples, **options))


def test_swapped_sides_show_on_ordinary_boxes():
    for dissent in checked(SwapsSides).dissents:
        plainness = Plainness(find(SwapsSides.name), dissent.dtype)
        assert plainness.oddness(dissent.case) == PLAIN
        assert dissent.case.config == {}
        assert dissent.case.inputs["anchors"].shape == (1, 4)  # of one image
        numbers = np.concatenate([dissent.case.inputs[name] for name in ("anchors", "refs")])
        assert set(numbers.ravel()) <= {0, 1, 2}
        assert "expected 0.0; allowed is an error of" in dissent.what


def test_what_takes_boxes_without_extent_says_which_they_are():
    for dissent in checked(HasNoInfinity).dissents:
        assert dissent.what.startswith("targets[0, 2] is 0.0, expected -inf: refs[0] has no extent")
        assert np.ptp(dissent.case.inputs["anchors"]) == 1


def test_an_inverted_box_stays_where_it_is_the_point():
    for dissent in checked(DoesNotClamp, dtypes=("float32",)).dissents:
        assert np.abs(dissent.case.inputs["x"]).max() == 1
        assert "expected 0" in dissent.what


def test_what_fails_in_one_dtype_is_tried_first_in_the_next():
    first, *others = (dissent.case for dissent in checked(SwapsSides).dissents)
    assert len(others) == 2
    assert all(other.assignments() == first.assignments() for other in others)


def test_without_time_what_is_found_first_is_told():
    result = checked(SwapsSides, shrink_seconds=0)
    assert result.verdict == "diverges"
    assert len(result.dissents) == 3
    assert result.remarks["shrinking"] == "cut short, as it may take 0 s in all dtypes"


def test_a_target_that_takes_its_time_is_shrunk_for_as_long_as_it_may_be():
    class Slow(SwapsSides):
        def __call__(self, *inputs):
            time.sleep(0.2)
            return super().__call__(*inputs)

    result = checked(Slow, examples=5, shrink_seconds=1, dtypes=("float32",))
    assert result.verdict == "diverges"
    assert "cut short" in result.remarks["shrinking"]


def test_who_has_time_has_no_remark():
    assert "shrinking" not in checked(DoesNotClamp).remarks


def test_time_that_is_not_taken_is_for_the_next(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(counterexample, "monotonic", lambda: now[0])
    budget = Budget(10)
    budget.start(is_last=False)  # which has 6 s
    now[0] += 2
    assert not budget.is_over()
    assert budget.is_over(0.3)
    budget.stop()
    budget.start(is_last=False)  # 4.8 of 8
    now[0] += 4.7
    assert not budget.is_over()
    now[0] += 0.3
    assert budget.is_over()
    budget.stop()
    budget.start(is_last=True)  # all of 3
    now[0] += 2.9
    assert not budget.is_over()
    now[0] += 60
    assert budget.is_over()
    budget.stop()
    budget.start(is_last=True)
    assert budget.is_over()


class Picky:
    """Raises on a single image, and is wrong about every batch."""

    def __call__(self, matches):
        if matches.ndim == 1:
            raise ValueError("not one alone")
        return np.zeros(matches.shape, np.int64)


def counterexample_of(subject, name, case, mode="call", dtypes=("float32",), seconds=10):
    operator = find(name)
    examiner = Examiner(operator, Subject(subject, name))
    dissent = examiner.examine(case, "a test", dtypes, (mode,))
    assert dissent is not None
    budget = Budget(seconds)
    budget.start(is_last=True)
    return Counterexample(examiner, case, dissent, dtypes, budget)


def test_it_stays_a_counterexample_of_the_same_kind():
    case = Case({}, {"matches": np.array([[0.0, -1, 3], [2, 2, 2]])})
    dissent = counterexample_of(Picky(), "NaiveSampler", case).shrink()
    assert dissent.kind == "diverges"
    assert dissent.case.inputs["matches"].shape == (1, 1)


def test_the_plain_mode_is_preferred():
    case = Case({}, {"matches": np.array([[0.0, -1], [2, 2]])})
    sampler = lambda matches: np.zeros(matches.shape)  # noqa: E731
    for mode in ("strided", "by image"):
        dissent = counterexample_of(sampler, "NaiveSampler", case, mode).shrink()
        assert dissent.mode == "call"

    def strided(matches):
        return np.where(matches >= 0, 1, -1 if matches.flags.c_contiguous else 0)

    dissent = counterexample_of(strided, "NaiveSampler", case, "strided").shrink()
    assert dissent.mode == "strided"
    assert dissent.case.inputs["matches"].tolist() == [0, -1]  # one number has no strides


def test_without_time_the_mode_stays():
    case = Case({}, {"matches": np.array([[0.0, -1], [2, 2]])})
    found = counterexample_of(
        lambda matches: np.zeros(matches.shape), "NaiveSampler", case, "strided", seconds=0
    )
    assert found.shrink().mode == "strided"


def test_a_target_that_keeps_something_is_given_all_that_came_before():
    class Keeps:
        seen = None

        def __call__(self, matches):
            first, self.seen = self.seen is None, matches.dtype
            return np.where(matches >= 0, 1 if first else 0, -1)

    class Builds:
        def __init__(self):
            self.kept = Keeps()

        def __call__(self, matches):
            return self.kept(matches)

    case = Case({}, {"matches": np.array([[0.0, -1], [2, 2]])})
    dtypes = ("float16", "float32", "float64")
    dissent = counterexample_of(Builds, "NaiveSampler", case, dtypes=dtypes).shrink()
    assert dissent.dtype == "float32"
    assert dissent.case.inputs["matches"].tolist() == [0]


def test_hypothesis_is_not_led_from_plain_boxes_to_others():
    case = Case(
        {}, {"x": np.array([[[0.0, 0, 2, 3], [5, 5, 6, 9]]] * 2), "img": np.zeros((2, 1, 3, 3))}
    )
    found = counterexample_of(lambda x, img: x + 1, "BBoxClipToImage", case)
    flat = Case({}, {"x": np.zeros((1, 4)), "img": np.zeros((1, 1, 1))})
    if not found._is_standard:
        assert not found.fails(flat)
    assert Plainness(find("BBoxClipToImage"), "float32").oddness(found.shrink().case) == PLAIN


def test_of_a_large_case_the_definition_is_asked_only_once(monkeypatch):
    asked = []
    operator = find("OHEMSampler")
    define = type(operator).define
    monkeypatch.setattr(
        type(operator), "define", lambda self, case: asked.append(case) or define(self, case)
    )
    rng = np.random.default_rng(0)
    ious, logits = rng.random((2, 300, 3)) / 4, rng.normal(size=(2, 300, 3))
    matches = np.full((2, 300), -1.0)
    matches[:, ::10] = 0
    case = Case({"ratio": 1.0}, {"matches": matches, "logits": logits, "ious": ious})
    found = counterexample_of(TakesTheWorst, "OHEMSampler", case)
    assert sum(c.inputs["ious"].size > 1000 for c in asked) == 1
    dissent = found.shrink()
    assert sum(c.inputs["ious"].size > 1000 for c in asked) == 1
    assert sum(x.size for x in dissent.case.inputs.values()) <= 15
