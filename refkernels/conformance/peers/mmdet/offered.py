"""What mmdet offers, where that is not all that an operator takes."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.case import Case
from refkernels.conformance.targets.offering import Offers, offers

__all__ = [
    "BATCHES",
    "LABELLED",
    "ONE_DTYPE",
    "REALS",
    "STRIPS",
    "are_below_one",
    "are_of_single",
    "are_overlaps",
    "are_priors",
    "are_sums_of_ious",
    "has_exact_centres",
    "has_images",
    "has_low_quality",
    "have_centres",
    "have_powers",
]

REALS = ("float16", "float32", "float64", "bfloat16")


def same_batch(case: Case) -> bool:
    """Return whether all inputs have as many images, which mmdet asks for."""
    return len({array.shape[:-2] for array in case.inputs.values()}) == 1


BATCHES = Offers(case=same_batch, mixed=False)


def are_overlaps(inputs: Mapping[str, Array]) -> bool:
    """Return whether these are overlaps; those below 0 mark anchors to be ignored."""
    return bool((inputs["x"] >= 0).all())


def has_low_quality(config: Mapping[str, Any]) -> bool:
    """Return whether anchors of low quality get the ground truth whose best they are, or none."""
    return config.get("low_quality") in (None, "truth")


def are_strips(inputs: Mapping[str, Array]) -> bool:
    """Return whether boxes can be laid out such that points are inside of them as masks say."""
    inside = inputs["inside"]
    if inside.shape[-1] <= 4:
        return True
    for image in inside.reshape(-1, *inside.shape[-2:]):
        own = {tuple(column) for column in image.T.tolist() if len(set(column)) > 1}
        if len(own) > 4:
            return False
    return True


STRIPS = offers(inputs=are_strips, mixed=False)


def has_pairs(inputs: Mapping[str, Array]) -> bool:
    """Return whether there are pairs, without which ``assign`` is done before the method."""
    valid = inputs.get("valid")
    return inputs["cost"].size > 0 and (valid is None or bool(valid.any(-1).all()))


ONE_DTYPE = offers(mixed=False)


def are_sums_of_ious(inputs: Mapping[str, Array]) -> bool:
    """Return whether there are pairs, and no IoU is above 1."""
    return has_pairs(inputs) and bool((inputs["ious"] <= 1).all())


def are_below_one(inputs: Mapping[str, Array]) -> bool:
    """Return whether no IoU is 1, so that all that is not matched is a negative."""
    return bool((inputs["ious"] < 1).all())


def are_priors(inputs: Mapping[str, Array]) -> bool:
    """Return whether points can be the centres of priors of these sizes, exactly."""
    points, half = (np.float64(inputs[name]) for name in ("points", "sizes"))
    half = half / 2
    low, high = (points + sign * half for sign in (-1, 1))
    return all(
        bool((x.astype(np.float32) == x).all()) for x in (low, high, low + high, high - low)
    ) and bool((high - low == 2 * half).all() and (low + high == 2 * points).all())


def are_of_single(config: Mapping[str, Any]) -> bool:
    """Return whether parameters are numbers of single precision, or nothing is computed in that."""
    own = np.array([*config["sizes"], *np.broadcast_to(config["stride"], 2)], np.float64)
    return config.get("dtype") == "float64" or bool((own.astype(np.float32) == own).all())


def has_exact_centres(config: Mapping[str, Any]) -> bool:
    """Return whether the centre of a cell is told exactly: a corner of it, or half a stride."""
    return config.get("offset", 0.5) in (0, 0.5) and are_of_single(config)


def have_centres(inputs: Mapping[str, Array]) -> bool:
    """Return whether there are boxes, and the sums of their corners in their dtype."""
    boxes = inputs["boxes"]
    with np.errstate(over="ignore"):
        return boxes.size > 0 and bool(np.isfinite(boxes[..., :2] + boxes[..., 2:]).all())


def has_images(inputs: Mapping[str, Array]) -> bool:
    """Return whether there is an image."""
    return inputs["boxes"].ndim < 3 or len(inputs["boxes"]) > 0


def have_classes(inputs: Mapping[str, Array]) -> bool:
    """Return whether each ground truth has a class."""
    return bool((inputs["labels"] >= 0).all())


def have_powers(inputs: Mapping[str, Array]) -> bool:
    """Return whether there are classes, and none so small that PyTorch's powers lose digits."""
    small = np.finfo(np.float32).tiny
    numbers = (inputs[name] for name in ("scores", "ious"))
    return have_classes(inputs) and not any(((x > 0) & (x < small)).any() for x in numbers)


LABELLED = offers(inputs=have_classes, dtypes=REALS, mixed=False)
