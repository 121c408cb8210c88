"""Corner cases of the samplers (SPEC sections 3 and 6)."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.operator import Case

__all__ = ["AIMED", "CORNERS", "around", "at_thresholds"]

# MXNet reads the decimals of the first two back as the number above, of the third as that below.
LONG = (0.9236611301180065, 0.19851342563458674, 0.49485131854795117)

# Above the middle of two float16, but not of their float32.
HALFWAY = 0.5 + 2**-12 + 2**-30


def _mining(config: dict[str, Any], scores: Array, ious: Array) -> Case:
    """Return unmatched anchors of the given scores against a background of 0."""
    logits = np.stack([np.zeros_like(scores), scores], -1)
    matches = np.full(scores.shape, -1)
    return Case({"ratio": 1.0, **config}, {"matches": matches, "logits": logits, "ious": ious})


def _mined() -> Iterator[Case]:
    # One of equals is taken beside a higher one, then two beside two, in a row and a longer one.
    yield _mining({"min_samples": 2}, np.array([3.0, 5, 3, 3]), np.zeros(4))
    scores = np.tile([1.0, 3, 2, 3, 2, 0], (2, 5))
    scores[:, 12:] = np.minimum(scores[:, 12:], 2)
    yield _mining({"min_samples": 6}, scores, np.zeros((2, 30)))
    # The background's probability vanishes in every dtype, which its logarithm tells apart still.
    yield _mining({"min_samples": 1}, np.array([800.0, 900, 850]), np.zeros(3))
    # What is eligible has the lowest of all scores.
    for lowest in (np.array(-60000.0), np.array(-3e38, np.float32)):
        ious = np.array([0.9, 0.1, 0.9, 0.2]).astype(lowest.dtype)
        yield _mining({"min_samples": 1}, np.full(4, lowest), ious)
    # More positives than float16 counts; each allows one negative.
    positives, others = 2049, 2060
    matches = np.repeat([0, -1], [positives, others])
    logits, ious = np.zeros((len(matches), 2)), np.zeros(len(matches))
    yield Case({"ratio": 1.0}, {"matches": matches, "logits": logits, "ious": ious})
    for threshold, ious in at_thresholds():
        yield _mining({"min_samples": 3, "thresh": threshold}, np.zeros(3, ious.dtype), ious)
        # The one negative is the hardest that is eligible, of these or of those far below.
        scores = np.array([[1, 3, 4, 2, 0]], ious.dtype)
        ious = np.pad(ious, 1)[None]
        yield _mining({"min_samples": 1, "thresh": threshold}, scores, ious)


def at_thresholds() -> Iterator[tuple[float, Array]]:
    """Yield thresholds that are hard to read, with scores just below, at and just above."""
    for dtype, thresholds in ((np.float64, LONG), (np.float16, (HALFWAY,))):
        for threshold in thresholds:
            yield threshold, around(threshold, dtype)


def around(threshold: float, dtype: Any) -> Array:
    """Return the numbers next below a threshold, at it and next above, as a dtype has them."""
    with np.errstate(all="ignore"):  # beyond float16 it is infinity
        at = dtype(threshold)
        return np.array([np.nextafter(at, dtype(-np.inf)), at, np.nextafter(at, dtype(np.inf))])


def _around_each(*thresholds: float) -> Iterator[Array]:
    """Yield IoUs around each of the thresholds that is one of an IoU, in each dtype."""
    for threshold in thresholds:
        for dtype in (np.float16, np.float32, np.float64):
            if 0 < threshold < 1:
                yield around(threshold, dtype)


def _aimed_mining(config: Mapping[str, Any]) -> Iterator[Case]:
    """Yield IoUs around the threshold, and positives whose number times the ratio is no integer."""
    for ious in _around_each(config.get("thresh", 0.5)):
        # Beside a positive, so that the quota is not 0; each but the first is asked for alone.
        scores = np.array([0, 3, 2, 1], ious.dtype)
        for order in (scores, scores[[0, 3, 2, 1]]):
            logits = np.stack([np.zeros_like(order), order], -1)
            matches = np.array([0, -1, -1, -1])
            around_it = np.concatenate([ious[2:], ious])
            yield Case({}, {"matches": matches, "logits": logits, "ious": around_it})
    least, ratio = config.get("min_samples", 0), config["ratio"]
    rng = np.random.default_rng(0)
    # What is next to a whole number, but for rounding, is none.
    near = [n for n in range(1, 300) if 0 < abs(ratio * n - round(ratio * n)) < 1e-6]
    for positives in (0, 1, 2, 3, 5, 7, *near[:4]):
        wanted = int(max(least, ratio * positives))
        for others in {min(count, 5000) for count in (wanted + 3, max(wanted - 1, 1))}:
            matches = np.repeat([0, -1], [positives, others])
            logits = np.round(rng.normal(0, 3, (len(matches), 3)) * 8) / 8
            inputs = {"matches": matches, "logits": logits, "ious": np.zeros(len(matches))}
            yield Case({}, inputs)
    # Of many, about half are taken, and their scores are closer than float16 tells apart.
    positives = max(1, int(9000 / (1 + 2 * ratio)))
    matches = np.repeat([0, -1], [positives, 9001])
    logits = rng.normal(0, 3, (len(matches), 3))
    yield Case({}, {"matches": matches, "logits": logits, "ious": np.zeros(len(matches))})


def _aimed_lots(config: Mapping[str, Any]) -> Iterator[Case]:
    """Yield IoUs around the thresholds, and more candidates than any quota."""
    high, low = config.get("neg_thresh_high", 0.5), config.get("neg_thresh_low", 0.0)
    for ious in _around_each(config["pos_thresh"], high, low):
        matches = np.full((1, 3), -1, ious.dtype)
        yield Case({}, {"matches": matches, "ious": ious.reshape(1, 3, 1)})
    count = config["num_sample"]
    eligible = max(low, 0.0) if max(low, 0.0) < high else 0.0
    for positives, others in {(0, 2 * count), (1, 2 * count), (2 * count, 0), (2 * count,) * 2}:
        matches = np.repeat([0.0, -1.0], [min(positives, 9000), min(others, 9000)])
        yield Case({}, {"matches": matches, "ious": np.full((len(matches), 1), eligible)})


def _quotas() -> Iterator[Case]:
    """Yield IoUs on both sides of one threshold for positives and negatives."""
    for threshold, ious in at_thresholds():
        config = {"num_sample": 6, "pos_thresh": threshold, "neg_thresh_high": threshold}
        matches = np.full((1, 3), -1, ious.dtype)
        yield Case(config, {"matches": matches, "ious": ious.reshape(1, 3, 1)})


def _defaults() -> Iterator[Case]:
    """Yield IoUs on both sides of the thresholds that the custom operator has by default."""
    yield from _quotas()
    ious = np.array([0.0, 0.2, 0.4, 0.45, 0.55, 0.6])
    yield Case({"num_sample": 20, "pos_thresh": 0.7}, {"matches": np.full(6, -1.0), "ious": ious})


def _balanced() -> Iterator[Case]:
    """Yield quotas that rounding makes smaller, empty ones, and candidates of a single kind."""
    many = np.tile([1, -1, 0], 120)
    for ratio in (0.29, 0.57, 0.28, 1 / 3, 0.0, 1.0):
        yield Case({"num_sample": 100, "pos_ratio": ratio}, {"candidates": many})
    # A product that misses a whole number by more than counts.
    yield Case({"num_sample": 10, "pos_ratio": 0.3 - 1e-6}, {"candidates": many})
    for kinds in ([1], [-1], [0], [1, 0], [-1, 0]):
        yield Case({"num_sample": 7}, {"candidates": np.resize(kinds, 30)})
    for shape in ((0,), (2, 0), (0, 3)):
        signs = np.resize([1, 1, -1, 0, -1], shape)
        yield Case({"num_sample": 2}, {"candidates": signs})
    # Each image has its own quota.
    rows = [[1, 1, 1, 1, 1, 1], [1, -1, -1, -1, -1, -1], [-1] * 6, [1, 1, 1, -1, 0, 0]]
    yield Case({"num_sample": 4}, {"candidates": np.array(rows)})


def _aimed_balance(config: Mapping[str, Any]) -> Iterator[Case]:
    """Yield more candidates of each kind than are kept, and fewer."""
    count = min(config["num_sample"], 4500)
    for positives, negatives in {(0, 2 * count), (1, 2 * count), (2 * count, 0), (2 * count,) * 2}:
        yield Case({}, {"candidates": np.repeat([1, -1, 0], [positives, negatives, 5])})


CORNERS = {
    "OHEMSampler": _mined,
    "QuotaSampler": _quotas,
    "QuotaSamplerProp": _defaults,
    "BalancedSampler": _balanced,
}

# What is there for a fixed configuration.
AIMED = {
    "BalancedSampler": _aimed_balance,
    "OHEMSampler": _aimed_mining,
    "QuotaSampler": _aimed_lots,
    "QuotaSamplerProp": _aimed_lots,
}
