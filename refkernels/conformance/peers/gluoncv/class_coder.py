"""Differences in the coders of classes."""

from typing import Any

import numpy as np

from refkernels import coder as kernels
from refkernels.arrays import Array
from refkernels.conformance.model.divergence import Divergence, witness
from refkernels.conformance.model.operator import Case
from refkernels.conformance.peers.gluoncv.mxnet_numbers import as_compared, is_readable

__all__ = ["DIVERGENCES"]


def _is_single(case: Case) -> bool:
    return bool(case.inputs["samples"].ndim == 1)


def _wraps_around(case: Case) -> bool:
    """Tell whether it shows that targets are computed in the labels' dtype, modulo its size."""
    samples, matches, refs = case.inputs.values()
    if refs.dtype.kind == "f" or _is_single(case):
        return False
    (expected,) = (kernels.MultiClassEncoder(**case.config)(samples, matches, refs),)
    return bool((expected.astype(refs.dtype) != expected).any())


def _axis_is_last(case: Case) -> bool:
    rank = case.inputs["x"].ndim
    return bool(case.config.get("axis", -1) % rank == rank - 1)


def _foreground(case: Case) -> Array:
    x = case.inputs["x"]
    return np.take(x, range(1, x.shape[axis := case.config.get("axis", -1)]), axis)


def _limit(case: Case, read: Any = as_compared) -> Any:
    return read(case.config.get("thresh", 0.01), case.inputs["x"].dtype)


def _decoded(scores: Array, ids: Array, limit: Any, nothing: Any = -1) -> tuple[Array, Array]:
    return np.where(scores > limit, ids, nothing), np.where(scores > limit, scores, 0)


def _best(
    case: Case, index_dtype: Any = None, read: Any = as_compared
) -> tuple[Array, Array] | None:
    """Return what gluoncv's MultiClassDecoder gives, or None if shapes do not go together.

    Its faults can be taken off: with `index_dtype` columns are numbered in it, not in the scores'
    dtype, and `read` says what becomes of the threshold.
    """
    scores = _foreground(case)
    ids = scores.argmax(case.config.get("axis", -1)).astype(index_dtype or scores.dtype)
    if ids.shape != scores.shape[:-1]:
        return None
    # Its `pick` takes the last element where there is none of that number.
    places = np.minimum(ids.astype(np.int64), scores.shape[-1] - 1)[..., None]
    return _decoded(np.take_along_axis(scores, places, -1)[..., 0], ids, _limit(case, read))


def _equal(found: tuple[Array, ...] | None, expected: tuple[Array, ...]) -> bool:
    if found is None:
        return False
    return all(np.array_equal(x, y) for x, y in zip(found, expected, strict=True))


def _picks_along_last(case: Case) -> bool:
    """Tell whether it shows that scores are picked along the last axis."""
    if _axis_is_last(case):
        return False
    return not _equal(_best(case), kernels.MultiClassDecoder(**case.config)(case.inputs["x"]))


def _ids_are_rounded(case: Case) -> bool:
    if not _axis_is_last(case) or case.inputs["x"].dtype != np.float16:
        return False
    exact = _best(case, np.int64)
    return exact is not None and not _equal(_best(case), exact)


def _thresh_is_read(case: Case) -> bool:
    own = _best(case, read=lambda value, dtype: dtype.type(value))
    return _axis_is_last(case) and own is not None and not _equal(_best(case), own)


def _thresh_is_unreadable(case: Case) -> bool:
    return not is_readable(case.config.get("thresh", 0.01))


def _lies_otherwise(case: Case) -> bool:
    """Tell whether it shows that scores are taken to be (B, N, C)."""
    scores = _foreground(case)
    ids = np.arange(case.config["num_class"] - 1).reshape(1, 1, -1)
    shape = np.broadcast_shapes((*case.inputs["x"].shape[:-1], 1), ids.shape)
    if shape != scores.shape:
        return True
    found = _decoded(scores, np.broadcast_to(ids, shape), _limit(case))
    return not _equal(found, kernels.MultiPerClassDecoder(**case.config)(case.inputs["x"]))


def _is_near_one(case: Case) -> bool:
    samples = case.inputs["samples"]
    return bool(((np.abs(samples) > 0.5) & (np.abs(samples) != 1)).any())


LAST_OF_MANY = (np.arange(2051) // 2050).reshape(1, 2051)
EDGE = 0.37616991782292797

DIVERGENCES = (
    Divergence(
        "GCV-086",
        "MultiClassEncoder",
        "Arrays without a batch axis raise an error.",
        _is_single,
        witness(samples=[0], matches=[0], refs=[0]),
    ),
    Divergence(
        "GCV-087",
        "MultiClassEncoder",
        "Targets are computed in the labels' dtype, and wrap around: class 127 of int8 becomes "
        "-128, and what is to be ignored, -1, is class 255 of uint8.",
        _wraps_around,
        witness(samples=[[0]], matches=[[0]], refs=np.array([[0]], np.uint8)),
    ),
    Divergence(
        "GCV-088",
        "MultiClassDecoder",
        "Scores are picked along the last axis, whatever axis says: an error, or other scores.",
        _picks_along_last,
        witness({"axis": 0}, x=[[0, 0], [0, 0]]),
    ),
    Divergence(
        "GCV-089",
        "MultiClassDecoder",
        "Classes of float16 scores are float16, which does not count past 2048, and the score is "
        "that of the rounded class.",
        _ids_are_rounded,
        witness(x=LAST_OF_MANY.astype(np.float64)),
        "float16",
    ),
    Divergence(
        "GCV-090",
        "MultiClassDecoder",
        "float64 scores are held against thresh as MXNet reads it from text, which may be off in "
        "the last place; float16 ones against it rounded twice.",
        _thresh_is_read,
        witness({"thresh": EDGE}, x=[[0, np.nextafter(EDGE, 1)]]),
        "float64",
    ),
    Divergence(
        "GCV-091",
        "MultiClassDecoder",
        "A thresh below the normal range of float64 raises an error: MXNet cannot read it.",
        _thresh_is_unreadable,
        witness({"thresh": 1e-308}, x=[[0, 0]]),
    ),
    Divergence(
        "GCV-092",
        "MultiPerClassDecoder",
        "Scores in another dtype than float32 raise an error, for the classes' numbers are "
        "float32.",
        lambda case: case.inputs["x"].dtype != np.float32,
        witness({"num_class": 2}, x=[[[0, 0]]]),
        "float64",
    ),
    Divergence(
        "GCV-093",
        "MultiPerClassDecoder",
        "Scores are taken to be (B, N, C), whatever axis says and with fewer axes too: an error, "
        "other classes or ids of another shape.",
        _lies_otherwise,
        witness({"num_class": 2}, x=[[0, 0]]),
    ),
    Divergence(
        "GCV-094",
        "MultiPerClassDecoder",
        "A thresh below the normal range of float64 raises an error: MXNet cannot read it.",
        _thresh_is_unreadable,
        witness({"num_class": 2, "thresh": 1e-308}, x=[[[0, 0]]]),
    ),
    Divergence(
        "GCV-095",
        "SigmoidClassEncoder",
        "A sample that is 1 or -1 but for rounding gives a target that is neither 1 nor 0.",
        _is_near_one,
        witness(samples=[1 - 2.0**-17]),
    ),
)
