"""The image that a command explains, and how a preset assigns it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from refkernels.arrays import Array, require
from refkernels.bbox import BBoxBatchIOU
from refkernels.chain.published import PREDICTING_NETWORKS
from refkernels.explain.trace.trace import Trace, explain

__all__ = ["Scene", "read_predictions", "trace_of"]

NEAREST = 5


@dataclass(frozen=True)
class Scene:
    """One image of annotations.

    Attributes
    ----------
    image : refkernels.annotations.images.ImageAnnotations
    source : str
        Where it comes from.
    classes : tuple of str
        What labels are called.
    annotations : pathlib.Path, optional
        Where it was read from; None of one that is generated.
    """

    image: Any
    source: str
    classes: tuple[str, ...] = ()
    annotations: Path | None = None

    @classmethod
    def of(cls, annotations: Path | None, image: str | None) -> Scene:
        """Read an image: by default the first with objects, of a few that are generated.

        Raises
        ------
        ValueError, OSError
            If annotations cannot be read, or there is no such image.
        """
        from refkernels.assign import read_annotations, sample_images

        found = sample_images() if annotations is None else read_annotations(annotations)
        classes = tuple(name for _, name in found.categories)
        return cls(_chosen(found, image), str(found.source), classes, annotations)

    @property
    def size(self) -> tuple[int, int]:
        """The width and height of the image, as the annotations have them."""
        return self.image.width, self.image.height

    def photo(self, picture: Path | None, pictures: Path | None) -> Path | None:
        """Return the image's photo: a file, or what the annotations name of a folder.

        Raises
        ------
        ValueError, OSError
            If both are given, or the folder has no such photo.
        """
        from refkernels.annotations.photos import find_photo

        require(picture is None or pictures is None, "picture, pictures: expected one of both")
        if pictures is None:
            return picture
        require(
            self.annotations is not None,
            "pictures: a generated image has no photo, expected annotations as well",
        )
        assert self.annotations is not None
        return find_photo(self.annotations, self.image.image_id, pictures)


def read_predictions(path: Path) -> dict[str, Array]:
    """Read ``boxes`` (N, 4) and ``scores`` (N, C) of an ``.npz`` file.

    Raises
    ------
    OSError, ValueError
        If it cannot be read, or holds other arrays.
    """
    try:
        found = {}
        with path.open("rb") as file:
            read = np.load(file, allow_pickle=False)
            if not isinstance(read, np.ndarray):
                found = {name: read[name] for name in read.files}
    except (ValueError, BadZipFile, EOFError) as error:
        raise ValueError(f"{path}: no .npz file that can be read ({error})") from None
    require(
        set(found) == {"boxes", "scores"},
        f"{path}: expected an .npz with arrays called boxes and scores, got "
        f"{', '.join(found) or 'none'}",
    )
    return found


def trace_of(
    preset: Any,
    scene: Scene,
    predictions: dict[str, Array] | None = None,
    options: dict[str, Any] | None = None,
    size: tuple[int, int] | None = None,
    resize: str | None = None,
    seed: int = 0,
    operators: dict[str, Any] | None = None,
) -> tuple[Trace, tuple[float, float, float, float]]:
    """Return the trace of a preset on an image, and the corners of the image there.

    Raises
    ------
    TypeError, ValueError
        If a preset is unknown, a parameter is none of its own, or predictions are missing.
    """
    from refkernels.assign import TargetAssigner
    from refkernels.assign.dataset.part import numeric_id
    from refkernels.assign.network import called, detector_of, network_of

    options, name = options or {}, called(preset)
    require(
        not options or name in ("ssd300", "ssd512"),
        "boxes: only those of ssd300 and ssd512 come in two scales",
    )
    image = scene.image
    if name in PREDICTING_NETWORKS:
        sizes: dict[str, Any]
        sizes, own = network_of(name, size, resize, PREDICTING_NETWORKS)
        if name == "detr" and predictions is not None:
            of_one = predictions["boxes"].ndim > 1
            sizes["queries"] = predictions["boxes"].shape[-2] if of_one else 0
        assigner = getattr(TargetAssigner, name)(**sizes, **options)
    else:
        detector = detector_of(preset, options, size, resize)
        assigner, own = detector.of(image), detector.resize
    if operators:
        assigner, name = _with(assigner, operators), f"{name} with other operators"
    if assigner.predicts and predictions is None:
        count = "N" if name == "detr" else len(assigner)
        raise ValueError(
            f"predictions: {name} looks at what a network predicts, expected an .npz file with "
            f"boxes ({count}, 4) and scores ({count}, C)"
        )
    boxes = own.boxes(image).astype(assigner.dtype)
    trace = explain(
        assigner,
        boxes[~image.iscrowd],
        image.labels[~image.iscrowd],
        boxes[image.iscrowd],
        predictions=predictions,
        rng=seed,
        image_id=numeric_id(image.image_id),
        name=f"{name}, image {image.image_id} of {scene.source}",
        classes=scene.classes,
    )
    left, above, right, below = map(float, own.frame(image))
    return trace, (left, above, right, below)


def _with(assigner: Any, operators: dict[str, Any]) -> Any:
    """Return an assigner with some of its operators replaced."""
    require(
        operators.get("iou", BBoxBatchIOU()) == BBoxBatchIOU(),
        "config: iou: assigners take the IoUs of BBoxBatchIOU() alone",
    )
    own = assigner.operators
    return type(assigner)(
        assigner.anchors,
        *(
            operators.get(role, getattr(own, role))
            for role in ("matcher", "sampler", "box_encoder", "class_encoder")
        ),
        dtype=assigner.dtype,
        degenerate=assigner.degenerate,
        crowd_thresh=own.crowd_thresh,
        cost=own.cost,
        layout=own.layout,
        size=own.size,
        name=assigner.name,
    )


def _chosen(found: Any, image: str | None) -> Any:
    require(len(found) > 0, f"{found.source}: holds no image")
    if image is None:
        return next((own for own in found if len(own.boxes)), found[0])
    by_id = {str(own.image_id): own for own in found}
    if image in by_id:
        return by_id[image]
    raise ValueError(
        f"{found.source}: holds no image {image}; the nearest ids of {len(by_id)} are "
        f"{', '.join(_nearest(image, list(by_id)))}"
    )


def _nearest(wanted: str, ids: list[str]) -> list[str]:
    """Return the ids nearest by number, or else by spelling."""
    try:
        number = int(wanted)
        return sorted(sorted(ids, key=lambda own: abs(int(own) - number))[:NEAREST], key=int)
    except ValueError:
        return difflib.get_close_matches(wanted, ids, NEAREST, cutoff=0.0)
