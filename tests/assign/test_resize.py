"""How images come to the input of a network."""

from typing import Any

import numpy as np
import pytest

from refkernels.assign import ImageAnnotations, Resize


def image_of(width: int, height: int, box: Any = (1, 2, 3, 4)) -> ImageAnnotations:
    return ImageAnnotations(1, width, height, np.array([box], float), np.zeros(1, int), [False])


@pytest.mark.parametrize(
    ("resize", "image", "scale", "shift", "size"),
    [
        (Resize(300, 300, "stretch"), image_of(600, 150), (0.5, 2.0), (0, 0), (300, 300)),
        (Resize(300, 300, "fit"), image_of(600, 150), (0.5, 0.5), (0, 0), (300, 300)),
        # 300 x 75 pixels of it, and 225 of nothing, which is odd: less above.
        (Resize(300, 300, "letterbox"), image_of(600, 150), (0.5, 0.5), (0, 112), (300, 300)),
        (Resize(300, 400, "letterbox"), image_of(300, 300), (1.0, 1.0), (50, 0), (300, 400)),
        # 480 to 800 is 5/3, and 640 to 1066 and two thirds.
        (
            Resize(800, 1333, "shorter"), image_of(640, 480),
            (1067 / 640, 800 / 480), (0, 0), (800, 1088),
        ),
        (
            Resize(800, 1333, "shorter", cut=True), image_of(640, 480),
            (1066 / 640, 800 / 480), (0, 0), (800, 1088),
        ),
        # The longer side is held to 1333: 600 by that, and 100 by it is 222.
        (
            Resize(1333, 800, "shorter"), image_of(100, 600),
            (222 / 100, 1333 / 600), (0, 0), (1344, 224),
        ),
    ],
)  # fmt: skip
def test_an_image_comes_to_the_input_as_its_mode_says(
    resize: Resize, image: ImageAnnotations, scale: Any, shift: Any, size: Any
) -> None:
    assert resize.scale(image) == pytest.approx(scale, rel=1e-15)
    assert (resize.shift(image), resize.input_of(image)) == (shift, size)
    x, y = scale
    wanted = np.array([[x, 2 * y, 3 * x, 4 * y]]) + np.tile(shift, 2)
    np.testing.assert_allclose(resize.boxes(image), wanted, rtol=1e-15)
    left, above, right, below = resize.frame(image)
    assert 0 <= left < right <= size[1]
    assert 0 <= above < below <= size[0]


def test_a_thin_image_keeps_a_pixel() -> None:
    assert Resize(64, 64, "letterbox").shift(image_of(1, 6400)) == (31, 0)
    assert Resize(64, 64, "shorter").input_of(image_of(1, 6400)) == (64, 32)


def test_shorter_is_what_torchvision_does_with_images_and_boxes() -> None:
    torch = pytest.importorskip("torch")
    transform = pytest.importorskip("torchvision.models.detection.transform")
    resized = transform.GeneralizedRCNNTransform(256, 400, [0.0] * 3, [1.0] * 3)
    rng = np.random.default_rng(0)
    for width, height in rng.integers(30, 700, (60, 2)).tolist():
        image = image_of(width, height, (1.5, 2, width * 0.6, height * 0.9))
        given = {"boxes": torch.tensor(image.boxes, dtype=torch.float32)}
        pixels, found = resized([torch.zeros(3, height, width)], [given])
        own = Resize(256, 400, "shorter", cut=True)
        assert own.input_of(image) == tuple(pixels.tensors.shape[-2:])
        np.testing.assert_allclose(found[0]["boxes"], own.boxes(image), rtol=1e-6)


def test_a_letterbox_is_that_of_ultralytics() -> None:
    augment = pytest.importorskip("ultralytics.data.augment")
    instance = pytest.importorskip("ultralytics.utils.instance")
    rng = np.random.default_rng(0)
    for width, height in rng.integers(30, 700, (60, 2)).tolist():
        image = image_of(width, height, (1.5, 2, width * 0.6, height * 0.9))
        boxes = instance.Instances(
            image.boxes.astype(np.float32), bbox_format="xyxy", normalized=False
        )
        given = {"img": np.zeros((height, width, 3), np.uint8), "instances": boxes}
        found = augment.LetterBox((256, 320))({**given, "cls": np.zeros(1)})["instances"].bboxes
        wanted = Resize(256, 320, "letterbox").boxes(image)
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-4)
