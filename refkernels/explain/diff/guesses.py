"""What else than its contract explains a stage: a parameter, a label off by one, half precision.

A guess is tried on the stage as a whole: it explains what was found only if nothing is left over.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.chain.roles import Place
from refkernels.coder import MultiClassEncoder
from refkernels.explain.diff.dump import Dump
from refkernels.explain.diff.relations import plain, unit_of
from refkernels.explain.diff.stages import Held, hold
from refkernels.matcher import (
    BipartiteMatcher,
    CompositeMatcher,
    MaximumMatcher,
    ThresholdMatcher,
)
from refkernels.matcher.threshold import LOW_QUALITY, WINNERS
from refkernels.sampler import OHEMSampler
from refkernels.sampler.inputs import row_maxima

__all__ = ["guess", "guess_between"]


def guess(dump: Dump, held: Held) -> str:
    """Say what explains a stage that has left its contract, or return ''.

    Parameters
    ----------
    dump : Dump
    held : Held
        What `hold` has found of a stage of it.
    """
    stage = held.stage
    with np.errstate(all="ignore"):  # what was found may be anything
        for words, other in (*GUESSES[stage.role](dump, held), *_half(dump, stage)):
            if hold(other, stage).keeps:
                return words
    return ""


Guess = tuple[str, Dump]


def _with(dump: Dump, role: str, operator: Any) -> Dump:
    return replace(dump, operators={**dump.operators, role: operator})


def _half(dump: Dump, stage: Place) -> Iterator[Guess]:
    """Guess that real numbers were computed in half precision and kept in a wider dtype."""
    found = dump.arrays[stage.name]
    if stage.role not in ("iou", "box_encoder") or found.dtype == np.float16:
        return
    narrow = found.astype(np.float16)
    if np.array_equal(narrow, found):
        arrays = {**dump.arrays, stage.name: narrow}
        yield "float16, half precision", replace(dump, arrays=arrays)


def _ious(dump: Dump, held: Held) -> Iterator[Guess]:
    own = dump.operators["iou"]
    for offset in (0, 1):
        if offset != own.offset:
            words = f"offset {offset} of {type(own).__name__} in place of {own.offset:g}"
            pixels = " (sides counted as one pixel more)" if offset else ""
            yield words + pixels, _with(dump, "iou", replace(own, offset=offset))
    fmt = "center" if own.fmt == "corner" else "corner"
    yield f"boxes taken in {fmt} form", _with(dump, "iou", replace(own, fmt=fmt))


def _matches(dump: Dump, held: Held) -> Iterator[Guess]:
    own = dump.operators["matcher"]
    matchers = list(own.matchers) if isinstance(own, CompositeMatcher) else [own]

    def put(place: int, matcher: Any) -> Dump:
        """Return the dump with another matcher at a place."""
        changed = [*matchers[:place], matcher, *matchers[place + 1 :]]
        whole = CompositeMatcher(changed) if isinstance(own, CompositeMatcher) else matcher
        return _with(dump, "matcher", whole)

    for place, matcher in enumerate(matchers):
        if isinstance(matcher, MaximumMatcher):
            for threshold, between in _thresholds(dump, held, matcher):
                yield (
                    f"threshold {threshold:g} of MaximumMatcher in place of {matcher.threshold:g} "
                    f"(any {between})",
                    put(place, replace(matcher, threshold=threshold)),
                )
        elif isinstance(matcher, BipartiteMatcher):
            share = not matcher.share_max
            yield (
                f"share_max={share} of BipartiteMatcher in place of {not share}",
                put(place, replace(matcher, share_max=share)),
            )
        elif isinstance(matcher, ThresholdMatcher):
            for words, other in _two_thresholds(dump, held, matcher):
                yield words, put(place, other)
    if len(matchers) > 1:
        for place, matcher in enumerate(matchers):
            rest = CompositeMatcher([*matchers[:place], *matchers[place + 1 :]])
            yield f"{type(matcher).__name__} left out", _with(dump, "matcher", rest)


def _two_thresholds(dump: Dump, held: Held, own: Any) -> Iterator[tuple[str, Any]]:
    """Yield matchers with one parameter changed, and what is to be said of them."""

    def said(name: str, value: Any, between: str = "") -> str:
        """Return what explains a stage, if this parameter does."""
        more = f" (any {between})" if between else ""
        return f"{name} {value} of ThresholdMatcher in place of {getattr(own, name)}{more}"

    for high, between in _thresholds(dump, held, own):
        low = high if own.low == own.high else own.low
        low = low if low is None else min(low, high)
        yield said("high", high, between), replace(own, high=high, low=low)
    for low, between in _low_thresholds(dump, held):
        if low <= own.high:
            yield said("low", low, between), replace(own, low=low)
    for name, values in (
        ("low_quality", (None, *LOW_QUALITY)), ("ties", (True, False)), ("winner", WINNERS)
    ):  # fmt: skip
        for value in values:
            if value != getattr(own, name):
                yield said(name, value), replace(own, **{name: value})


def _low_thresholds(dump: Dump, held: Held) -> Iterator[tuple[float, str]]:
    """Yield a threshold below which the anchors that differ are background, or are not."""
    found, expected = dump.arrays["matches"], held.expected["matches"]
    maxima = np.stack([row_maxima(ious) for ious in dump.arrays["ious"]])
    below, neither = maxima[found == -1], maxima[found == -2]
    if (((found == -1) & (expected == -2)) | ((found == -2) & (expected == -1))).any():
        low, high = float(below.max(initial=0.0)), float(neither.min(initial=1.0))
        if low < high:
            yield _shortest(low, high), f"above {low:.6g} up to {high:.6g}"


def _thresholds(dump: Dump, held: Held, matcher: Any) -> Iterator[tuple[float, str]]:
    """Yield a threshold that drops, or takes, the anchors that differ, and what else would."""
    found, expected = dump.arrays["matches"], held.expected["matches"]
    maxima = np.stack([row_maxima(ious) for ious in dump.arrays["ious"]])
    dropped, taken = (found < 0) & (expected >= 0), (found >= 0) & (expected < 0)
    if dropped.any() and not taken.any():
        low = float(maxima[dropped].max())
        kept = maxima[(found >= 0) & (maxima > low)]
        high = float(kept.min(initial=1.0))
        yield _shortest(low, high), f"above {low:.6g} up to {high:.6g}"
    elif taken.any() and not dropped.any():
        high = float(maxima[taken].min())
        left = maxima[(found < 0) & (maxima < high)]
        low = float(left.max(initial=0.0))
        yield _shortest(low, high), f"above {low:.6g} up to {high:.6g}"


def _shortest(low: float, high: float) -> float:
    """Return the number of fewest digits that is above `low` and at most `high`."""
    for digits in range(1, 17):
        step = 10.0**-digits
        short = round(np.floor(high / step) * step, digits)
        if low < short <= high:
            return float(short)
    return high


def _samples(dump: Dump, held: Held) -> Iterator[Guess]:
    own = dump.operators["sampler"]
    found = dump.arrays["samples"]
    if isinstance(own, OHEMSampler):
        positives, negatives = int((found == 1).sum()), int((found == -1).sum())
        if positives:
            ratio = plain(negatives / positives, 0.5 / positives)
            yield (
                f"ratio {ratio:g} of OHEMSampler in place of {own.ratio:g}",
                _with(dump, "sampler", replace(own, ratio=ratio)),
            )


def _classes(dump: Dump, held: Held) -> Iterator[Guess]:
    own, name = dump.operators["class_encoder"], "cls_targets"
    if not isinstance(own, MultiClassEncoder):
        return
    found, expected = dump.arrays[name], held.expected[name]
    steps = np.unique((found.astype(np.float64) - expected)[found != expected])
    if len(steps) == 1 and np.isfinite(steps[0]):
        positive = dump.arrays["samples"] > 0.5
        # On all positives, or on every anchor: what is ignored or background then is moved, too.
        for rows, which in ((positive, "of positives "), (np.ones_like(positive), "")):
            back = np.where(rows, found - steps[0], found).astype(found.dtype)
            how = f"larger by {steps[0]:g}" if steps[0] > 0 else f"smaller by {-steps[0]:g}"
            arrays = {**dump.arrays, name: back}
            yield f"labels {which}that are {how}", replace(dump, arrays=arrays)


def _boxes(dump: Dump, held: Held) -> Iterator[Guess]:
    own, name = dump.operators["box_encoder"], "box_targets"
    found, expected = dump.arrays[name], held.expected.get(name)
    if expected is None or expected.shape != found.shape or not hasattr(own, "stds"):
        return
    positive = (expected != 0).any(axis=-1)
    real, must = found[positive].astype(np.float64), expected[positive].astype(np.float64)
    if not len(real) or not np.isfinite(real).all():
        return
    unit = float(np.finfo(found.dtype).eps)
    stds, means = [], []
    for k in range(4):
        row = int(np.argmax(np.abs(must[:, k])))
        std = float(own.stds[k] * must[row, k] / real[row, k])
        # Targets themselves err by more than a rounding: what is near a short number is that.
        stds.append(plain(std, 64 * unit * abs(std)) if np.isfinite(std) and std > 0 else 0.0)
        difference = float(np.median((must[:, k] - real[:, k]) * own.stds[k]))
        means.append(plain(own.means[k] + difference, 64 * unit))
    kind = type(own).__name__
    if all(stds):
        yield (
            _parameter(kind, "stds", own.stds, stds),
            _with(dump, "box_encoder", replace(own, stds=tuple(stds))),
        )
    yield (
        _parameter(kind, "means", own.means, means),
        _with(dump, "box_encoder", replace(own, means=tuple(means))),
    )


def _parameter(kind: str, name: str, before: Any, found: Any) -> str:
    shown = (", ".join(f"{value:g}" for value in own) for own in (found, before))
    return f"{name} ({next(shown)}) of {kind} in place of ({next(shown)})"


GUESSES: dict[str, Callable[[Dump, Held], Iterator[Guess]]] = {
    "iou": _ious,
    "matcher": _matches,
    "sampler": _samples,
    "class_encoder": _classes,
    "box_encoder": _boxes,
}


def guess_between(name: str, one: Array, other: Array, same: Array) -> str:
    """Say what explains how results of two sides differ that are held to nothing, or return ''.

    Parameters
    ----------
    name : str
        Of the stage.
    one, other : numpy.ndarray, (B, N, ...)
        Its results in A and B.
    same : numpy.ndarray, bool, (B, N)
        The anchors that have the same match and sample on both sides.
    """
    first, second = one[same].astype(np.float64), other[same].astype(np.float64)
    if not np.isfinite(first).all() or not np.isfinite(second).all():
        return ""
    if name == "cls_targets":
        steps = np.unique((second - first)[first != second])
        return f"labels that are larger by {steps[0]:g} in B" if len(steps) == 1 else ""
    if name == "box_targets" and one.shape == other.shape and one.ndim == 3:
        unit = unit_of(one, other)
        factors = [_factor(first[:, k], second[:, k], unit) for k in range(4)]
        if all(factors) and set(factors) != {1.0}:
            shown = ", ".join(f"{value:g}" for value in factors)
            return f"other stds: B's targets are A's times ({shown})"
    return ""


def _factor(one: Array, other: Array, unit: float) -> float:
    """Return what numbers are multiplied by to be the others, or 0."""
    real = one != 0
    if not real.any() or not np.array_equal(real, other != 0):
        return 0.0
    ratios = other[real] / one[real]
    factor = float(np.median(ratios))
    # Large targets have the digits; near 0 they are differences of numbers that are not.
    error = 64 * unit * np.maximum(1, np.abs(other[real]).max() / np.abs(other[real]))
    near = np.abs(ratios / factor - 1) <= error
    return plain(factor, 64 * unit * abs(factor)) if near.all() else 0.0
