"""Whose assignment it is, for which input, and how images come to that."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from refkernels.annotations.images import ImageAnnotations
from refkernels.arrays import check_choice, shown
from refkernels.assign.assigner import TargetAssigner
from refkernels.assign.by_size import AssignersBySize
from refkernels.assign.config import AssignerConfig
from refkernels.assign.operators import check_size
from refkernels.assign.resize import RESIZES, Resize
from refkernels.chain.published import NETWORKS, Network

__all__ = ["Detector", "Given", "called", "detector_of", "network_of"]

# What a detector is given as: the name of a preset, a description, or an assigner.
Given = str | AssignerConfig | TargetAssigner

# What the packages' detectors resize by: the shorter side to 800 pixels, the longer one to at most
# 1333.
SHORTER = (800, 1333)


class Detector(NamedTuple):
    """An assigner with the input it is for.

    Attributes
    ----------
    assigner : TargetAssigner
        That of the input as it was asked for.
    resize : Resize
        How images come to it.
    by_size : AssignersBySize or None
        Where images have inputs of their own sizes, the assigners of those.
    preset : str
        The name of the preset, or of what it is that is none.
    anchors_kept : bool
        Whether anchors have to be kept with targets, as no preset makes them again.
    """

    assigner: TargetAssigner
    resize: Resize
    by_size: AssignersBySize | None
    preset: str
    anchors_kept: bool

    def of(self, image: ImageAnnotations) -> TargetAssigner:
        """Return the assigner of an image's input."""
        sizes = self.resize.input_of(image)
        return self.assigner if self.by_size is None else self.by_size(*sizes)


def detector_of(
    given: Given,
    options: dict[str, Any] | None = None,
    size: tuple[int, int] | None = None,
    resize: str | None = None,
) -> Detector:
    """Return an assigner and its input.

    Parameters
    ----------
    given : str, AssignerConfig or TargetAssigner
        The name of a preset, what `read_config` returns, or an assigner of one's own.
    options : dict, optional
        The preset's parameters.
    size : (int, int), optional
        Height and width of the input in pixels; needed with an assigner.
    resize : str, optional
        One of `RESIZES`; with an assigner ``'fit'`` by default.

    Raises
    ------
    TypeError, ValueError
        One sentence that says which parameter does not go with the others.
    """
    if isinstance(given, str):
        sizes, own = network_of(given, size, resize)
        made: Any = getattr(TargetAssigner, given)
        if own.mode != "shorter":
            return Detector(made(**sizes, **(options or {})), own, None, given, False)
        by_size = AssignersBySize(given, **(options or {}))
        return Detector(by_size(*own.largest), own, by_size, given, False)
    if options:
        raise ValueError("options: are those of a preset")
    if isinstance(given, AssignerConfig):
        mode = given.resize if resize is None else check_choice("resize", resize, RESIZES)
        height, width = given.size if size is None else check_size(size)
        own = Resize(height, width, mode)
        if mode != "shorter":
            return Detector(given(height, width), own, None, given.name, True)
        if given.fixed:
            raise ValueError(f"resize: {given.path} is for one size, not for that of each image")
        by_size = AssignersBySize(given)
        return Detector(by_size(*own.largest), own, by_size, given.name, True)
    if not isinstance(given, TargetAssigner):
        raise TypeError(
            f"preset: expected a name, a description, or a TargetAssigner, got {shown(given)}"
        )
    if size is None:
        raise ValueError("size: expected the height and the width of the input of your assigner")
    mode = "fit" if resize is None else check_choice("resize", resize, RESIZES)
    if mode == "shorter":
        raise ValueError("resize: 'shorter' needs anchors for each size: a preset's, or grids")
    return Detector(given, Resize(*check_size(size), mode), None, str(given.name), True)


def called(given: Given) -> str:
    """Return what a detector is called."""
    return given if isinstance(given, str) else str(given.name)


def network_of(
    preset: str,
    size: tuple[int, int] | None = None,
    resize: str | None = None,
    known: Mapping[str, Network] = NETWORKS,
) -> tuple[dict[str, int], Resize]:
    """Return a preset's parameters for a network's input, and how images are brought to that."""
    network = known[check_choice("preset", preset, tuple(known))]
    mode = network.resize if resize is None else check_choice("resize", resize, RESIZES)
    if mode == "shorter" and network.fixed:
        raise ValueError(f"resize: {preset} is for {network.height} x {network.width} pixels")
    cut = mode == "shorter" and preset.startswith("torchvision")
    if size is None and mode == "shorter":
        size = SHORTER
    if size is None:
        return {}, Resize(network.height, network.width, mode)
    if network.fixed:
        raise ValueError(f"size: {preset} is for {network.height} x {network.width} pixels")
    height, width = check_size(size)
    return {"height": height, "width": width}, Resize(height, width, mode, cut)
