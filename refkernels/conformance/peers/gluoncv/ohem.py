"""Differences in OHEM."""

from collections.abc import Callable
from typing import Any

import numpy as np

from refkernels import sampler as kernels
from refkernels.arrays import Array
from refkernels.conformance.cases.sampler.mining import approximate_facts
from refkernels.conformance.model.divergence import Divergence, witness
from refkernels.conformance.model.operator import Case
from refkernels.conformance.peers.gluoncv.mxnet_numbers import as_read, is_readable

__all__ = ["DIVERGENCES"]

# Up to so many elements MXNet's sort on a CPU is stable.
STABLE = 16


def _is_single(case: Case) -> bool:
    return case.inputs["matches"].ndim == 1


def _mined(case: Case) -> tuple[Array, Array, Array]:
    """Return what is matched, what is eligible, both (B, N), and the quotas."""
    _, eligible, quotas = approximate_facts(case)
    return np.atleast_2d(case.inputs["matches"] >= 0), np.atleast_2d(eligible), np.ravel(quotas)


def _mining_quotas(case: Case) -> Any:
    """Return the quotas as gluoncv computes them, in the dtype of the matches."""
    number = case.inputs["matches"].dtype.type
    matched = np.atleast_2d(case.inputs["matches"] >= 0)
    with np.errstate(all="ignore"):
        positives, ratio, total, least = (
            np.asarray(value).astype(number)
            for value in (
                matched.sum(1),
                as_read(case.config["ratio"]),
                matched.shape[1],
                case.config.get("min_samples", 0),
            )
        )
        return np.minimum(np.maximum(least, ratio * positives), total - positives).astype(int)


def _quota_is_rounded(case: Case) -> bool:
    _, eligible, quotas = _mined(case)
    # Above what is eligible another difference shows.
    found = np.minimum(_mining_quotas(case), eligible.sum(1))
    return not np.array_equal(found, np.minimum(quotas, eligible.sum(1)))


def _too_few_are_eligible(case: Case) -> bool:
    return bool((_mining_quotas(case) > _mined(case)[1].sum(1)).any())


def _splits(case: Case, same: Callable[[Array, Array], Any]) -> bool:
    """Tell whether the quota splits a group of eligible anchors of some image.

    `same` returns for logits (N, C + 1) and scores (N,) the number of each anchor's group, or None.
    """
    scores = np.atleast_2d(approximate_facts(case)[0])
    logits = case.inputs["logits"].reshape(*scores.shape, -1)
    samples = np.atleast_2d(kernels.OHEMSampler(**case.config)(*case.inputs.values()))
    for sample, able, rows, own in zip(samples, _mined(case)[1], logits, scores, strict=True):
        groups = same(rows, own)
        taken, left = (
            {group for group, chosen in zip(groups, able & (sample == kind), strict=True) if chosen}
            for kind in (-1, 0)
        )
        if (taken & left) - {None}:
            return True
    return False


def _overflows(case: Case) -> bool:
    """Tell whether exp of a background's lead overflows in an image that has a quota."""
    logits = case.inputs["logits"]
    lead = np.atleast_2d(logits[..., 0] - logits[..., 1:].max(-1))
    over = _mined(case)[1] & (lead > np.log(np.finfo(lead.dtype).max))
    return bool((over.any(1) & (_mining_quotas(case) > 0)).any())


def _underflows(case: Case) -> bool:
    """Tell whether anchors are told apart whose probabilities of background are no floats."""
    least = -np.log(np.finfo(case.inputs["logits"].dtype).tiny)
    return _splits(case, lambda rows, scores: [0 if score > least else None for score in scores])


def _has_ties(case: Case) -> bool:
    """Tell whether of anchors with equal logits some are taken, where the sort is not stable."""
    if case.inputs["logits"].shape[-2] <= STABLE:
        return False
    return _splits(case, lambda rows, scores: [row.tobytes() for row in rows])


def _rounds_limit(case: Case) -> bool:
    """Tell whether it matters that MXNet reads another `thresh`."""
    thresh = case.config.get("thresh", 0.5)
    if case.inputs["ious"].dtype != np.float64 or as_read(thresh) in (thresh, np.inf):
        return False
    read = {**case.config, "thresh": min(float(as_read(thresh)), 1.0)}
    own, other = (kernels.OHEMSampler(**config) for config in (case.config, read))
    inputs = case.inputs.values()
    return not np.array_equal(own(*inputs), other(*inputs))


DIVERGENCES = (
    Divergence(
        "GCV-026",
        "OHEMSampler",
        "Arrays without a batch axis raise an error.",
        _is_single,
        witness({"ratio": 1.0}, matches=[-1], logits=[[0, 0]], ious=[[0]]),
    ),
    Divergence(
        "GCV-027",
        "OHEMSampler",
        "float16 logits raise an error: MXNet does not sort them.",
        lambda case: case.inputs["logits"].dtype == np.float16,
        witness({"ratio": 1.0}, matches=[[-1]], logits=[[[0, 0]]], ious=[[[0]]]),
        "float16",
    ),
    Divergence(
        "GCV-028",
        "OHEMSampler",
        "A ratio of 0 is refused, though min_samples may ask for negatives.",
        lambda case: case.config["ratio"] == 0,
        witness({"ratio": 0.0}, matches=[[-1]], logits=[[[0, 0]]], ious=[[[0]]]),
    ),
    Divergence(
        "GCV-029",
        "OHEMSampler",
        "With fewer eligible negatives than the quota, ineligible anchors and even positives "
        "become negative.",
        _too_few_are_eligible,
        witness({"ratio": 1.0}, matches=[[0, -1]], logits=np.zeros((1, 2, 2)), ious=[[1, 1]]),
    ),
    Divergence(
        "GCV-030",
        "OHEMSampler",
        "The quota is computed in the dtype of the matches: an integer one truncates the ratio, "
        "int8 and float16 cannot count the anchors, and float32 rounds the product.",
        _quota_is_rounded,
        witness(
            {"ratio": 0.5},
            matches=np.array([[0, 0, -1]], np.int32),
            logits=np.zeros((1, 3, 2)),
            ious=[[0, 0, 0]],
        ),
    ),
    Divergence(
        "GCV-031",
        "OHEMSampler",
        "exp overflows where the background's logit is larger than the others by more than 88 in "
        "float32, 709 in float64: the score is nan, and the order of all anchors arbitrary.",
        _overflows,
        witness({"ratio": 3.0}, matches=[[0, -1]], logits=[[[0, 0], [89, 0]]], ious=[[0, 0]]),
    ),
    Divergence(
        "GCV-032",
        "OHEMSampler",
        "The background's probability underflows where its logit is smaller than another by more "
        "than 88 in float32: these hardest negatives all have the same score.",
        _underflows,
        witness(
            {"ratio": 1.0},
            matches=[[0, -1, -1]],
            logits=[[[0, 0], [0, 200], [0, 300]]],
            ious=[[0, 0, 0]],
        ),
    ),
    Divergence(
        "GCV-033",
        "OHEMSampler",
        "From 17 anchors on the sort is not stable: of equal scores it does not take the first.",
        _has_ties,
        witness(
            {"ratio": 1.0},
            matches=[[0, *[-1] * 16]],
            logits=np.zeros((1, 17, 2)),
            ious=np.zeros((1, 17)),
        ),
    ),
    Divergence(
        "GCV-034",
        "OHEMSampler",
        "float64 IoUs are held against thresh as MXNet reads it from text, which may be off in the "
        "last place.",
        _rounds_limit,
        witness(
            {"ratio": 1.0, "thresh": 0.37616991782292797},
            matches=[[0, -1]],
            logits=np.zeros((1, 2, 2)),
            ious=[[0, 0.37616991782292797]],
        ),
        "float64",
    ),
    Divergence(
        "GCV-035",
        "OHEMSampler",
        "A ratio or thresh below the normal range of float64 raises an error: MXNet cannot "
        "read it.",
        lambda case: not all(is_readable(case.config.get(name, 0)) for name in ("ratio", "thresh")),
        witness({"ratio": 1e-308}, matches=[[0]], logits=[[[0, 0]]], ious=[[0]]),
    ),
)
