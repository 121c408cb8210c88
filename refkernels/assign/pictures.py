"""Pictures of an assignment: which anchors each object gets, and how many, by the object's size."""

from collections.abc import Iterable, Sequence
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from refkernels.annotations.images import ImageAnnotations
from refkernels.arrays import Array
from refkernels.arrays.printing import times
from refkernels.assign.assigner import TargetAssigner
from refkernels.assign.by_size import AssignersBySize
from refkernels.assign.dataset.part import SIZES, numeric_id, sizes_of
from refkernels.assign.resize import Resize

__all__ = ["draw_assignment", "plot_images", "plot_positives", "positives_per_object"]

# Upper ends of the bars of `plot_positives`.
BINS = (0, 1, 2, 4, 8, 16, 32, 64)


def plot_images(
    assigner: TargetAssigner | AssignersBySize,
    images: Iterable[ImageAnnotations],
    resize: Resize,
    folder: str | Path,
    *,
    seed: int = 0,
) -> list[Path]:
    """Draw the objects of some images with their positive anchors, a file each.

    Parameters
    ----------
    assigner : TargetAssigner or AssignersBySize
        The latter for inputs as large as images.
    images : iterable of ImageAnnotations
    resize : Resize
    folder : str or pathlib.Path
        Where ``image-ID.png`` go; made if it is missing.
    seed : int, default 0
        That of the assignment.

    Returns
    -------
    list of pathlib.Path
        The files.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for image in images:
        own = assigner
        if isinstance(own, AssignersBySize):
            own = own(*resize.input_of(image))
        figure = draw_assignment(own, image, resize, seed=seed)
        paths.append(folder / f"image-{str(image.image_id).replace('/', '_')}.png")
        figure.savefig(paths[-1], dpi=100)
    return paths


def draw_assignment(
    assigner: TargetAssigner, image: ImageAnnotations, resize: Resize, *, seed: int = 0
) -> Any:
    """Draw the objects of one image with their positive anchors: small, medium and large apart.

    Parameters
    ----------
    assigner, image, resize, seed
        As for `plot_images`.

    Returns
    -------
    matplotlib.figure.Figure
        Objects have thick lines, their anchors thin ones of the same colour, ignored regions are
        hatched. Coordinates are pixels of the network's input.
    """
    figure = _matplotlib("figure").Figure(figsize=(15, 5.4), layout="constrained")
    own, scaled = ~image.iscrowd, resize.boxes(image)
    boxes, regions = scaled[own], scaled[~own]
    place = numeric_id(image.image_id)
    found = assigner.sparse(boxes, image.labels[own], regions, rng=seed, image_ids=place)
    size = sizes_of(image.boxes[own])
    colors = _matplotlib("colormaps").get_cmap("tab10")
    for number, (name, axis) in enumerate(zip(SIZES, figure.subplots(1, 3), strict=True)):
        shown = np.flatnonzero(size == number)
        anchors = 0
        for order, truth in enumerate(shown):
            color = colors(order % 10)
            for row in found.positives[found.matches == truth]:
                _draw(axis, assigner.anchors[row], edgecolor=color, linewidth=0.6, alpha=0.6)
                anchors += 1
            _draw(axis, boxes[truth], edgecolor=color, linewidth=2.2)
        for region in regions:
            _draw(axis, region, edgecolor="gray", hatch="//", linewidth=0.5, alpha=0.5)
        _draw(
            axis,
            resize.frame(image),
            edgecolor="black",
            linewidth=0.8,
        )
        axis.set_title(f"{name}: {times(len(shown), 'object')}, {times(anchors, 'anchor')}")
        axis.set_aspect("equal")
        axis.autoscale_view()
        axis.invert_yaxis()
    figure.suptitle(f"{assigner.name}, image {image.image_id}")
    return figure


def positives_per_object(parts: Sequence[Path]) -> dict[str, Array]:
    """Count the positive anchors of every object of a data set.

    Parameters
    ----------
    parts : sequence of pathlib.Path
        Parquet files, or an ``.npz``, as `assign_dataset` writes them.

    Returns
    -------
    dict of str to numpy.ndarray
        For each size, the number of each object.
    """
    counts: dict[str, list[Array]] = {name: [] for name in SIZES}
    for part in parts:
        columns = _columns(part)
        scale = np.stack([columns["scale_x"], columns["scale_y"]], axis=1)
        starts = columns["boxes_offsets"]
        owner = np.repeat(np.arange(len(scale)), np.diff(starts))
        original = columns["boxes"].astype(np.float64) / np.tile(scale, 2)[owner]
        match_owner = np.repeat(np.arange(len(scale)), np.diff(columns["matches_offsets"]))
        truth = columns["matches"] + starts[:-1][match_owner]
        positives = np.bincount(truth, minlength=len(owner))
        size = sizes_of(original)
        for number, own in enumerate(counts.values()):
            own.append(positives[size == number])
    nothing = [np.empty(0, np.int64)]
    return {name: np.concatenate(own or nothing) for name, own in counts.items()}


def plot_positives(counts: dict[str, Array], path: str | Path, title: str = "") -> None:
    """Draw how many positive anchors objects have, by size.

    Parameters
    ----------
    counts : dict of str to numpy.ndarray
        What `positives_per_object` returns.
    path : str or pathlib.Path
        The picture's file.
    title : str, optional
        What stands above it.
    """
    figure = _matplotlib("figure").Figure(figsize=(8, 4.5), layout="constrained")
    axis = figure.subplots()
    names = ["0", "1", "2", *(f"{low + 1}-{high}" for low, high in pairwise(BINS[2:]))]
    names.append(f"> {BINS[-1]}")
    for number, (size, own) in enumerate(counts.items()):
        shares = np.bincount(np.searchsorted(BINS, own), minlength=len(names)) / max(1, len(own))
        mean = own.mean() if len(own) else 0.0
        label = f"{size}: {times(len(own), 'object')}, {mean:.1f} anchors each"
        axis.bar(np.arange(len(names)) + 0.27 * (number - 1), 100 * shares, 0.27, label=label)
    axis.set_xticks(np.arange(len(names)), names)
    axis.set(xlabel="positive anchors of an object", ylabel="% of the objects of the size")
    axis.set_title(title)
    axis.legend()
    figure.savefig(path, dpi=110)


def _draw(axis: Any, box: Array, **style: Any) -> None:
    corner, sides = (float(box[0]), float(box[1])), box[2:] - box[:2]
    patch = _matplotlib("patches").Rectangle(corner, *map(float, sides), fill=False, **style)
    axis.add_patch(patch)


def _columns(part: Path) -> dict[str, Array]:
    """Read what `positives_per_object` looks at."""
    if part.suffix == ".npz":
        with np.load(part) as data:
            return {name: data[name] for name in data.files if name != "refkernels"}
    table = import_module("pyarrow.parquet").read_table(
        part, columns=["scale_x", "scale_y", "boxes", "matches"]
    )
    columns = {name: table[name].to_numpy() for name in ("scale_x", "scale_y")}
    for name in ("boxes", "matches"):
        merged = table[name].combine_chunks()
        columns[f"{name}_offsets"] = np.asarray(merged.offsets)
        flat = merged.values.flatten() if name == "boxes" else merged.values
        columns[name] = flat.to_numpy().reshape((-1, 4) if name == "boxes" else -1)
    return columns


def _matplotlib(name: str) -> Any:
    try:
        import_module("matplotlib.figure")
        matplotlib = import_module("matplotlib")
        return matplotlib.colormaps if name == "colormaps" else import_module(f"matplotlib.{name}")
    except ImportError as error:
        raise ImportError(
            f"pictures need matplotlib ({error}); install it with: pip install 'refkernels[viz]'"
        ) from None
