"""An assigner that is described in a file: anchors and operators of one's own, or a preset changed.

::

    {
      "preset": "torchvision_retinanet",
      "anchors": {"grids": [{"sizes": [32, 64], "ratios": [0.5, 1, 2], "stride": 8}]},
      "matcher": {"operator": "ThresholdMatcher", "config": {"high": 0.6, "low": 0.4}},
      "size": [640, 640],
      "resize": "letterbox"
    }

Every member may be left out. Without a preset, anchors and a size have to be there, and operators
are those of `TargetAssigner`. Anchors are rows of corners, the name of a ``.npy`` or ``.json``
beside the file, or grids: the parameters of an `AnchorGrid` for each level of a pyramid, whose maps
are as large as the input over the stride, rounded up. Beside grids there may be ``"ranges"``, one
for each, of a `PointMatcher`. An operator that is not of this package is named ``module:Class``.
"""

import json
import math
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from refkernels.anchor import AnchorGrid
from refkernels.arrays import Array, as_boxes, check_choice, shown
from refkernels.assign.assigner import TargetAssigner
from refkernels.assign.operators import check_size
from refkernels.assign.resize import RESIZES
from refkernels.bbox import BBoxCornerToCenter
from refkernels.chain.layout import Layout
from refkernels.chain.published import BEYOND_IOUS, NETWORKS, PRESETS
from refkernels.chain.writing import decode_operator

__all__ = ["AssignerConfig", "decode_config", "read_config"]

FORMAT = 1

# What stands at each place, of this package; any other class is named with its module.
OPERATORS = {
    "matcher": (
        "BipartiteMatcher", "MaximumMatcher", "CompositeMatcher", "ThresholdMatcher",
        "ATSSMatcher", "PointMatcher",
    ),
    "sampler": ("NaiveSampler", "BalancedSampler", "QuotaSampler"),
    "class_encoder": ("MultiClassEncoder", "SigmoidClassEncoder"),
    "box_encoder": ("NormalizedBoxCenterEncoder", "DistanceEncoder", "BBoxCornerToCenter"),
}  # fmt: skip

PLAIN = ("dtype", "degenerate", "crowd_thresh", "name")
MEMBERS = (
    "format", "about", "preset", "options", "anchors", "layout", "size", "resize",
    *OPERATORS, *PLAIN,
)  # fmt: skip


@dataclass(frozen=True)
class Grids:
    """Anchors of a pyramid, for inputs of any size."""

    levels: tuple[AnchorGrid, ...]
    ranges: Any = None

    def laid_out(self, height: int, width: int) -> tuple[Array, Layout]:
        """Return the anchors of an input, and where they lie."""
        made, steps = [], []
        for grid in self.levels:
            step = grid.stride if isinstance(grid.stride, tuple) else (grid.stride, grid.stride)
            made.append(grid(math.ceil(height / step[0]), math.ceil(width / step[1])))
            steps.append(step[0])
        return np.concatenate(made), Layout([len(level) for level in made], steps, self.ranges)


@dataclass(frozen=True)
class AssignerConfig:
    """An assigner that was described; called with a size of the input, it makes it.

    Attributes
    ----------
    path : pathlib.Path
        The file, for messages.
    size : (int, int)
        Height and width of the input in pixels, unless another is asked for.
    resize : str
        How images are brought to that.
    fixed : bool
        Whether it is for no other size.
    preset : str or None
        What it begins with.
    options : dict
        Of the assigner: operators and plain parameters.
    anchors : numpy.ndarray or Grids or None
        None are the preset's.
    noted : dict
        The file's members, for what is written with it; without anchors that stand in it as rows.
    """

    path: Path
    size: tuple[int, int]
    resize: str
    fixed: bool
    preset: str | None
    options: dict[str, Any]
    anchors: Any
    noted: dict[str, Any]

    @property
    def name(self) -> str:
        """What the assigner is called."""
        return str(self.options.get("name", self.path.stem))

    def __call__(self, height: int, width: int) -> TargetAssigner:
        """Return the assigner for an input of this size in pixels.

        Raises
        ------
        ValueError, TypeError
            With the file's name, if its members do not go together.
        """
        if self.fixed and (height, width) != self.size:
            own = " x ".join(map(str, self.size))
            raise ValueError(f"size: {self.path} is for {own} pixels, got {height} x {width}")
        try:
            return self._make(height, width)
        except (ValueError, TypeError) as error:
            raise type(error)(f"{self.path}: {error}") from None

    def _make(self, height: int, width: int) -> TargetAssigner:
        options = {**self.options, "name": self.name}
        if self.anchors is None:
            network = NETWORKS[str(self.preset)]
            sizes = {} if network.fixed else {"height": height, "width": width}
            made: TargetAssigner = getattr(TargetAssigner, str(self.preset))(**sizes, **options)
            return made
        if self.preset is not None:
            known = {**PRESETS, **BEYOND_IOUS}[self.preset]
            options = {**{place: own for place, own in known.items() if place != "iou"}, **options}
        if isinstance(self.anchors, Grids):
            anchors, layout = self.anchors.laid_out(height, width)
            options = {"layout": layout, **options}
        else:
            anchors = self.anchors
        if isinstance(options.get("box_encoder"), BBoxCornerToCenter):
            options["size"] = (height, width)
        return TargetAssigner(anchors, **options)


def read_config(path: str | Path) -> AssignerConfig:
    """Read the description of an assigner.

    Parameters
    ----------
    path : str or pathlib.Path
        A JSON file, as above.

    Returns
    -------
    AssignerConfig
        Called with a height and a width it makes the assigner; `assign_dataset` takes it in place
        of a preset's name.

    Raises
    ------
    OSError
        If it, or the file of anchors, cannot be read.
    ValueError, TypeError
        One line with the file's name, the member, and what was expected there.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "small.json"
    ...     _ = path.write_text('{"anchors": [[0, 0, 8, 8], [8, 0, 16, 8]], "size": [8, 16]}')
    ...     config = read_config(path)
    >>> config(8, 16)
    <TargetAssigner small: 2 anchors, float32>
    """
    path = Path(path)
    text = path.read_bytes()
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: is not JSON: {error}") from None
    config = decode_config(path, data)
    config(*config.size)  # members that do not go together are found now
    return config


def decode_config(path: Path, data: Any) -> AssignerConfig:
    """Return what a file describes, from its members."""
    try:
        return _decoded(path, data)
    except (ValueError, TypeError) as error:
        said = str(error)
        raise type(error)(said if said.startswith(f"{path}:") else f"{path}: {said}") from None


def _decoded(path: Path, data: Any) -> AssignerConfig:
    if not isinstance(data, dict):
        raise ValueError(f"expected an object, got {shown(data)}")
    for name in data:
        if name not in MEMBERS:
            raise ValueError(f"unknown member {shown(name)}, expected {', '.join(MEMBERS)}")
    if data.get("format", FORMAT) != FORMAT:
        raise ValueError(f"format is {shown(data['format'])}, expected {FORMAT}")
    preset = data.get("preset")
    if preset is not None:
        preset = check_choice("preset", preset, tuple(NETWORKS))
    network = None if preset is None else NETWORKS[preset]
    anchors = _anchors(path, data["anchors"]) if "anchors" in data else None
    own = _object("options", data.get("options", {}))
    if own and (network is None or anchors is not None):
        raise ValueError("options: are those of a preset's anchors, and these are not a preset's")
    options = own | {name: data[name] for name in PLAIN if name in data}
    for role, names in OPERATORS.items():
        if role in data:
            options[role] = _operator(role, data[role], names)
    if "layout" in data:
        options["layout"] = _call("layout", Layout, data["layout"])
    size = check_size(data["size"]) if "size" in data else None
    if network is None:
        if anchors is None:
            raise ValueError("expected anchors, or a preset, or both")
        if size is None:
            raise ValueError("size: expected the height and the width of the input")
        resize, bound = "fit", False
    else:
        resize, bound = network.resize, network.fixed and anchors is None
        by_default = (network.height, network.width)
        size = size or by_default
        if bound and size != by_default:
            raise ValueError(f"size: {preset} is for {network.height} x {network.width} pixels")
    resize = check_choice("resize", data.get("resize", resize), RESIZES)
    fixed = bound or isinstance(anchors, np.ndarray)
    if fixed and resize == "shorter":
        raise ValueError("resize: 'shorter' needs anchors for any size: a preset's, or grids")
    noted = {
        name: own for name, own in data.items() if name != "anchors" or not isinstance(own, list)
    }
    return AssignerConfig(path, size, resize, fixed, preset, options, anchors, noted)


def _anchors(path: Path, given: Any) -> Any:
    if isinstance(given, dict) and set(given) <= {"grids", "ranges"}:
        grids = given.get("grids")
        if not isinstance(grids, list) or not grids:
            raise ValueError(f"anchors: grids: expected a list of levels, got {shown(grids)}")
        made = [_call(f"anchors: grids[{k}]", AnchorGrid, own) for k, own in enumerate(grids)]
        return Grids(tuple(made), given.get("ranges"))
    if isinstance(given, str):
        file = path.parent / given
        try:
            if file.suffix == ".npy":
                given = np.load(file, allow_pickle=False)
            elif file.suffix == ".json":
                given = json.loads(file.read_bytes())
            else:
                raise ValueError("expected a name that ends in .npy or .json")
        except (ValueError, EOFError, RecursionError) as error:
            raise ValueError(f"anchors: {file}: {error}") from None
    if not isinstance(given, (list, np.ndarray)):
        raise ValueError(
            f'anchors: expected rows, the name of a file, or {{"grids": [...]}}, got {shown(given)}'
        )
    return np.array(as_boxes("anchors", given))


def _object(place: str, given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise ValueError(f"{place}: expected an object, got {shown(given)}")
    return given


def _call(place: str, kind: Any, given: Any) -> Any:
    """Make something of parameters that were given, with its place in what goes wrong."""
    try:
        return kind(**_object(place, given))
    except (ValueError, TypeError) as error:
        said = str(error)
        raise type(error)(said if said.startswith(place) else f"{place}: {said}") from None


def _operator(role: str, given: Any, names: tuple[str, ...]) -> Any:
    """Build an operator of this package, or one of a class that is named ``module:Class``."""
    name = given.get("operator") if isinstance(given, dict) else given
    if not isinstance(name, str) or ":" not in name:
        return decode_operator(role, given, names)
    module, _, attribute = name.partition(":")
    try:
        kind = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{role}: {name}: {error}") from None
    return _call(
        f"{role}: {name}", kind, given.get("config", {}) if isinstance(given, dict) else {}
    )
