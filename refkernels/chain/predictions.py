"""What a network predicts for an image, which some matchers look at."""

from __future__ import annotations

from typing import Any, NamedTuple

from refkernels.arrays import Array, as_boxes, as_real, require

__all__ = ["Predictions"]


class Predictions(NamedTuple):
    """The predictions of one image, or of a batch with a leading axis.

    Tensors of PyTorch on the CPU are looked at where they are, without a copy, and without their
    gradients.

    Attributes
    ----------
    boxes : array_like, real, (N, 4)
        Predicted boxes: corners in pixels of the network's input, for `HungarianMatcher` centre
        forms as shares of it.
    scores : array_like, real, (N, C)
        Of each class; what the cost takes: after the sigmoid for `SimOTACost` and
        `TaskAlignedMetric`, logits for `DETRCost`.
    """

    boxes: Any
    scores: Any

    @classmethod
    def of(cls, given: Any) -> Predictions:
        """Return predictions of a pair, a mapping of these names, or of themselves.

        Raises
        ------
        TypeError, ValueError
            If they are none, not finite, or their shapes do not go together.
        """
        if isinstance(given, dict):
            unknown = sorted(set(given) ^ {"boxes", "scores"})
            require(not unknown, f"predictions: expected boxes and scores, got {', '.join(given)}")
            given = given["boxes"], given["scores"]
        if not isinstance(given, (tuple, list)) or len(given) != 2:
            raise TypeError(f"predictions: expected boxes and scores, got {type(given).__name__}")
        boxes = as_boxes("predictions.boxes", _detached(given[0]))
        scores = as_real("predictions.scores", _detached(given[1]), min_ndim=2)
        require(
            boxes.shape[:-1] == scores.shape[:-1],
            f"predictions.scores: expected those of {boxes.shape[:-1]} boxes, got shape "
            f"{scores.shape}",
        )
        return cls(boxes, scores)

    def image(self, index: int) -> Predictions:
        """Return those of one image of a batch."""
        return Predictions(self.boxes[index], self.scores[index])


def _detached(value: Any) -> Array:
    """Return a tensor without its gradient, and anything else as it is."""
    own: Array = value.detach() if hasattr(value, "detach") else value
    return own
