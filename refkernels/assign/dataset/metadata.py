"""What is noted beside the targets of a run, and must be the same where another goes on."""

import json
from hashlib import sha256
from typing import Any

import refkernels
from refkernels.annotations.images import AnnotationSet
from refkernels.assign.dataset.part import rest
from refkernels.assign.dataset.storage import FORMAT
from refkernels.assign.network import Detector

__all__ = ["LARGEST_SEED", "metadata_of"]

# What JSON says in full.
LARGEST_SEED = 2**128 - 1


def metadata_of(
    annotations: AnnotationSet,
    detector: Detector,
    options: dict[str, Any],
    seed: int,
    part_size: int,
) -> dict[str, Any]:
    """Return all that targets depend on, as JSON reads it again."""
    digest = sha256()
    for image in annotations.images:
        digest.update(repr((image.image_id, image.width, image.height)).encode())
        for array in (image.boxes, image.labels, image.iscrowd):
            digest.update(array.tobytes())
    assigner, resize = detector.assigner, detector.resize
    noted = {
        "format": FORMAT,
        "version": refkernels.__version__,
        "preset": detector.preset,
        "name": assigner.name,
        "options": {name: repr(value) for name, value in options.items()},
        "operators": repr(assigner.operators),
        "anchors": len(assigner),
        "anchors_sha256": sha256(assigner.anchors.tobytes()).hexdigest(),
        "dtype": assigner.dtype.name,
        "height": resize.height,
        "width": resize.width,
        "resize": resize.mode,
        "seed": seed,
        "part_size": part_size,
        "images": len(annotations.images),
        "annotations": digest.hexdigest(),
        "categories": annotations.categories,
        "anchors_kept": detector.anchors_kept and detector.by_size is None,
        "anchors_in_no_list_are": rest(assigner),
        "ignored_cls_target": getattr(assigner.operators.class_encoder, "ignore_label", -1),
    }
    plain: dict[str, Any] = json.loads(json.dumps(noted))  # as it is read again
    return plain
