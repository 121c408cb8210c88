"""A whole data set against a set of anchors: which objects get none or few, and why not."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from refkernels.annotations.images import AnnotationSet, ImageAnnotations
from refkernels.arrays import Array, check_integer, require
from refkernels.assign.assigner import TargetAssigner
from refkernels.assign.dataset.durable import write_bytes
from refkernels.assign.dataset.metadata import LARGEST_SEED
from refkernels.assign.dataset.part import SIZES
from refkernels.assign.network import Given, detector_of
from refkernels.assign.resize import Resize
from refkernels.assign.surveying.alternatives import (
    Alternative,
    Telling,
    alternatives,
    check_can_fit,
    has_shapes,
    threshold_of,
)
from refkernels.assign.surveying.matches import Matches
from refkernels.assign.surveying.objects import ASPECTS, Group, Objects, group, survey_objects
from refkernels.assign.surveying.shapes import MOST_SHAPES, Shapes

__all__ = ["ImageSurvey", "Survey", "survey"]

# Bars of the histogram of best IoUs.
BARS = 20

# Images and classes that are listed, of what is worst.
WORST_IMAGES = 20

FORMAT = 1


class ImageSurvey(NamedTuple):
    """One image, and what anchors do for its objects.

    Attributes
    ----------
    image_id : int or str
    width, height : int
        In pixels.
    objects, without, few : int
        Objects, and how many of them are matched with no anchor, and with few.
    best_iou : float
        The mean of its objects' largest IoU.
    place : int
        Where the image is among those surveyed.
    """

    image_id: int | str
    width: int
    height: int
    objects: int
    without: int
    few: int
    best_iou: float
    place: int

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {name: value for name, value in self._asdict().items() if name != "place"}


@dataclass(frozen=True, eq=False)
class Survey:
    """What a set of anchors does for the objects of a data set.

    Attributes
    ----------
    source : str
        Where the images come from.
    name : str
        That of the assigner.
    anchors : int
    resize : Resize
        The network's input, and how images are brought to it.
    images : sequence of ImageAnnotations
        Those that were surveyed.
    images_in_source : int
        How many there are; where that is more, they were taken evenly spread.
    categories : tuple of (int or str, str)
        The id and the name of each class, in the order of labels.
    objects : Objects
        A row each.
    few : int
        The most anchors that are few.
    threshold : float or None
        The least IoU that is matched, best pairs aside, if the matcher has such.
    covers : bool
        Whether anchors are boxes that IoUs say anything of; points are not.
    shapes : numpy.ndarray, float64, (K, 2)
        Widths and heights of the distinct shapes of anchors in pixels of the network's input;
        of points, or of more than 64 shapes, none.
    alternatives : tuple of Alternative
        What other thresholds, scales, ratios and shapes would do, on `tried` images.
    tried : int
    """

    source: str
    name: str
    anchors: int
    resize: Resize
    images: Sequence[ImageAnnotations]
    images_in_source: int
    categories: tuple[tuple[int | str, str], ...]
    objects: Objects
    few: int
    threshold: float | None
    covers: bool
    shapes: Array
    alternatives: tuple[Alternative, ...] = field(default=())
    tried: int = 0

    @property
    def few_said(self) -> str:
        """How many anchors are few, such as "1 to 2"."""
        return "1" if self.few == 1 else f"1 to {self.few}"

    def total(self) -> Group:
        """Return the sums over all objects."""
        (whole,) = group(self.objects, np.zeros(len(self.objects), np.int64), ["all"], self.few)
        return whole

    def by_size(self) -> tuple[Group, ...]:
        """Return the sums by COCO's sizes, in pixels of the original image."""
        return group(self.objects, self.objects.size, list(SIZES), self.few)

    def by_aspect(self) -> tuple[Group, ...]:
        """Return the sums by width to height, in the original image."""
        return group(self.objects, self.objects.aspect, list(ASPECTS), self.few)

    def by_class(self) -> tuple[Group, ...]:
        """Return the sums by class, in the order of labels."""
        count = max(len(self.categories), int(self.objects.label.max(initial=-1)) + 1)
        names = [name for _, name in self.categories]
        names += [str(label) for label in range(len(names), count)]
        return group(self.objects, self.objects.label, names, self.few)

    def coverage(self) -> dict[str, Array]:
        """Return how many objects of each size have which largest IoU with any anchor.

        Returns
        -------
        dict of str to numpy.ndarray, int64, (20,)
            By size; bar k counts those from k / 20 up to (k + 1) / 20, the last one 1 as well.
        """
        bar = np.minimum((self.objects.best_iou * BARS).astype(np.int64), BARS - 1)
        size = self.objects.size
        return {
            name: np.bincount(bar[size == number], minlength=BARS)
            for number, name in enumerate(SIZES)
        }

    def worst(self, count: int = WORST_IMAGES) -> tuple[ImageSurvey, ...]:
        """Return the images with most objects without an anchor, then with most that have few.

        Those of equally many go by the mean of their objects' largest IoU. Images whose objects
        all have more than few are left out.
        """
        place, images = self.objects.image, len(self.images)
        rows = group(self.objects, place, [""] * images, self.few)
        bad = [number for number, row in enumerate(rows) if row.without or row.few]
        bad.sort(key=lambda k: (-rows[k].without, -rows[k].few, rows[k].best_iou))
        found = []
        for number in bad[:count]:
            own, row = self.images[number], rows[number]
            found.append(
                ImageSurvey(
                    own.image_id, own.width, own.height,
                    row.objects, row.without, row.few, row.best_iou, number,
                )
            )  # fmt: skip
        return tuple(found)

    def as_dict(self) -> dict[str, Any]:
        """Return what there is to say, as JSON has it."""
        network = {"height": self.resize.height, "width": self.resize.width}
        return {
            "format": FORMAT,
            "source": self.source,
            "name": self.name,
            "anchors": self.anchors,
            "network": {**network, "resize": self.resize.mode},
            "images": len(self.images),
            "images_in_source": self.images_in_source,
            "crowds": self.objects.crowds,
            "without_extent": self.objects.dropped,
            "few": self.few,
            "threshold": self.threshold,
            "all": self.total().as_dict(),
            "by_size": [own.as_dict() for own in self.by_size()],
            "by_aspect": [own.as_dict() for own in self.by_aspect()],
            "by_class": [own.as_dict() for own in self.by_class()],
            "coverage": {
                "edges": [k / BARS for k in range(BARS + 1)],
                **{name: own.tolist() for name, own in self.coverage().items()},
            }
            if self.covers
            else None,
            "worst_images": [own.as_dict() for own in self.worst()],
            "shapes": self.shapes.tolist(),
            "alternatives": {
                "images": self.tried,
                "tried": [own.as_dict() for own in self.alternatives],
            },
        }

    def as_json(self) -> str:
        """Return what there is to say as JSON."""
        return json.dumps(self.as_dict(), indent=1) + "\n"

    def as_html(self) -> str:
        """Return one HTML page that needs no other file.

        Raises
        ------
        ImportError
            Without Jinja.
        """
        page: str = import_module("refkernels.assign.surveying.page").as_page(self)
        return page

    def write_json(self, path: str | os.PathLike[str]) -> None:
        """Write `as_json`, whole or not at all; raise `OSError` if that fails."""
        write_bytes(Path(path), self.as_json().encode())

    def write_html(self, path: str | os.PathLike[str]) -> None:
        """Write `as_html`, whole or not at all; raise `OSError` if that fails."""
        write_bytes(Path(path), self.as_html().encode(errors="replace"))


def survey(
    annotations: AnnotationSet,
    preset: Given = "ssd300",
    *,
    options: dict[str, Any] | None = None,
    size: tuple[int, int] | None = None,
    resize: str | None = None,
    few: int = 2,
    limit: int | None = None,
    tried: int = 0,
    seed: int = 0,
    threads: int = 1,
    progress: Telling | None = None,
) -> Survey:
    """Survey which objects of a data set get anchors.

    An object's anchors are those that it is matched with, before a sampler draws from them.

    Parameters
    ----------
    annotations : AnnotationSet
        What `read_annotations` or `sample_images` returns; crowds are left out.
    preset : str or TargetAssigner, default 'ssd300'
        The name of a preset, or an assigner, which needs a `size`.
    options : dict, optional
        The preset's parameters.
    size : (int, int), optional
        Height and width of the network's input in pixels, for presets that leave it open.
    resize : {'stretch', 'fit'}, optional
        How images are brought to that size: by default as the preset's paper does, or 'fit'.
    few : int, default 2
        The most anchors that are few.
    limit : int, optional
        Survey no more images than that, evenly spread over the data set.
    tried : int, default 0
        On how many images, evenly spread, other thresholds, scales, ratios and shapes are tried;
        0 tries none. Shapes are fitted to objects of all images, which needs SciPy.
    seed : int, default 0
        What evolution of shapes draws by.
    threads : int, default 1
        How many threads share the images.
    progress : callable, optional
        Called with what is done, and the numbers of steps that are done, and of all.

    Returns
    -------
    Survey

    Raises
    ------
    ValueError, TypeError
        If a parameter is out of range, or the assigner looks at predictions.
    ImportError
        If shapes are to be tried, and SciPy is missing.

    Examples
    --------
    >>> from refkernels.assign import sample_images
    >>> found = survey(sample_images(20), "torchvision_ssd300")
    >>> [(own.name, own.objects, own.without) for own in found.by_size()]
    [('small', 70, 0), ('medium', 79, 0), ('large', 49, 0)]
    """
    few = check_integer("few", few, low=1)
    tried = check_integer("tried", tried, low=0)
    seed = check_integer("seed", seed, low=0, high=LARGEST_SEED)
    threads = check_integer("threads", threads, low=1)
    assigner, own = _network(preset, options or {}, size, resize)
    images = annotations.images
    if limit is not None:
        images = _spread(images, check_integer("limit", limit, low=1))
    covers = has_shapes(assigner)
    if tried:
        check_can_fit(assigner)

    def tell(what: str, done: int, total: int) -> None:
        """Pass the progress on, if anybody listens."""
        if progress is not None:
            progress(what, done, total)

    objects = survey_objects(
        Matches(assigner, threads), images, own, lambda *done: tell("surveying", *done)
    )
    chosen = _spread(images, tried) if tried else ()
    found: tuple[Alternative, ...] = ()
    if tried:
        found = alternatives(
            assigner, objects.scaled, chosen, own,
            few=few, seed=seed, threads=threads, telling=tell,
        )  # fmt: skip
    shapes = Shapes.among(assigner.anchors).sides if covers else np.empty((0, 2))
    return Survey(
        annotations.source, assigner.name, len(assigner), own, images, len(annotations),
        annotations.categories, objects, few, threshold_of(assigner.operators.matcher), covers,
        shapes if len(shapes) <= MOST_SHAPES else shapes[:0], found, len(chosen),
    )  # fmt: skip


def _network(
    preset: Given,
    options: dict[str, Any],
    size: tuple[int, int] | None,
    resize: str | None,
) -> tuple[TargetAssigner, Resize]:
    detector = detector_of(preset, options, size, resize)
    require(
        detector.by_size is None,
        "resize: a survey is of one input, and 'shorter' has many",
    )
    return detector.assigner, detector.resize


def _spread(images: tuple[ImageAnnotations, ...], count: int) -> tuple[ImageAnnotations, ...]:
    """Return so many images, evenly spread; all, if there are no more."""
    if len(images) <= count:
        return images
    return tuple(images[k * len(images) // count] for k in range(count))
