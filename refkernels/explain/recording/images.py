"""Images that are assigned one by one, stacked to the arrays of a dump."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.arrays.printing import times
from refkernels.chain.roles import INPUTS, PLACES

__all__ = ["Found", "stacked"]

AXES = {**INPUTS, **{name: axes for place in PLACES for name, axes in place.results.items()}}

# What pads the objects of an image: no box, no class, no overlap.
PADDING = {"boxes": -1, "labels": -1}


@dataclass
class Found:
    """A chain that a package has run.

    Attributes
    ----------
    label : str
        What it is called: the package's class or part.
    images : list of dict of str to numpy.ndarray
        The arrays of each image, without an axis of images.
    shared : dict of str to numpy.ndarray
        Arrays of all images that have no such axis.
    operators : dict of str to operator
        By role.
    remarks : list of str
        What is to be said of them.
    """

    label: str
    images: list[dict[str, Array]]
    shared: dict[str, Array] = field(default_factory=dict)
    operators: dict[str, Any] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def stacked(found: Found) -> dict[str, Array]:
    """Return the arrays of a dump, with images of fewer objects padded.

    Images that have not as many anchors as the first are left out, and a remark says so. An array
    that only some images have is left out.
    """
    images = _of_one_size(found)
    names = [name for name in AXES if all(name in own for own in images)]
    arrays = {name: _padded(name, [own[name] for own in images]) for name in names}
    if "anchors" in arrays and (arrays["anchors"] == arrays["anchors"][:1]).all():
        arrays["anchors"] = arrays["anchors"][:1]
    return {**arrays, **found.shared}


def _of_one_size(found: Found) -> list[dict[str, Array]]:
    counts = [len(own["matches"]) for own in found.images]
    kept = [own for own, count in zip(found.images, counts, strict=True) if count == counts[0]]
    if len(kept) < len(counts):
        left = ", ".join(f"{k} ({n})" for k, n in enumerate(counts) if n != counts[0])
        found.remarks.append(
            f"left out are images that have not {times(counts[0], 'anchor')} as the first "
            f"has: {left}"
        )
    return kept


def _padded(name: str, arrays: Sequence[Array]) -> Array:
    """Stack arrays, padded along the axis of objects to the longest."""
    axis = AXES[name].find("M") - 1
    if axis < 0:
        return np.stack(arrays)
    most = max(array.shape[axis] for array in arrays)
    rows = []
    for array in arrays:
        widths = [(0, 0)] * array.ndim
        widths[axis] = (0, most - array.shape[axis])
        rows.append(np.pad(array, widths, constant_values=PADDING.get(name, 0)))
    return np.stack(rows)
