"""Differences in the decoder of heat maps."""

import numpy as np

from refkernels.arrays import common_real
from refkernels.conformance.model.divergence import Divergence, witness
from refkernels.conformance.model.operator import Case

__all__ = ["DIVERGENCES"]

# Up to so many elements MXNet's sort on a CPU is stable.
STABLE = 16

# float32 numbers so many cells one by one.
CELLS = 2**24

# A batch is numbered up to here.
IMAGES = 256


def _is_single(case: Case) -> bool:
    return bool(case.inputs["x"].ndim == 3)


def _count(case: Case) -> int:
    return int(np.prod(case.inputs["x"].shape[-3:]))


def _has_ties(case: Case) -> bool:
    """Tell whether of equal scores some are among the highest, where the sort is not stable."""
    count = _count(case)
    if count <= STABLE or count > CELLS:
        return False
    topk = case.config.get("topk", 100)
    highest = -np.sort(-case.inputs["x"].reshape(-1, count))[:, : topk + 1]
    return bool((highest[:, 1:] == highest[:, :-1]).any())


UNIT = [[[[0]]]]
PAIR = [[[[0]], [[0]]]]

DIVERGENCES = (
    Divergence(
        "GCV-096",
        "CenterNetDecoder",
        "Arrays without a batch axis raise an error.",
        _is_single,
        witness({"topk": 1}, x=UNIT[0], wh=PAIR[0], reg=PAIR[0]),
    ),
    Divergence(
        "GCV-097",
        "CenterNetDecoder",
        "A batch of more than 256 images raises an error.",
        lambda case: not _is_single(case) and len(case.inputs["x"]) > IMAGES,
        witness({"topk": 1}, x=UNIT * 257, wh=PAIR * 257, reg=PAIR * 257),
    ),
    Divergence(
        "GCV-098",
        "CenterNetDecoder",
        "Boxes are float32 whatever the dtype of the inputs.",
        lambda case: common_real(*case.inputs.values()) != np.float32,
        witness({"topk": 1}, x=UNIT, wh=PAIR, reg=PAIR),
        "float64",
    ),
    Divergence(
        "GCV-099",
        "CenterNetDecoder",
        "Scores keep the dtype of the heat map, though sizes or offsets have a wider one.",
        lambda case: case.inputs["x"].dtype != common_real(*case.inputs.values()),
        witness({"topk": 1}, x=UNIT, wh=np.zeros((1, 2, 1, 1), np.float32), reg=PAIR),
        "float16",
    ),
    Divergence(
        "GCV-100",
        "CenterNetDecoder",
        "From 17 cells on the sort is not stable: of equal scores it does not take the first.",
        _has_ties,
        witness({"topk": 3}, x=[[[[0]]] * 17], wh=PAIR, reg=PAIR),
    ),
    Divergence(
        "GCV-101",
        "CenterNetDecoder",
        "Cells are numbered in float32, so in maps of more than 2^24 cells, such as 80 classes of "
        "512 x 512, the highest score's neighbour may be decoded.",
        lambda case: _count(case) > CELLS,
        witness(
            {"topk": 1},
            x=(np.arange(4 * 2049**2) == CELLS + 1).reshape(1, 4, 2049, 2049).astype(np.float32),
            wh=np.zeros((1, 2, 2049, 2049), np.float32),
            reg=np.zeros((1, 2, 2049, 2049), np.float32),
        ),
    ),
)
