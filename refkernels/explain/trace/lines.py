"""Boxes and their names on an axis, such that they are seen on a photo and stay inside."""

from functools import partial
from typing import Any

from refkernels.arrays import Array
from refkernels.explain.trace.looks import DASHES, LOST, TRUTH, halo, matplotlib_of

__all__ = ["Lines"]

# Of the letters of names: their size, and how wide one is at most, in points.
FONT, LETTER = 8, 4.7

# What stands beside the name of a ground truth without an anchor.
NONE = "no anchor"

# How much wider than a line the dark one under it is, and how often a name goes further down.
HALO, TURNS = 1.6, 12


class Lines:
    """What is drawn on an axis, on a photo with a dark outline.

    Parameters
    ----------
    axis : matplotlib.axes.Axes
        Whose limits are set before names are written.
    on_photo : bool
    """

    def __init__(self, axis: Any, on_photo: bool) -> None:
        self.axis = axis
        self.on_photo = on_photo
        # Black would be lost on a photo, and white on paper.
        self.color = "white" if on_photo else TRUTH
        self.written: list[tuple[float, ...]] = []

    def box(self, box: Array, **style: Any) -> None:
        """Draw a box."""
        corner, sides = (float(box[0]), float(box[1])), map(float, box[2:] - box[:2])
        patch = partial(matplotlib_of("patches").Rectangle, corner, *sides, fill=False)
        if self.on_photo:
            style["linewidth"] += 0.4
            under = {"edgecolor": "black", "linewidth": style["linewidth"] + HALO, "alpha": 0.7}
            self.axis.add_patch(patch(zorder=style.get("zorder", 1), **under))
        self.axis.add_patch(patch(**style))

    def truth(self, box: Array, name: str, has: bool, width: float = 2.4) -> None:
        """Draw a ground truth, broken and with a word if it has no anchor, and its name inside."""
        color, style = (self.color, "solid") if has else (LOST, DASHES)
        self.box(box, edgecolor=color, linestyle=style, linewidth=width, zorder=4)
        words = name if has else f"{name}: {NONE}"
        wide, high = self._sides(words)
        right, below = self.axis.get_xlim()[1], self.axis.get_ylim()[0]
        x = max(min(float(box[0]), right - wide), 0.0)
        # Above the box, or where another name is, further down.
        own = min(max(float(box[1]) - high, 0.0), below - high)
        places = [own, float(box[1]), *(own + turn * high for turn in range(1, TURNS))]
        free = [y for y in places if y + high <= below and self._is_free(x, y, wide, high)]
        y = free[0] if free else own
        self.written.append((x, y, x + wide, y + high))
        self.axis.annotate(
            words,
            (x, y),
            textcoords="offset points",
            xytext=(2, -3),
            va="top",
            fontsize=FONT,
            color="white",
            bbox={"facecolor": TRUTH if has else LOST, "edgecolor": "none", "pad": 1},
            zorder=5,
            annotation_clip=False,
        )

    def _is_free(self, x: float, y: float, wide: float, high: float) -> bool:
        return all(
            x >= right or x + wide <= left or y >= below or y + high <= above
            for left, above, right, below in self.written
        )

    def _sides(self, words: str) -> tuple[float, float]:
        """Return about how wide and high words are, in the axis' unit.

        How large an axis becomes is known when all is drawn; here it is as large as it begins.
        """
        frame, dots = self.axis.get_window_extent(), self.axis.figure.dpi / 72
        right, below = self.axis.get_xlim()[1], self.axis.get_ylim()[0]
        unit = max(right / frame.width, below / frame.height) * dots
        return (LETTER * len(words) + 4) * unit, (FONT + 6) * unit

    def key(self, name: str, count: int, color: str, style: Any, width: float) -> Any:
        """Return an entry of a legend."""
        line = matplotlib_of("lines").Line2D(
            [], [], color=color, linestyle=style, linewidth=width, label=f"{name}: {count}"
        )
        if self.on_photo:
            line.set_path_effects(halo(width, HALO))
        return line
