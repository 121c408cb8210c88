"""Targets as what PyTorch's `DataLoader` takes, without PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from refkernels.assign.reading.targets import StoredTargets

__all__ = ["TrainingDataset"]


class TrainingDataset:
    """A data set of dicts of fixed arrays, which PyTorch's `DataLoader` makes into batches.

    It needs no PyTorch itself. To have images with it, make a data set of your own that holds it,
    and put the image into the dict: see docs/training.md.
    """

    def __init__(self, targets: StoredTargets) -> None:
        self.targets = targets

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, position: int) -> dict[str, Any]:
        """Return the targets of an image.

        Returns
        -------
        dict
            `position`, and by their names the arrays of `Targets`, of every anchor: `cls_targets`,
            `matches` and `samples` int64 (N,), `box_targets` and `box_masks` (N, 4).
        """
        found = self.targets.batch([position])
        return {
            "position": int(position),
            "cls_targets": found.cls_targets[0],
            "box_targets": found.box_targets[0],
            "box_masks": found.box_masks[0],
            "matches": found.matches[0],
            "samples": found.samples[0],
        }
