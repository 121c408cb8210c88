"""What is read of one file or folder, before labels are given."""

from array import array
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from refkernels.annotations.classes import Categories
from refkernels.annotations.problems import Bad, check_text
from refkernels.annotations.rules import DIFFICULT, Rules
from refkernels.arrays import Array

__all__ = ["Box", "Draft", "Source"]

Box = tuple[float, float, float, float]

# Further from its image no box is: so far from 0 float32 tells no pixels apart by far.
FARTHEST = 2.0**31

# How far rounding to 0.01 pixel, as COCO has it, moves a side.
ROUNDING = 0.01


@dataclass(slots=True)
class Draft:
    """An image while it is read; `place` is its number among those of its source."""

    image_id: int | str
    width: int
    height: int
    place: int = -1


class Source:
    """One file or folder.

    Attributes
    ----------
    name : str
        Its name, for messages.
    rules : Rules
    drafts : dict of (int or str) to Draft
        The images by their ids, in their order.
    places, boxes, keys, ignored : array, array, list, bytearray
        Of all boxes in the order in which they were read: the place of the image, the 4 corners,
        what it is of, and whether it is an ignored region.
    categories : tuple of (int or str, str), optional
        The classes that it declares, in the order of labels; keys of objects are labels then.
        Without, and without a class map, a key is the id of a class: a name or a number.
    problems : list of str
        What was left out.
    counts : collections.Counter
        What there is to say, and how often.
    """

    def __init__(self, name: str | Path, rules: Rules) -> None:
        self.name = str(name)
        self.rules = rules
        self.drafts: dict[int | str, Draft] = {}
        self.places = array("q")
        self.boxes = array("d")
        self.keys: list[Any] = []
        self.ignored = bytearray()
        self.categories: Categories | None = None
        self.problems: list[str] = []
        self.counts: Counter[str] = Counter()

    def report(self, where: str | Path, bad: object) -> None:
        """Note a problem, or raise `ValueError` where nothing is to be skipped."""
        if isinstance(bad, OSError):
            bad = f"cannot be read: {bad.strerror or bad}"
        problem = f"{where}: {bad}"
        if not self.rules.skip_bad:
            raise ValueError(problem) from None
        self.problems.append(problem)

    def begin(self, draft: Draft) -> Draft:
        """Add an image.

        Raises
        ------
        Bad
            If its id is there already, or is no text.
        """
        if isinstance(draft.image_id, str):
            check_text(f"image {draft.image_id!r}: id", draft.image_id)
        if draft.image_id in self.drafts:
            raise Bad(f"image {draft.image_id!r} comes twice")
        draft.place = len(self.drafts)
        self.drafts[draft.image_id] = draft
        return draft

    def check_not_empty(self, reason: str) -> None:
        """Raise `ValueError` if there are no images, for this reason if none was skipped."""
        if not self.drafts:
            if self.problems:
                reason = f"no image is left; {self.problems[0]}"
            raise ValueError(f"{self.name}: {reason}")

    def key(self, own: int | str, name: str | None) -> Any:
        """Return the key of a class, the label where it is known by now.

        Raises
        ------
        Bad
            If the class map lacks it.
        """
        return own if self.rules.classes is None else self.rules.classes.label(own, name)

    def add(self, draft: Draft, box: Box, key: Any, *, ignored: bool = False) -> None:
        """Add a box to an image.

        Raises
        ------
        Bad
            If it is wholly outside the image, or has a corner that is as far as no image reaches.
        """
        left, top, right, bottom = box
        if left < 0 or top < 0 or right > draft.width or bottom > draft.height:
            box = self._within_reach(draft, box)
        self.places.append(draft.place)
        self.boxes.extend(box)
        self.keys.append(key)
        self.ignored.append(ignored)

    def are_plain(self, sizes: Array, boxes: Array) -> Array:
        """Return which boxes (M, 4), in images of these sizes (M, 2), `add` takes as they are."""
        low, high = boxes[:, :2], boxes[:, 2:]
        jut = np.maximum(-low, high - sizes)
        outside = (low > sizes) | (high < 0) | ((low < high) & ((low == sizes) | (high == 0)))
        plain: Array = (~outside & (jut <= (0 if self.rules.clip else ROUNDING))).all(axis=1)
        return plain

    def extend(self, places: Array, boxes: Array, keys: Sequence[Any], ignored: Array) -> None:
        """Add boxes (M, 4) that are plain, to images (M,) at these places."""
        self.places.frombytes(places.astype(np.int64).tobytes())
        self.boxes.frombytes(boxes.astype(np.float64).tobytes())
        self.keys.extend(keys)
        self.ignored += ignored.astype(np.uint8).tobytes()

    def _within_reach(self, draft: Draft, box: Box) -> Box:
        """Return a box that is not wholly inside its image, clipped if that is asked for."""
        left, top, right, bottom = box
        width, height = draft.width, draft.height
        if max(map(abs, box)) > FARTHEST:
            corners = ", ".join(f"{value:g}" for value in box)
            raise Bad(f"box {corners} has corners beyond 2**31 pixels")
        for low, high, side in ((left, right, width), (top, bottom, height)):
            if low > side or high < 0 or (low < high and (low == side or high == 0)):
                corners = ", ".join(f"{value:g}" for value in box)
                raise Bad(f"box {corners} is wholly outside its image of {width} x {height} pixels")
        if max(-left, -top, right - width, bottom - height) > ROUNDING:
            self.counts[f"boxes that jut out of their image{', clipped' * self.rules.clip}"] += 1
        if self.rules.clip:
            return max(left, 0.0), max(top, 0.0), min(right, width), min(bottom, height)
        return box

    def add_marked(self, draft: Draft, box: Box, key: Any, mark: str, usual: str) -> None:
        """Add a box of an object with a mark, as the rules say, or as is usual in this form."""
        how = self.rules.difficult or usual
        if how != "drop":
            self.add(draft, box, key, ignored=how == "ignore")
        self.counts[f"objects marked '{mark}', {DIFFICULT[how]}"] += 1

    def ignore(self, draft: Draft, box: Box | None) -> None:
        """Make an ignored region of what was skipped, if it has a box that can be one."""
        if box is not None:
            with suppress(Bad):
                self.add(draft, box, None, ignored=True)
