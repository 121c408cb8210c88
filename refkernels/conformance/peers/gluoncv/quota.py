"""Differences in the samplers that fill quotas by lot."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.cases.sampler.quota import custom_defaults
from refkernels.conformance.model.divergence import Divergence, witness
from refkernels.conformance.model.operator import Case
from refkernels.conformance.peers.gluoncv.mxnet_numbers import as_compared, is_readable

__all__ = ["DIVERGENCES"]


def _is_single(case: Case) -> bool:
    return bool(case.inputs["matches"].ndim == 1)


class _Lottery(NamedTuple):
    """What is positive and negative, (B, N), and the quotas, as gluoncv's QuotaSampler has them."""

    positive: Array
    negative: Array
    max_pos: int
    max_neg: int


def _lottery(case: Case, read: Callable[[float, Any], Any] = as_compared) -> _Lottery:
    """Return what gluoncv draws from, before one kind overwrites the other.

    `read` says what becomes of a threshold.
    """
    matches, ious = (case.inputs[name] for name in ("matches", "ious"))
    maxima = np.atleast_2d(ious if ious.ndim == matches.ndim else ious.max(-1))
    config = {"neg_thresh_low": -np.inf, "pos_ratio": 0.5, **case.config}
    names = ("pos_thresh", "neg_thresh_high", "neg_thresh_low")
    least, above, below = (read(config[name], maxima.dtype) for name in names)
    return _Lottery(
        np.atleast_2d(matches >= 0) | (maxima >= least),
        (maxima < above) & (maxima >= below),
        round(config["pos_ratio"] * config["num_sample"]),
        int((1 - config["pos_ratio"]) * config["num_sample"]),
    )


def _both_kinds(case: Case) -> bool:
    positive, negative, *_ = _lottery(case)
    return bool((positive & negative).any())


def _own_quotas(case: Case, max_neg: int) -> Array:
    """Return each image's quota of negatives by itself."""
    positive, _, max_pos, _ = _lottery(case)
    if not case.config.get("fill_negative", True):
        return np.full(len(positive), max_neg)
    free = case.config["num_sample"] - np.minimum(positive.sum(1), max_pos)
    return np.asarray(np.maximum(free, max_neg))


def _leaks(case: Case) -> bool:
    """Tell whether the quota of negatives that an image before has raised lets more through."""
    if not case.config.get("fill_negative", True):
        return False
    positive, negative, _, max_neg = _lottery(case)
    quotas = _own_quotas(case, max_neg)
    count = (negative & ~positive).sum(1)
    leaked = np.maximum.accumulate(quotas)
    return bool((np.minimum(count, quotas) != np.minimum(count, leaked)).any())


def _floor_is_low(case: Case) -> bool:
    """Tell whether rounding puts the quota of negatives below a whole number that it should be."""
    if case.config.get("neg_ratio") is not None:
        return False
    positive, negative, _, max_neg = _lottery(case)
    product = (1 - case.config.get("pos_ratio", 0.5)) * case.config["num_sample"]
    count = (negative & ~positive).sum(1)
    expected = _own_quotas(case, int(np.floor(product + 1e-9)))
    found = _own_quotas(case, max_neg)
    return bool((np.minimum(count, expected) != np.minimum(count, found)).any())


def _thresholds_are_read(case: Case) -> bool:
    """Tell whether it matters that MXNet reads other thresholds."""
    own, read = _lottery(case, lambda value, dtype: dtype.type(value)), _lottery(case)
    if not np.array_equal(own.positive, read.positive):
        return True
    return bool(((own.negative != read.negative) & ~own.positive).any())


def _thresholds_are_unreadable(case: Case) -> bool:
    names = ("pos_thresh", "neg_thresh_high", "neg_thresh_low")
    return not all(is_readable(case.config.get(name, 0)) for name in names)


def _are_reduced_again(case: Case) -> bool:
    matches, ious = (case.inputs[name] for name in ("matches", "ious"))
    return matches.ndim == ious.ndim == 2 and matches.shape[1] > 1


def _custom(predicate: Callable[[Case], bool], **config: Any) -> Callable[[Case], bool]:
    """Return a predicate for the custom operator, with its own defaults and this configuration."""
    return lambda case: predicate(Case({**custom_defaults(case).config, **config}, case.inputs))


def _fills(case: Case) -> bool:
    """Tell whether places are filled with negatives that are to be left free."""
    if case.config.get("fill_negative", True):
        return False
    positive, negative, _, max_neg = _lottery(case)
    count = (negative & ~positive).sum(1)
    filled = _own_quotas(Case({**case.config, "fill_negative": True}, case.inputs), max_neg)
    return bool((np.minimum(count, filled) != np.minimum(count, max_neg)).any())


def _quotas_are_of_anchors(case: Case) -> bool:
    """Tell whether a single image has more of a kind than its quota, so that a subset is due."""
    if not _is_single(case):
        return False
    positive, negative, max_pos, max_neg = _lottery(case)
    count = (negative & ~positive).sum()
    return bool(positive.sum() > max_pos > 0 or count > _own_quotas(case, max_neg)[0])


def _custom_maxima(case: Case) -> bool:
    matches, ious = (case.inputs[name] for name in ("matches", "ious"))
    return matches.ndim == ious.ndim and matches.shape[-1] > 1


LOTTERY = {"num_sample": 1, "pos_thresh": 0.5, "neg_thresh_high": 0.5}

CUSTOM = {"num_sample": 1, "pos_thresh": 0.5}

DIVERGENCES = (
    Divergence(
        "GCV-036",
        "QuotaSampler",
        "Arrays without a batch axis are taken for a batch, so the result has another shape.",
        _is_single,
        witness(LOTTERY, matches=[0, 0], ious=[[1], [1]]),
    ),
    Divergence(
        "GCV-037",
        "QuotaSampler",
        "IoUs that are row maxima already, (B, N), are reduced once more, over the anchors.",
        _are_reduced_again,
        witness(LOTTERY, matches=[[-1, -1]], ious=[[0, 0]]),
    ),
    Divergence(
        "GCV-038",
        "QuotaSampler",
        "A neg_ratio raises an error: only the default is ever stored.",
        lambda case: case.config.get("neg_ratio") is not None,
        witness({**LOTTERY, "neg_ratio": 0.0}, matches=[[-1]], ious=[[[0]]]),
    ),
    Divergence(
        "GCV-039",
        "QuotaSampler",
        "Negative wins over positive: an anchor that is matched at a low IoU, the best there is "
        "for a ground truth, becomes a negative sample.",
        _both_kinds,
        witness(LOTTERY, matches=[[0]], ious=[[[0]]]),
    ),
    Divergence(
        "GCV-040",
        "QuotaSampler",
        "An image that has few positives raises the quota of negatives of all images after it in "
        "the batch.",
        _leaks,
        witness(
            {**LOTTERY, "num_sample": 2},
            matches=[[-1, -1, -1], [-1, 0, -1]],
            ious=[[[0], [0], [0]], [[0], [1], [0]]],
        ),
    ),
    Divergence(
        "GCV-041",
        "QuotaSampler",
        "The quota of negatives is truncated without regard to rounding: a tenth of 10, as "
        "1 - 0.9, is 0.",
        _floor_is_low,
        witness(
            {**LOTTERY, "num_sample": 10, "pos_ratio": 0.9, "fill_negative": False},
            matches=[[-1]],
            ious=[[[0]]],
        ),
    ),
    Divergence(
        "GCV-042",
        "QuotaSampler",
        "float64 IoUs are held against thresholds as MXNet reads them from text, which may be off "
        "in the last place; float16 ones against them rounded twice.",
        _thresholds_are_read,
        witness(
            {
                "num_sample": 1,
                "pos_thresh": 0.37616991782292797,
                "neg_thresh_high": 0.0,
                "pos_ratio": 1.0,
            },
            matches=[[-1]],
            ious=[[[0.37616991782292797]]],
        ),
        "float64",
    ),
    Divergence(
        "GCV-043",
        "QuotaSampler",
        "A threshold below the normal range of float64 raises an error: MXNet cannot read it.",
        _thresholds_are_unreadable,
        witness({**LOTTERY, "pos_thresh": 1e-308}, matches=[[-1]], ious=[[[0]]]),
    ),
    Divergence(
        "GCV-044",
        "QuotaSamplerProp",
        "neg_ratio=None, which is the default, ends the process if it is passed: MXNet hands it "
        "over as the text 'None', and the error in reading that as a number is not survived.",
        lambda case: case.config.get("neg_ratio", 0) is None,
        witness({**CUSTOM, "neg_ratio": None}, matches=[[-1]], ious=[[[0]]]),
        fatal=True,
    ),
    Divergence(
        "GCV-045",
        "QuotaSamplerProp",
        "A neg_ratio raises an error: only the default is ever stored.",
        lambda case: case.config.get("neg_ratio") is not None,
        witness({**CUSTOM, "neg_ratio": 0.0}, matches=[[-1]], ious=[[[0]]]),
    ),
    Divergence(
        "GCV-046",
        "QuotaSamplerProp",
        "fill_negative=False does fill: MXNet hands it over as the text 'False', which is true.",
        _custom(_fills),
        witness({**CUSTOM, "fill_negative": False}, matches=[[-1]], ious=[[[0]]]),
    ),
    Divergence(
        "GCV-047",
        "QuotaSamplerProp",
        "Matches and IoUs of two dtypes raise an error.",
        lambda case: case.inputs["matches"].dtype != case.inputs["ious"].dtype,
        witness(CUSTOM, matches=np.array([[-1]], np.int32), ious=[[[0]]]),
    ),
    Divergence(
        "GCV-048",
        "QuotaSamplerProp",
        "Without a batch axis each anchor is an image with quotas of its own.",
        _custom(_quotas_are_of_anchors, fill_negative=True),
        witness(CUSTOM, matches=[-1, -1], ious=[[0], [0]]),
    ),
    Divergence(
        "GCV-049",
        "QuotaSamplerProp",
        "IoUs that are row maxima already, (B, N) or (N,), are reduced once more: an error.",
        _custom_maxima,
        witness(CUSTOM, matches=[[-1, -1]], ious=[[0, 0]]),
    ),
    Divergence(
        "GCV-050",
        "QuotaSamplerProp",
        "An image that has few positives raises the quota of negatives of all images after it in "
        "the batch.",
        _custom(_leaks, fill_negative=True),
        witness(
            {**CUSTOM, "num_sample": 2},
            matches=[[-1, -1, -1], [-1, 0, -1]],
            ious=[[[0], [0], [0]], [[0], [1], [0]]],
        ),
    ),
    Divergence(
        "GCV-051",
        "QuotaSamplerProp",
        "float64 IoUs are held against thresholds as MXNet reads them from text, which may be off "
        "in the last place; float16 ones against them rounded twice.",
        _custom(_thresholds_are_read),
        witness(
            {"num_sample": 1, "pos_thresh": 0.37616991782292797, "pos_ratio": 1.0},
            matches=[[-1]],
            ious=[[[0.37616991782292797]]],
        ),
        "float64",
    ),
    Divergence(
        "GCV-052",
        "QuotaSamplerProp",
        "A threshold below the normal range of float64 raises an error: MXNet cannot read it.",
        _thresholds_are_unreadable,
        witness({**CUSTOM, "pos_thresh": 1e-308}, matches=[[-1]], ious=[[[0]]]),
    ),
)
