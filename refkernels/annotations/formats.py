"""Ground truth from files of any of the forms that there are."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from refkernels.annotations.coco import coco_source
from refkernels.annotations.images import AnnotationSet
from refkernels.annotations.joined import joined
from refkernels.annotations.open_images import open_images_source
from refkernels.annotations.rules import Rules
from refkernels.annotations.source import Source
from refkernels.annotations.voc import image_set, voc_source
from refkernels.annotations.yolo import yolo_source
from refkernels.annotations.yolo_lists import lists_images, yolo_list_source, yolo_yaml_source
from refkernels.arrays import require

__all__ = ["read_annotations"]


def read_annotations(
    path: str | Path | Sequence[str | Path],
    *,
    skip_bad: bool = False,
    classes: Any = None,
    difficult: str | None = None,
    clip: bool = False,
    voc_origin: int = 1,
    images: str | Path | None = None,
    split: str = "train",
) -> AnnotationSet:
    """Read annotations of any of the forms that there are, from one file or folder, or several.

    Parameters
    ----------
    path : str or pathlib.Path, or a sequence of them
        An `instances` JSON file of COCO, LVIS or Objects365; a folder of Pascal VOC XML files, or
        a list of ``ImageSets``; a folder of YOLO text files, a ``data.yaml``, or a list of images;
        or a CSV file of boxes of Open Images. JSON and CSV may be packed by gzip. Several are
        read as one: the ids of their images have to differ, and their categories to be the same.
    skip_bad : bool, default False
        Leave bad annotations, images and, of several, files out, and list them as `problems`,
        instead of raising. The box of an annotation that is skipped is an ignored region, if it
        is a good one, so that what is on it is no background.
    classes : str, pathlib.Path, sequence or mapping, optional
        Which classes there are, in the order of their labels, the same for all forms: names, pairs
        of an id and a name (as `AnnotationSet.categories` has them), a map from names to labels,
        names in one string with commas between them, or a file: JSON, YAML, or a name a line.
        Without, labels follow from what the files declare or, where they declare nothing, hold.
    difficult : {'object', 'ignore', 'drop'}, optional
        What becomes of objects that are marked: VOC's ``difficult``, COCO's ``ignore``. By default
        VOC's are objects, and COCO's ignored regions.
    clip : bool, default False
        Clip boxes that jut out of their image; otherwise they are counted.
    voc_origin : {1, 0}, default 1
        Where VOC's pixels are counted from. From 1, a box begins at ``xmin - 1``, and ends at
        ``xmax``, as its last pixel is inside; 0 takes the numbers as they are, as most tools that
        write such files mean them.
    images : str or pathlib.Path, optional
        The folder of the images whose sizes YOLO and Open Images need.
    split : {'train', 'val', 'test'}, default 'train'
        Which part of a ``data.yaml``.

    Returns
    -------
    AnnotationSet

    Raises
    ------
    ValueError, TypeError, ImportError
        One line that names the file, the image or annotation, and what is wrong.

    Examples
    --------
    >>> read_annotations("nowhere")
    Traceback (most recent call last):
    ValueError: nowhere: cannot be read: No such file or directory
    """
    rules = Rules.of(
        skip_bad=skip_bad,
        classes=classes,
        difficult=difficult,
        clip=clip,
        voc_origin=voc_origin,
        images=images,
        split=split,
    )
    paths = [Path(path)] if isinstance(path, (str, Path)) else [Path(one) for one in path]
    require(len(paths) > 0, "annotations: expected a file or a folder, got none")
    sources: list[Source] = []
    lost: list[str] = []
    for one in paths:
        try:
            one.stat()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise ValueError(f"{one}: cannot be read: {reason}") from None
        try:
            sources.append(_source(one, rules))
        except ValueError as error:
            if not rules.skip_bad or len(paths) == 1:
                raise
            lost.append(str(error))
    if not sources:
        raise ValueError(f"no file is left; {lost[0]}")
    return joined(sources, rules, lost)


def _source(path: Path, rules: Rules) -> Source:
    """Return what a file or folder has, by what it is called and what it holds."""
    if not path.is_dir():
        suffixes = [suffix.lower() for suffix in path.suffixes]
        suffix = next((own for own in reversed(suffixes) if own != ".gz"), "")
        if suffix == ".csv":
            return open_images_source(path, rules)
        if suffix in (".yaml", ".yml"):
            return yolo_yaml_source(path, rules)
        if suffix == ".txt":
            if lists_images(path):
                return yolo_list_source(path, rules)
            return voc_source(path, rules, image_set(path))
        return coco_source(path, rules)
    for suffix, read in ((".xml", voc_source), (".txt", yolo_source)):
        if any(path.glob(f"*{suffix}")):
            return read(path, rules)
    raise ValueError(f"{path}: holds neither .xml (Pascal VOC) nor .txt (YOLO) files")
