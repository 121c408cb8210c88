"""Calls of the samplers (SPEC sections 3 and 6)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.compare import Disagreement
from refkernels.conformance.model.operator import Case
from tests.fuzz.calls import misfit
from tests.fuzz.dice import Dice
from tests.fuzz.draw import cast, largest, matrix, real_dtype, threshold, whole_dtype
from tests.fuzz.given import REFUSED, Call, Given
from tests.fuzz.parameters import Parameter, choice, flag, integer, optional, real
from tests.fuzz.subject import Batch, Form, Input, Subject

__all__ = ["SUBJECTS", "lottery"]


def _matches(dice: Dice, shape: tuple[int, ...]) -> Array:
    """Draw matches; what is negative is none, and of the others it does not matter which."""
    share = dice.choose((0.0, 0.2, 0.5, 1.0))
    numbers = dice.choose(((0, -1), (3, -1), (100, -7), (2**62, -(2**62))))
    drawn = np.where(dice.rng.random(shape) < share, *numbers)
    return cast(drawn.astype(np.float64), whole_dtype(dice))


def _anchors(dice: Dice) -> tuple[int, ...]:
    images = dice.images()
    return (() if images is None else (images,)) + (dice.count(most=300),)


def _ious(dice: Dice, shape: tuple[int, ...], bar: float) -> Array:
    drawn = matrix(dice, (*shape, dice.count(most=6)), bar)
    if dice.chance(0.3):
        drawn = drawn.max(-1, initial=0.0)
    return cast(drawn, real_dtype(dice))


def _naive(dice: Dice) -> Case:
    shape = tuple(dice.count() for _ in range(dice.choose((0, 1, 1, 2, 2, 3))))
    matches = _matches(dice, shape)
    if matches.dtype.kind != "u" and dice.chance(0.5):  # some are neither
        matches = np.where(dice.rng.random(shape) < 0.3, matches.dtype.type(-2), matches)
    return Case({}, {"matches": matches})


def _mining(dice: Dice) -> Case:
    ratios = (3.0, 1.0, 0.5, 1.5, 0.0, 1e-308, 0.29, 1e308)
    config: dict[str, Any] = {"ratio": dice.choose(ratios)}
    if dice.chance(0.4):
        config["min_samples"] = dice.choose((0, 1, 2, 5, 100, 2**31 - 1))
    if dice.chance(0.6):
        config["thresh"] = threshold(dice)
    shape = _anchors(dice)
    classes = dice.choose((1, 1, 2, 3, 20))
    rng = dice.rng
    logits = rng.normal(0, dice.choose((1.0, 1.0, 30.0, 0.0, 1e-3)), (*shape, classes + 1))
    if dice.chance(0.4):
        logits = np.round(logits)
    logits[..., 0] += dice.choose((0, 0, 0, 300, -300))
    if logits.size and len(shape) > 1 and dice.chance(0.2):
        logits[dice.whole(0, len(logits) - 1)] *= dice.choose((1e30, 1e300, 1e-40, 1e5))
    return Case(
        config,
        {
            "matches": _matches(dice, shape),
            "logits": cast(logits, real_dtype(dice)),
            "ious": _ious(dice, shape, config.get("thresh", 0.5)),
        },
    )


def lottery(dice: Dice) -> dict[str, Any]:
    """Draw the parameters of a `QuotaSampler`."""
    config: dict[str, Any] = {
        "num_sample": dice.choose((1, 2, 3, 4, 8, 10, 30, 256, 2**31 - 1)),
        "pos_thresh": threshold(dice),
        "neg_thresh_high": threshold(dice),
    }
    if dice.chance(0.3):
        config["neg_thresh_low"] = dice.choose((-np.inf, 0.0, 0.1, -1.0, -1e308, 1 - 1e-9))
    if dice.chance(0.6):
        config["pos_ratio"] = dice.choose((0.5, 0.25, 0.1, 0.0, 1.0, 0.8, 0.9, 0.45, 0.29, 1 / 3))
    if dice.chance(0.3):
        most = 1 - config.get("pos_ratio", 0.5)
        config["neg_ratio"] = dice.choose((most, 0.0, most / 2, None))
    if dice.chance(0.5):
        config["fill_negative"] = dice.chance(0.5)
    return config


def _lottery(dice: Dice) -> Case:
    config, shape = lottery(dice), _anchors(dice)
    return Case(
        config,
        {"matches": _matches(dice, shape), "ious": _ious(dice, shape, config["pos_thresh"])},
    )


def _balance(dice: Dice) -> Case:
    config: dict[str, Any] = {"num_sample": dice.choose((1, 2, 3, 4, 8, 10, 30, 256, 2**31 - 1))}
    if dice.chance(0.7):
        ratios = (0.5, 0.25, 0.29, 0.57, 0.1, 0.0, 1.0, 0.9, 0.45, 1 / 3, 1e-308)
        config["pos_ratio"] = dice.choose(ratios)
    lead = dice.choose(((), (), (dice.count(),), (2,), (3,), (2, 2), (2, 1, 2)))
    shares = dice.choose(((0.5, 0.5), (0.1, 0.8), (0.0, 0.9), (0.9, 0.0), (0.3, 0.3), (0.0, 0.0)))
    p = [*shares, max(1 - sum(shares), 0.0)]
    signs = dice.rng.choice([1.0, -1.0, 0.0], (*lead, dice.count(most=300)), p=p)
    return Case(config, {"candidates": cast(signs, whole_dtype(dice))})


def _no_sign(dice: Dice, call: Call) -> Call | None:
    """Put a candidate that is neither positive, negative nor ignored."""
    signs = call.case.inputs["candidates"].astype(dice.choose(("i1", "i8", "f4", "f2")))
    if not signs.size:
        return None
    place = tuple(dice.whole(0, length - 1) for length in signs.shape)
    signs[place] = dice.choose((2, -2, 127, -128))
    inputs, name = {"candidates": Given(signs)}, "candidates"
    wrong = replace(call, inputs=inputs, expect=REFUSED, wrong="a candidate of no sign")
    return replace(wrong, blamed=(name,), spoilt=(name,), says=f"{name}{list(place)} is ")


def _parts(dice: Dice) -> dict[str, Any]:
    parts = dice.choose((1, 1, 2, 3, 5, 40))
    return {"num_parts": parts, "part_index": dice.whole(0, parts - 1)} if parts > 1 else {}


def _split(dice: Dice) -> Case:
    config: dict[str, Any] = {"length": dice.whole(0, 30), **_parts(dice)}
    if dice.chance(0.1):  # a data set of any size, in parts of a few examples
        parts = 2**31 - 1
        config = {
            "length": 3 * parts + 1,
            "num_parts": parts,
            "part_index": dice.choose((0, parts - 1)),
        }
    if dice.chance(0.5):
        config["remainder"] = dice.choose(("drop", "spread"))
    if dice.chance(0.5):
        config["seed"] = dice.choose((0, 5, 2**63, 2**64, 2**200))
    return Case(config, {})


def _buckets(dice: Dice) -> Case:
    keys: list[Any] = dice.rng.integers(0, dice.choose((1, 3, 10)), dice.whole(1, 40)).tolist()
    kind = dice.choose(("whole", "real", "pairs", "text", "wide"))
    if kind == "real":
        keys = [key / 8 - 0.5 for key in keys]
    elif kind == "pairs":
        keys = [(key % 3, key) for key in keys]
    elif kind == "text":
        keys = [chr(97 + key) for key in keys]
    elif kind == "wide":
        keys = [key * 10**400 if key % 2 else key * 1e300 for key in keys]
    config: dict[str, Any] = {"sort_keys": keys, "batch_size": dice.choose((1, 2, 3, 4, 6, 100))}
    if dice.chance(0.2):
        config["batch_size"] = 2**31 - 1
    if dice.chance(0.8):
        config["mult"] = dice.choose((1, 2, 1.5, 2.75, 32, 1e308, 1.0))
    config |= _parts(dice)
    if dice.chance(0.6):
        config["shuffle"] = dice.chance(0.6)
    if dice.chance(0.5):
        config["seed"] = dice.choose((0, 5, 2**64, 2**200))
    return Case(config, {})


def _batch(case: Case) -> Batch | None:
    matches = case.inputs["matches"]
    if matches.ndim < 2:
        return None
    return Batch(len(matches), dict.fromkeys(case.inputs, (0, False)))


def _batch_of_naive(case: Case) -> Batch | None:
    matches = case.inputs["matches"]
    return Batch(len(matches), {"matches": (0, False)}) if matches.ndim else None


def _form(case: Case) -> Form:
    return ((np.dtype(np.int64), case.inputs["matches"].shape),)


@dataclass(frozen=True)
class Balance(Subject):
    """A sampler of images along any number of axes."""

    def dissent(self, case: Case, outputs: tuple[Array, ...]) -> Disagreement | None:
        """Hold samples to the definition, as a batch of images along one axis."""
        shape = case.inputs["candidates"].shape
        images = (-1 if shape[-1] else int(np.prod(shape[:-1])), shape[-1])
        if len(shape) > 2:
            flat = {"candidates": case.inputs["candidates"].reshape(images)}
            case, outputs = Case(case.config, flat), (outputs[0].reshape(images),)
        return super().dissent(case, outputs)


def _form_of_balance(case: Case) -> Form:
    return ((np.dtype(np.int64), case.inputs["candidates"].shape),)


def _batch_of_balance(case: Case) -> Batch | None:
    candidates = case.inputs["candidates"]
    return Batch(len(candidates), {"candidates": (0, False)}) if candidates.ndim > 1 else None


def _mining_within(case: Case) -> bool:
    """Whether scores have digits enough to be compared."""
    return largest(case.inputs["logits"]) <= 1e5 and case.config["ratio"] < 1e9


def _ratios(dice: Dice, call: Call) -> Call | None:
    """Let the shares of positives and negatives sum to more than 1."""
    names = ("pos_ratio", "neg_ratio")
    return misfit(call, "ratios over 1", names, pos_ratio=0.5, neg_ratio=0.5 + 1e-8)


def _key_kinds() -> Parameter:
    def disguise(dice: Dice, value: Any) -> Given:
        text = Given(value).text()
        forms = ["tuple({})", "list({})"]
        if isinstance(value[0], float):
            forms.append("np.array({})")
        return Given(python=dice.choose(forms).format(text))

    wrong = ("[]", "None", "'abc'", "b'abc'", "1", "[1, 'a']", "[1j, 2j]", "[None, None]")
    wrong += ("[np.nan]", "[0.5, np.inf]", "np.array([np.nan, 1])", "[{1}, {2}, object()]")
    wrong += ("np.float64(1)", "np.array(1.0)", "[1, None]", "[np.zeros(2), np.ones(2)]")
    wrong += ("[np.float32('nan')]", "object()", "[(1, 'a'), (1, 2)]")
    return Parameter(disguise, lambda dice: dice.choose(wrong))


SHAPED = Input("whole", (1, 2))
PARTS = {"num_parts": integer(1), "part_index": integer(0)}


@dataclass(frozen=True)
class Examples(Subject):
    """A sampler of examples: what is called are its length and two epochs."""

    def __post_init__(self) -> None:
        written = (
            f"sampler = refkernels.{self.name}({{config}})\nprint(len(sampler), list(sampler))"
        )
        object.__setattr__(self, "written", written)

    def build(self, config: Mapping[str, Any]) -> Callable[..., Any]:
        """Build the sampler, and a function that iterates over it."""
        sampler = super().build(config)
        seeded = config.get("seed") is not None or self.name != "SplitSampler"

        def iterate() -> tuple[Array, ...]:
            sampler.set_epoch(0)
            epochs = [list(sampler) for _ in range(2)]
            if not seeded:  # the order is drawn
                epochs = [sorted(epoch) for epoch in epochs]
            sizes = [len(epoch) for epoch in epochs]
            flat = [np.ravel(batch).tolist() for epoch in epochs for batch in epoch]
            return np.array([len(sampler), *sizes]), np.array([str(flat)])

        return iterate

    def dissent(self, case: Case, outputs: tuple[Array, ...]) -> Disagreement | None:
        """Hold epochs to the definition."""
        return self.operator.judge_kernel(case, self.operator.refer(case))


def _is_countable(case: Case) -> bool:
    """Whether the definition, which makes lists of all there is, can be asked."""
    numbers = [case.config.get(name, 1) for name in ("length", "num_parts", "batch_size", "mult")]
    return max(numbers) < 1e4


SUBJECTS = (
    Subject(
        "NaiveSampler",
        _naive,
        {},
        {"matches": Input("whole")},
        _form,
        _batch_of_naive,
        letters=lambda case: {},
    ),
    Subject(
        "OHEMSampler",
        _mining,
        {"ratio": real(low=0), "min_samples": integer(0), "thresh": real(0, 1)},
        {"matches": SHAPED, "logits": Input(ranks=(2, 3)), "ious": Input(ranks=(1, 2, 3))},
        _form,
        _batch,
        _mining_within,
    ),
    Subject(
        "QuotaSampler",
        _lottery,
        {
            "num_sample": integer(1, 2**31 - 1),
            "pos_thresh": real(0, 1),
            "neg_thresh_high": real(0, 1),
            "neg_thresh_low": real(high=1, allow=("-np.inf",)),
            "pos_ratio": real(0, 1),
            "neg_ratio": optional(real(0, 1)),
            "fill_negative": flag(),
        },
        {"matches": SHAPED, "ious": Input(ranks=(1, 2, 3))},
        _form,
        _batch,
        spoil=_ratios,
        random=True,
    ),
    Balance(
        "BalancedSampler",
        _balance,
        {"num_sample": integer(1, 2**31 - 1), "pos_ratio": real(0, 1)},
        {"candidates": Input("whole", tuple(range(1, 9)))},
        _form_of_balance,
        _batch_of_balance,
        letters=lambda case: {},
        spoil=_no_sign,
        random=True,
    ),
    Examples(
        "SplitSampler",
        _split,
        {"length": integer(0), **PARTS, "remainder": choice(), "seed": optional(integer(0))},
        {},
        lambda case: (),
        comparable=_is_countable,
    ),
    Examples(
        "SplitSortedBucketSampler",
        _buckets,
        {
            "sort_keys": _key_kinds(),
            "batch_size": integer(1),
            "mult": real(low=1),
            **PARTS,
            "shuffle": flag(),
            "seed": integer(0),
        },
        {},
        lambda case: (),
        comparable=_is_countable,
    ),
)
