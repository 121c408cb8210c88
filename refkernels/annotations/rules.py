"""How files are read, where there is a choice."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from refkernels.annotations.classes import ClassMap, as_class_map
from refkernels.arrays import check_choice, check_flag, check_integer, require

__all__ = ["DIFFICULT", "SPLITS", "Rules"]

# What becomes of objects that are marked, and how that is said.
DIFFICULT = {"object": "as objects", "ignore": "as ignored regions", "drop": "left out"}

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Rules:
    """How files are read; the parameters are those of `read_annotations`."""

    classes: ClassMap | None = None
    skip_bad: bool = False
    difficult: str | None = None
    clip: bool = False
    voc_origin: int = 1
    images: Path | None = None
    split: str = "train"

    @classmethod
    def of(
        cls,
        classes: Any = None,
        skip_bad: Any = False,
        difficult: Any = None,
        clip: Any = False,
        voc_origin: Any = 1,
        images: Any = None,
        split: Any = "train",
    ) -> "Rules":
        """Return the rules that somebody asks for, checked."""
        folder = None if images is None else Path(images)
        require(folder is None or folder.is_dir(), f"images: expected a folder, got {folder}")
        return cls(
            skip_bad=check_flag("skip_bad", skip_bad),
            classes=as_class_map(classes),
            difficult=None
            if difficult is None
            else check_choice("difficult", difficult, tuple(DIFFICULT)),
            clip=check_flag("clip", clip),
            voc_origin=check_integer("voc_origin", voc_origin, low=0, high=1),
            images=folder,
            split=check_choice("split", split, SPLITS),
        )
