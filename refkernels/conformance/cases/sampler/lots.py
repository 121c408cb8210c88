"""Laws of the samplers that fill quotas by lot, from a dozen candidates to what detectors have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from math import comb
from typing import Any, NamedTuple

import numpy as np

from refkernels.arrays import Array
from refkernels.arrays.printing import times
from refkernels.conformance.cases.sampler.chance import (
    chi_square,
    even_subsets,
    independent_subsets,
)
from refkernels.conformance.model.operator import Case, Law
from refkernels.conformance.model.parameters import Parameters, Untried

__all__ = ["laws_of_lots"]

Run = Callable[..., tuple[Array, ...]]

DRAWS = 4000

# Of so few subsets each is counted.
FEW_SUBSETS = 70

# How many candidates of each kind, in how many images: blocks and sorts change their ways with the
# size, and a feature pyramid has 261,888 anchors.
SIZES = ((12, 1000), (80, 600), (1100, 300), (5000, 300), (20_000, 60), (140_000, 12))

# Detectors keep 256 of so many.
FULL = 1000

USUAL = {"num_sample": 6, "pos_thresh": 0.7, "neg_thresh_high": 0.3}


class _Lots(NamedTuple):
    """A configuration, an IoU that makes an anchor negative, and how many of each kind it keeps.

    Without an IoU the sampler is given candidates, and not matches with their IoUs.
    """

    config: dict[str, Any]
    iou: float | None
    positives: int
    negatives: int

    @property
    def quotas(self) -> tuple[int, int]:
        """How many positives and negatives are kept."""
        return self.positives, self.negatives

    def small(self, images: int, large: int) -> tuple[int, int, int]:
        """Return how many images, and twice as many candidates of each kind as are kept."""
        positives, negatives = (max(2 * quota, 4) for quota in self.quotas)
        return images if max(self.quotas) <= 4 else large, positives, negatives

    def case(self, images: int, positives: int, negatives: int) -> Case:
        """Return equal images with so many candidates, which alternate while there are both."""
        matches = np.full(positives + negatives, -1, np.float32)
        matches[: 2 * min(positives, negatives) : 2] = 0
        matches[2 * negatives :] = 0
        return self.of_matches(np.tile(matches, (images, 1)))

    def of_matches(self, matches: Array) -> Case:
        """Return a case of images whose anchors are matched, or may be negative."""
        if self.iou is None:
            return Case(self.config, {"candidates": np.where(matches < 0, -1, 1)})
        ious = np.full((*matches.shape, 1), self.iou, np.float32)
        return Case(self.config, {"matches": matches, "ious": ious})


def _lots(name: str, parameters: Parameters, usual: Mapping[str, Any] = USUAL) -> _Lots:
    """Return what a sampler is tried with; the definition says what is kept."""
    from refkernels.conformance.cases import find

    if name == "BalancedSampler":
        return _balanced_lots(parameters, usual)
    config = parameters.of_law(usual)
    low = max(config.get("neg_thresh_low", 0.0), 0.0)
    high = config.get("neg_thresh_high", 0.5)
    many = 2 * config["num_sample"]
    for iou in (0.0, low, (low + high) / 2):
        lots = _Lots(config, float(np.float32(iou)), 0, 0)
        candidates, positives, negatives = find(name).define(lots.case(1, many, many))
        if (candidates == -1).any():
            return lots._replace(positives=int(positives[0]), negatives=int(negatives[0]))
    raise Untried("with its thresholds no anchor is negative")


def _balanced_lots(parameters: Parameters, usual: Mapping[str, Any]) -> _Lots:
    from refkernels.conformance.cases import find

    config = parameters.of_law({"num_sample": usual["num_sample"]})
    many = 2 * config["num_sample"]
    lots = _Lots(config, None, 0, 0)
    _, positives, negatives = find("BalancedSampler").define(lots.case(1, many, many))
    return lots._replace(positives=int(positives[0]), negatives=int(negatives[0]))


class _Strange(ValueError):
    """What is drawn is none of what can be drawn."""


def _kept(run: Run, lots: _Lots, images: int, *sizes: int) -> dict[int, Array]:
    """Return which candidates of each kind are kept, (images, candidates).

    Raises
    ------
    _Strange
        If an image keeps more or fewer than its quota.
    """
    case = lots.case(images, *sizes)
    (samples,) = run(case)
    (signs, *_) = case.inputs.values()
    matched = signs[0] >= 0
    if samples.shape != signs.shape:
        raise _Strange(f"samples have shape {samples.shape}")
    kept = {1: samples[:, matched] == 1, -1: samples[:, ~matched] == -1}
    for (kind, own), quota in zip(kept.items(), lots.quotas, strict=True):
        found, of = own.sum(1), own.shape[1]
        wrong = np.flatnonzero(found != min(quota, of))
        if len(wrong):
            image, name = int(wrong[0]), NAMES[kind]
            raise _Strange(f"image {image} keeps {found[image]} of {of} {name}, expected {quota}")
    return kept


NAMES = {1: "positives", -1: "negatives"}


def _numbers(kept: Array) -> Array | None:
    """Return the number of each image's subset, where there are few subsets of its size."""
    count, quota = kept.shape[1], int(kept[0].sum())
    if not 0 < quota < count or comb(count, quota) > FEW_SUBSETS:
        return None
    numbers = {subset: i for i, subset in enumerate(combinations(range(count), quota))}
    return np.array([numbers[tuple(np.flatnonzero(row))] for row in kept])


def _cells(kept: Array) -> int:
    return comb(kept.shape[1], int(kept[0].sum()))


def _subsets_are_even(run: Run, lots: _Lots) -> str | None:
    for kind, own in _kept(run, lots, *lots.small(DRAWS, 1000)).items():
        numbers = _numbers(own)
        if numbers is None:
            wrong = even_subsets(own, NAMES[kind])
        else:
            counts = np.bincount(numbers, minlength=_cells(own))
            wrong = chi_square(counts, f"subsets of {NAMES[kind]}")
        if wrong is not None:
            return wrong
    return None


def _images_are_independent(run: Run, lots: _Lots) -> str | None:
    kept = _kept(run, lots, *lots.small(2 * DRAWS, 2000))
    for kind, own in kept.items():
        wrong = _independent(own[0::2], own[1::2], f"{NAMES[kind]} of neighbouring images")
        if wrong is not None:
            return wrong
    if kept[1].shape == kept[-1].shape:
        return _independent(kept[1], kept[-1], "positives against negatives")
    return None


def _calls_are_independent(run: Run, lots: _Lots) -> str | None:
    first, second = (_kept(run, lots, *lots.small(DRAWS, 1000)) for _ in range(2))
    for kind in (1, -1):
        wrong = _independent(first[kind], second[kind], f"{NAMES[kind]} of two calls")
        if wrong is not None:
            return wrong
    return None


def _independent(first: Array, second: Array, what: str) -> str | None:
    """Hold pairs of subsets to being independent; of few subsets, each pair is counted."""
    numbers = _numbers(first), _numbers(second)
    if numbers[0] is None or numbers[1] is None:
        return independent_subsets(first, second, what)
    cells = [_tens(_cells(kept)) for kept in (first, second)]
    pairs = numbers[0] % cells[0] * cells[1] + numbers[1] % cells[1]
    return chi_square(np.bincount(pairs, minlength=cells[0] * cells[1]), what)


def _tens(cells: int) -> int:
    """Return how many cells of equal size subsets are put into: at most about ten."""
    return max(size for size in range(1, 11) if cells % size == 0)


def _draws_again(run: Run, lots: _Lots) -> str | None:
    case = lots.case(5, 12, 12)
    first, second = (run(case, seed=1)[0] for _ in range(2))
    wrong = np.flatnonzero((first != second).any(-1))
    if not len(wrong):
        return None
    return f"image {wrong[0]} draws something else in a second call with the same seed"


def _images_draw_by_themselves(run: Run, lots: _Lots) -> str | None:
    """Draw five images, and some of them in other batches, with one seed."""
    (signs, *_) = lots.case(*lots.small(5, 5)).inputs.values()
    matches = np.where(signs < 0, -1, 0).astype(np.float32)
    others = matches.copy()
    others[[0, 2]] = -1  # than were there before

    def draw(images: Any, matches: Array = matches) -> Array:
        """Return the samples of these images alone, with one seed."""
        return run(lots.of_matches(matches[images]), seed=1)[0]

    drawn = draw(slice(None))
    for what, images, again in (
        ("a batch of the first two images", [0, 1], draw(slice(0, 2))),
        ("a batch of the first alone", [0], draw(slice(0, 1))),
        ("no batch", 0, draw(0)),
        ("a batch of others beside it", [1, 3, 4], draw(slice(None), others)[[1, 3, 4]]),
    ):
        wrong = np.flatnonzero((np.atleast_2d(drawn[images]) != again).any(-1))
        if len(wrong):
            image = int(np.atleast_1d(np.arange(5)[images])[wrong[0]])
            return f"image {image} draws something else in {what}"
    (equal,) = run(lots.case(*lots.small(40, 40)), seed=1)
    if max(lots.quotas) and (equal == equal[:1]).all():
        return "all of 40 equal images draw the same with a seed"
    return None


def laws_of_lots(name: str) -> tuple[Law, ...]:
    """Return the laws of a sampler with the parameters of QuotaSampler, or of BalancedSampler."""

    def law(said: str, check: Callable[[Run, _Lots], str | None], **options: bool) -> Law:
        """Return a law that a check decides; what cannot be drawn breaks it, too."""

        def holds(run: Run, parameters: Parameters) -> str | None:
            """Tell how the law is broken, if it is, also by what cannot be drawn."""
            try:
                return check(run, _lots(name, parameters))
            except _Strange as strange:
                return str(strange)

        return Law(said, holds, **options)

    def are_even_at_size(run: Run, parameters: Parameters) -> str | None:
        """Tell of the first number of candidates whose lots are not even."""
        try:
            for count, images in SIZES:
                usual = USUAL if count < FULL else {**USUAL, "num_sample": 256}
                lots = _lots(name, parameters, usual)
                sizes = [max(count, 2 * quota) for quota in lots.quotas]
                for kind, own in _kept(run, lots, images, *sizes).items():
                    wrong = even_subsets(
                        own, f"{NAMES[kind]} of {times(own.shape[1], 'candidate')}"
                    )
                    if wrong is not None:
                        return wrong
        except _Strange as strange:
            return str(strange)
        return None

    by_itself = "what an image draws depends on the seed and its place alone"
    apart = "images, and positives and negatives, are drawn independently"
    return (
        law("every subset of the quota's size is equally likely", _subsets_are_even),
        Law("lots are even however many candidates there are", are_even_at_size),
        law(apart, _images_are_independent),
        law("every call draws anew", _calls_are_independent),
        law("the same seed draws the same", _draws_again),
        law(by_itself, _images_draw_by_themselves, of_batches=True),
    )
