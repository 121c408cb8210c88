"""What stages look like in pictures, and where these are drawn.

Colours are those of Okabe and Ito ("Color Universal Design", 2008) and of cividis, which differ for
colour-blind eyes too.
"""

from importlib import import_module
from typing import Any

from refkernels.explain.trace.records import Stage

__all__ = ["COLORS", "LETTERS", "LOST", "REGION", "STYLES", "TRUTH", "figure_of", "matplotlib_of"]

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
    """Return a figure of this width and height in inches."""
    return matplotlib_of("figure").Figure(figsize=size, layout="constrained")


def matplotlib_of(name: str) -> Any:
    """Return a module of matplotlib, or say how to install it."""
    try:
        return import_module(f"matplotlib.{name}")
    except ImportError as error:
        raise ImportError(
            f"pictures need matplotlib ({error}); install it with: pip install 'refkernels[viz]'"
        ) from None
