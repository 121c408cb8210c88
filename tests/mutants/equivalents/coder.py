"""Generated mutants of coders that no case can show, by the reason why."""

from tests.mutants.equivalents.equivalent import declared
from tests.mutants.equivalents.reasons import (
    COPIED,
    MORE_MEMORY,
    OF_ERRORS,
    ONE_DTYPE,
    ONE_IMAGE,
)

__all__ = ["EQUIVALENTS"]

EQUIVALENTS = declared(
    {
        ONE_IMAGE: (
            ("coder/distance.py", "coded[0]", "coded[ -1]"),
            ("coder/heatmap_encoder.py", "result[0]", "result[ -1]"),
        ),
        COPIED: (
            ("coder/distance.py", "copy=False", "copy=True"),
            ("coder/heatmap_encoder.py", "copy=False", "copy=True"),
        ),
        ONE_DTYPE: (
            ("coder/distance.py", "inputs[0].dtype)", "inputs[ 1].dtype)"),
            ("coder/distance.py", "inputs[0].dtype)", "inputs[ -1].dtype)"),
        ),
        "it divides by 1, however many of them there are": (
            ("coder/distance.py", "np.ones((1, 2)", "np.ones(( 2, 2)"),
            ("coder/distance.py", "np.ones((1, 2)", "np.ones((1, 3)"),
        ),
        OF_ERRORS: (
            ("coder/heatmap_encoder.py", "wrong >= 0", "wrong > 0"),
            ("coder/heatmap_encoder.py", "wrong >= 0", "wrong >= 1"),
            ("coder/heatmap_encoder.py", "rows.shape[1])", "rows.shape[ 2])"),
            ("coder/heatmap_encoder.py", "rows.shape[1])", "rows.shape[ 0])"),
            (
                "coder/heatmap_encoder.py",
                "image * boxes.shape[1] + i",
                "image * boxes.shape[1] - i",
            ),
            (
                "coder/heatmap_encoder.py",
                "image * boxes.shape[1] + i",
                "image / boxes.shape[1] + i",
            ),
            (
                "coder/heatmap_encoder.py",
                "image * boxes.shape[1] + i",
                "image * boxes.shape[ 2] + i",
            ),
            (
                "coder/heatmap_encoder.py",
                "image * boxes.shape[1] + i",
                "image * boxes.shape[ 0] + i",
            ),
            ("coder/heatmap_encoder.py", "return -1", "return - 2"),
        ),
        "what has a class that there is not is no valid input": (
            ("coder/heatmap_encoder.py", "label >= classes", "label > classes"),
            ("coder/heatmap_encoder.py", "label < 0", "label < -1"),
            ("coder/heatmap_encoder.py", "label < 0 or", "label < 0 and"),
        ),
        "it only says how much memory there has to be": (
            ("coder/heatmap_encoder.py", "num_class, 2)", "num_class, 3)"),
            ("coder/heatmap_encoder.py", "num_class, 2)", "num_class, 1)"),
        ),
        MORE_MEMORY: (
            ("coder/heatmap_encoder.py", "num_class, 2, 2, 1)", "num_class, 2, 2, 2)"),
            ("coder/heatmap_encoder.py", "reach + 1, profile", "reach + 2, profile"),
        ),
        "the mask has one channel, the first and the last": (
            ("coder/heatmap_encoder.py", "mask[:, 0]", "mask[:, -1]"),
            ("coder/heatmap_encoder.py", "mask[image, 0,", "mask[image, -1,"),
        ),
        "a radius of 0 and one of less than 1 are the same": (
            ("coder/heatmap_encoder.py", "height == 0", "height == 1"),
        ),
        "any power of two near the sides keeps squares from overflow, and changes no digit": (
            ("coder/heatmap_encoder.py", "[1] - 1)", "[1] + 1)"),
            ("coder/heatmap_encoder.py", "[1] - 1)", "[1] - 2)"),
            ("coder/heatmap_encoder.py", "[1] - 1)", "[1] - 0)"),
            ("coder/heatmap_encoder.py", "ldexp(1.0", "ldexp( 2.0"),
        ),
    }
)
