"""Cases of the samplers that fill quotas by lot (SPEC section 3).

What must hold whatever is drawn is checked on every case, and the distribution by laws.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from refkernels.arrays import Array
from refkernels.conformance.cases.chance import chi_square
from refkernels.conformance.cases.matched import axes, matches_and_ious, of_image, rows_of, samples
from refkernels.conformance.compare import Disagreement, compare_exact
from refkernels.conformance.spec import Case, Law, Operator, Reference, as_outputs
from refkernels.conformance.strategies import configurations, thresholds

if TYPE_CHECKING:
    from refkernels.conformance.target import Target

__all__ = ["OPERATORS", "custom_defaults"]


@st.composite
def _lottery(draw: DrawFn) -> Case:
    config: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {
                "num_sample": st.integers(1, 8) | st.sampled_from([10, 10, 30, 100]),
                "pos_thresh": thresholds(),
                "neg_thresh_high": thresholds(),
            },
            optional={
                "neg_thresh_low": st.sampled_from([-np.inf, 0.0, 0.1, -1.0]),
                "pos_ratio": st.sampled_from([0.5, 0.25, 0.1, 0.0, 1.0, 0.8, 0.9, 0.45]),
                "fill_negative": st.sampled_from([False, True, False]),
            },
        )
    )
    if draw(st.integers(0, 3)) == 3:
        most = 1 - config.get("pos_ratio", 0.5)
        config["neg_ratio"] = draw(st.sampled_from([most, 0.0, most / 2, None]))
    if draw(st.booleans()):  # no IoU is high enough for a positive and low enough for a negative
        names = ("neg_thresh_high", "pos_thresh")
        config.update(zip(names, sorted(config[name] for name in names), strict=True))
    which = draw(st.sampled_from(["pos_thresh", "neg_thresh_high"]))
    return Case(config, draw(matches_and_ious(config[which])))


@st.composite
def _sound_lottery(draw: DrawFn) -> Case:
    """Draw what detectors are given: one threshold, and matches of what reaches it."""
    threshold = 0.5 if draw(st.booleans()) else draw(thresholds())
    config: dict[str, Any] = {
        "num_sample": draw(st.integers(1, 8)),
        "pos_thresh": threshold,
        "neg_thresh_high": threshold,
        **draw(configurations(pos_ratio=st.sampled_from([0.5, 0.25]))),
    }
    if draw(st.integers(0, 3)) == 3:  # 1 - 0.8 and 1 - 0.9 are less than 0.2 and 0.1
        rounded = {"pos_ratio": draw(st.sampled_from([0.8, 0.9])), "fill_negative": False}
        config.update(num_sample=10, **rounded)
    return Case(config, draw(matches_and_ious(threshold, sound=True)))


@st.composite
def _custom_lottery(draw: DrawFn) -> Case:
    case = draw(_lottery() | _sound_lottery())
    config = dict(case.config)
    if draw(st.booleans()):
        del config["neg_thresh_high"]
    if draw(st.integers(0, 5)) == 5:  # what is the default all the same
        config["neg_ratio"] = None
    inputs = dict(case.inputs)
    if draw(st.integers(0, 3)) < 3:  # the dtype of the IoUs
        inputs["matches"] = inputs["matches"].astype(np.float64)
    return Case(config, inputs)


# The kernel draws on from call to call, as a block does.
LOTS = np.random.default_rng(0)


class Lottery(Operator):
    """QuotaSampler: quotas, subsets and what must stay are exact; the rest is drawn."""

    def refer(self, case: Case, *, ask_definition: bool | None = None) -> Reference:
        """Return the facts of the definition, and one draw of the kernel."""
        kernel = as_outputs(self.build(case)(*case.inputs.values(), rng=LOTS))
        if ask_definition is False:
            return Reference(None, kernel)
        return Reference(self.define(case), kernel)

    def judge(
        self, case: Case, reference: Reference, outputs: tuple[Array, ...]
    ) -> Disagreement | None:
        """Hold a draw to what must hold of every draw."""
        wrong = self.judge_form(case, reference, outputs)
        if wrong is not None:
            return wrong
        (samples,) = outputs
        facts = reference.exact if reference.exact is not None else self.define(case)
        candidates, max_pos, max_neg = (np.asarray(fact) for fact in facts)
        kept = np.where(samples == 0, 0, candidates)
        wrong = compare_exact("samples", samples, kept, None)
        if wrong is not None:
            return wrong
        rows = zip(
            rows_of(samples),
            rows_of(candidates),
            np.atleast_1d(max_pos),
            np.atleast_1d(max_neg),
            strict=True,
        )
        for image, (sample, candidate, *quotas) in enumerate(rows):
            for kind, quota in zip((1, -1), quotas, strict=True):
                want = min(int((candidate == kind).sum()), int(quota))
                found = int((sample == kind).sum())
                if found != want:
                    name = "positives" if kind == 1 else "negatives"
                    return Disagreement(
                        "samples",
                        f"image {image} keeps {found} {name}, expected {want} (quota {quota} of "
                        f"{int((candidate == kind).sum())})",
                    )
        return None


class CustomLottery(Lottery):
    """QuotaSampler as a custom operator of MXNet, which has defaults of its own."""

    @property
    def kernel(self) -> Any:
        """The NumPy operator's class."""
        from refkernels.sampler import QuotaSampler

        return QuotaSampler

    @property
    def definition(self) -> Callable[..., Any]:
        """The function that defines the operator."""
        from refkernels.definition.sampler import QuotaSampler

        return QuotaSampler

    def build(self, case: Case) -> Any:
        """Build the NumPy operator of a case."""
        return super().build(custom_defaults(case))

    def define(self, case: Case) -> tuple[Array, ...]:
        """Ask the definition for the candidates and quotas."""
        return super().define(custom_defaults(case))

    def prepare(
        self, target: Target, case: Case, mode: str, context: str
    ) -> Callable[..., tuple[Array, ...]]:
        """Return a function of the case's inputs that runs the target's custom operator."""
        from refkernels.conformance.mxnet_custom import custom_block

        block = custom_block(target.find(self.name), case.config)
        return target.adapter(self.name).prepare(block, mode, context)

    def paste(self, target: Target, case: Case, mode: str, context: str) -> str:
        """Return Python that runs a case on the target and on the kernel by itself."""
        kernel = custom_defaults(case).call("refkernels.QuotaSampler")
        return "\n".join(
            [
                "import numpy as np, refkernels",
                "from refkernels.conformance.adapters import GluonAdapter",
                "from refkernels.conformance.mxnet_custom import custom_block",
                target.imports([self.name]),
                case.assignments(),
                f"block = custom_block({self.name}, {dict(case.config)!r})",
                f"print(GluonAdapter().prepare(block, {mode!r}, {context!r})(matches, ious))",
                f"print({kernel}(matches, ious))  # the kernel",
            ]
        )


def custom_defaults(case: Case) -> Case:
    """Return a case of the custom operator with the defaults that differ from the block's."""
    return Case({"neg_thresh_high": 0.5, "neg_thresh_low": 0.0, **case.config}, case.inputs)


DRAWS = 20_000


def _law_case(images: int) -> Case:
    """Return many equal images: 6 positives for 3 places, 6 negatives for 3."""
    matches = np.tile(np.array([0, -1] * 6, np.float32), (images, 1))
    return Case(
        {"num_sample": 6, "pos_thresh": 0.7, "neg_thresh_high": 0.3},
        {"matches": matches, "ious": np.zeros((images, 12), np.float32)},
    )


def _subset_numbers(samples: Array, kind: int, size: int, quota: int) -> Array:
    """Return for each image the number of the subset that is kept, of all of that size."""
    where = slice(0, None, 2) if kind == 1 else slice(1, None, 2)
    numbers = {frozenset(s): i for i, s in enumerate(combinations(range(size), quota))}
    return np.array([numbers[frozenset(np.flatnonzero(row))] for row in samples[:, where] != 0])


def _subsets_are_uniform(run: Callable[[Case], tuple[Array, ...]]) -> str | None:
    (samples,) = run(_law_case(DRAWS))
    for kind, name in ((1, "positives"), (-1, "negatives")):
        numbers = _subset_numbers(samples, kind, 6, 3)
        wrong = chi_square(np.bincount(numbers, minlength=20), f"subsets of {name}")
        if wrong is not None:
            return wrong
    return None


def _images_are_independent(run: Callable[[Case], tuple[Array, ...]]) -> str | None:
    (samples,) = run(_law_case(2 * DRAWS))
    numbers = _subset_numbers(samples, 1, 6, 3) % 10
    pairs = numbers[0::2] * 10 + numbers[1::2]
    wrong = chi_square(np.bincount(pairs, minlength=100), "subsets of neighbouring images")
    if wrong is not None:
        return wrong
    pairs = numbers * 10 + _subset_numbers(samples, -1, 6, 3) % 10
    return chi_square(np.bincount(pairs, minlength=100), "positives against negatives")


def _calls_are_independent(run: Callable[[Case], tuple[Array, ...]]) -> str | None:
    case = _law_case(DRAWS)
    first, second = (_subset_numbers(run(case)[0], 1, 6, 3) % 10 for _ in range(2))
    return chi_square(np.bincount(first * 10 + second, minlength=100), "subsets of two calls")


def _images_draw_by_themselves(run: Callable[..., tuple[Array, ...]]) -> str | None:
    """Draw five images, and some of them in other batches, with one seed."""
    five = _law_case(5)
    five = Case(five.config, {**five.inputs, "ious": five.inputs["ious"][..., None]})
    matches = five.inputs["matches"].copy()
    matches[[0, 2]] = -1  # others than were there before

    def draw(images: Any, matches: Array = five.inputs["matches"]) -> Array:
        inputs = {"matches": matches[images], "ious": five.inputs["ious"][images]}
        return run(Case(five.config, inputs), seed=1)[0]

    drawn = draw(slice(None))
    for what, images, again in (
        ("a second call with the same seed", slice(None), draw(slice(None))),
        ("a batch of the first two images", [0, 1], draw(slice(0, 2))),
        ("a batch of the first alone", [0], draw(slice(0, 1))),
        ("no batch", 0, draw(0)),
        ("a batch of others beside it", [1, 3, 4], draw(slice(None), matches)[[1, 3, 4]]),
    ):
        wrong = np.flatnonzero((np.atleast_2d(drawn[images]) != again).any(-1))
        if len(wrong):
            image = int(np.atleast_1d(np.arange(5)[images])[wrong[0]])
            return f"image {image} draws something else in {what}"
    return None


LAWS = (
    Law("every subset of the quota's size is equally likely", _subsets_are_uniform),
    Law("images, and positives and negatives, are drawn independently", _images_are_independent),
    Law("every call draws anew", _calls_are_independent),
    Law("what an image draws depends on the seed and its place alone", _images_draw_by_themselves),
)


RPN = {"num_sample": 256, "pos_thresh": 0.7, "neg_thresh_high": 0.3}

OPERATORS = (
    Lottery(
        "QuotaSampler",
        "sampler",
        lambda: _lottery() | _sound_lottery(),
        samples,
        axes,
        of_image(RPN),
        random=True,
        laws=LAWS,
    ),
    CustomLottery(
        "QuotaSamplerProp",
        "sampler",
        _custom_lottery,
        samples,
        axes,
        of_image({"num_sample": 256, "pos_thresh": 0.7}),
        random=True,
        laws=LAWS,
    ),
)
