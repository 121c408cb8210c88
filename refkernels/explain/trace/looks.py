"""What stages look like in pictures, and where these are drawn.

Colours are those of Okabe and Ito ("Color Universal Design", 2008) and of cividis, which differ for
colour-blind eyes too.
"""

from functools import cache
from importlib import import_module
from io import BytesIO
from typing import Any

from refkernels.explain.trace.records import Stage

__all__ = [
    "COLORS",
    "DASHES",
    "LETTERS",
    "LOST",
    "REGION",
    "STYLES",
    "TRUTH",
    "figure_of",
    "halo",
    "matplotlib_of",
]

# Of a figure that a notebook shows.
SHOWN_DPI = 80

COLORS = {
    Stage.BIPARTITE: "#0072B2",
    Stage.SHARED: "#56B4E9",
    Stage.MAXIMUM: "#009E73",
    Stage.OTHER_MATCHER: "#F0E442",
    Stage.SAMPLER_THRESHOLD: "#F0E442",
    Stage.HARD_NEGATIVE: "#D55E00",
    Stage.QUOTA: "#CC79A7",
    Stage.THRESHOLD: "#009E73",
    Stage.LOW_QUALITY: "#0072B2",
    Stage.ADAPTIVE: "#009E73",
    Stage.POINT: "#0072B2",
    Stage.CHEAPEST: "#0072B2",
    Stage.ALIGNED: "#0072B2",
    Stage.ONE_TO_ONE: "#0072B2",
}
STYLES = {
    Stage.BIPARTITE: "solid",
    Stage.SHARED: (0, (5, 2)),
    Stage.MAXIMUM: (0, (1, 1.2)),
    Stage.THRESHOLD: (0, (1, 1.2)),
}
TRUTH, LOST, REGION = "black", "#D55E00", "#7F7F7F"

# The line of a ground truth without an anchor, told apart without colours too.
DASHES = (0, (4, 2))

# What a matched pair is marked with in the matrix.
LETTERS = {
    Stage.SHARED: "s",
    Stage.MAXIMUM: "m",
    Stage.THRESHOLD: "h",
    Stage.LOW_QUALITY: "q",
    Stage.OTHER_MATCHER: "x",
    Stage.ADAPTIVE: "a",
    Stage.POINT: "p",
    Stage.CHEAPEST: "c",
    Stage.ALIGNED: "t",
    Stage.ONE_TO_ONE: "o",
}


def figure_of(size: tuple[float, float]) -> Any:
    """Return a figure of this width and height in inches, which a notebook shows as it is."""
    matplotlib_of("figure")  # which says what to install
    return _shown_figure()(figsize=size, layout="constrained")


@cache
def _shown_figure() -> Any:
    """Return a kind of figure that shows itself, made where matplotlib is imported anyway."""
    base = matplotlib_of("figure").Figure

    class ShownFigure(base):  # type: ignore[misc, valid-type]
        """A figure that notebooks show without `%matplotlib inline`."""

        def _repr_png_(self) -> bytes:
            made = BytesIO()
            self.savefig(made, format="png", dpi=SHOWN_DPI)
            return made.getvalue()

    # So that it is found by its name, when it is copied or pickled.
    ShownFigure.__qualname__ = "ShownFigure"
    return ShownFigure


def __getattr__(name: str) -> Any:
    if name == "ShownFigure":
        return _shown_figure()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def halo(width: float, more: float) -> list[Any]:
    """Return what draws a line of this width on a dark one that is broader by so much."""
    return [matplotlib_of("patheffects").withStroke(linewidth=width + more, foreground="black")]


def matplotlib_of(name: str) -> Any:
    """Return a module of matplotlib, or say how to install it."""
    try:
        return import_module(f"matplotlib.{name}")
    except ImportError as error:
        raise ImportError(
            f"pictures need matplotlib ({error}); install it with: pip install 'refkernels[viz]'"
        ) from None
