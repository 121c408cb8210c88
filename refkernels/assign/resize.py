"""How images of any size come to the input of a network, and how large that input is then."""

import math
from dataclasses import dataclass

import numpy as np

from refkernels.annotations.images import ImageAnnotations
from refkernels.arrays import Array

__all__ = ["RESIZES", "Resize"]

# What 'shorter' pads inputs to.
DIVISOR = 32

RESIZES = ("stretch", "fit", "letterbox", "shorter")


@dataclass(frozen=True)
class Resize:
    """How images are brought to the size of a network's input.

    Attributes
    ----------
    height, width : int
        That size in pixels; for ``'shorter'`` the smaller one is that of the shorter side, and the
        larger one what the longer side has at most.
    mode : {'stretch', 'fit', 'letterbox', 'shorter'}
        Each side to its own size; both by the factor that makes the image fit, and the rest of the
        input right and below; the same with the image in the middle, as YOLO has it; or the shorter
        side to its size, unless the longer one gets too long, and the input as large as the image,
        padded right and below to multiples of 32: then each image has its own anchors.
    cut : bool, default False
        Whether sides of ``'shorter'`` are cut to whole pixels, as torchvision does, or rounded.

    Examples
    --------
    >>> import numpy as np
    >>> from refkernels.assign import ImageAnnotations
    >>> nothing = np.empty((0, 4)), np.empty(0, int), np.empty(0, bool)
    >>> image = ImageAnnotations(1, 640, 480, *nothing)
    >>> Resize(640, 640, "letterbox").shift(image)
    (0, 80)
    >>> Resize(800, 1333, "shorter").input_of(image)
    (800, 1088)
    """

    height: int
    width: int
    mode: str
    cut: bool = False

    def scale(self, image: ImageAnnotations) -> tuple[float, float]:
        """Return the factors of x and y."""
        x, y = self.width / image.width, self.height / image.height
        if self.mode == "stretch":
            return x, y
        if self.mode == "shorter":
            height, width = self._sides(image)
            return width / image.width, height / image.height
        return (min(x, y),) * 2

    def shift(self, image: ImageAnnotations) -> tuple[int, int]:
        """Return how many pixels there are left of the image and above it, in the input."""
        if self.mode != "letterbox":
            return 0, 0
        scale = self.scale(image)[0]
        left = (self.width - max(1, round(image.width * scale))) / 2
        above = (self.height - max(1, round(image.height * scale))) / 2
        return round(left - 0.1), round(above - 0.1)  # of an odd number, less on this side

    def input_of(self, image: ImageAnnotations) -> tuple[int, int]:
        """Return the height and width of the input that this image has by itself."""
        if self.mode != "shorter":
            return self.height, self.width
        height, width = (-(-side // DIVISOR) * DIVISOR for side in self._sides(image))
        return height, width

    @property
    def largest(self) -> tuple[int, int]:
        """The height and width of an input that no image's exceeds in its number of pixels."""
        if self.mode != "shorter":
            return self.height, self.width
        height, width = (-(-side // DIVISOR) * DIVISOR for side in (self.height, self.width))
        return height, width

    def boxes(self, image: ImageAnnotations) -> Array:
        """Return the image's boxes in pixels of the input, crowds among them, (M, 4)."""
        scaled: Array = image.boxes * np.tile(self.scale(image), 2)
        return scaled + np.tile(self.shift(image), 2) if self.mode == "letterbox" else scaled

    def frame(self, image: ImageAnnotations) -> Array:
        """Return where the image itself is in the input, (4,)."""
        (x, y), (left, above) = self.scale(image), self.shift(image)
        return np.array([left, above, left + image.width * x, above + image.height * y])

    def _sides(self, image: ImageAnnotations) -> tuple[int, int]:
        """Return the height and width of an image that was resized by its shorter side."""
        short, long = sorted((image.height, image.width))
        least, most = sorted((self.height, self.width))
        factor = min(least / short, most / long)
        own = (image.height * factor, image.width * factor)
        whole = [math.floor(side) if self.cut else math.floor(side + 0.5) for side in own]
        return max(1, whole[0]), max(1, whole[1])
