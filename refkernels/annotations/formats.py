"""Ground truth from files of any of the forms that there are."""

from pathlib import Path

from refkernels.annotations.coco import read_coco
from refkernels.annotations.images import AnnotationSet
from refkernels.annotations.voc import read_voc
from refkernels.annotations.yolo import read_yolo
from refkernels.arrays import check_flag

__all__ = ["read_annotations"]


def read_annotations(path: str | Path, *, skip_bad: bool = False) -> AnnotationSet:
    """Read annotations of any of the forms that there are: COCO, Pascal VOC or YOLO.

    Parameters
    ----------
    path : str or pathlib.Path
        A COCO `instances` JSON file, or a folder of Pascal VOC XML files or YOLO text files.
    skip_bad : bool, default False
        Leave bad annotations out, and list them as `problems`, instead of raising.

    Returns
    -------
    AnnotationSet

    Raises
    ------
    ValueError
        One line that names the file, the image or annotation, and what is wrong.

    Examples
    --------
    >>> read_annotations("nowhere")
    Traceback (most recent call last):
    ValueError: nowhere: cannot be read: No such file or directory
    """
    folder, skip_bad = Path(path), check_flag("skip_bad", skip_bad)
    if not folder.is_dir():
        return read_coco(folder, skip_bad=skip_bad)
    for suffix, read in ((".xml", read_voc), (".txt", read_yolo)):
        if any(folder.glob(f"*{suffix}")):
            return read(folder, skip_bad=skip_bad)
    raise ValueError(f"{folder}: holds neither .xml (Pascal VOC) nor .txt (YOLO) files")
