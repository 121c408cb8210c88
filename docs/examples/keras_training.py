"""Train a small detector in Keras, on any of its backends, on targets of a whole batch a step."""

import keras
import numpy as np
from keras import layers, ops

from refkernels import AnchorGrid
from refkernels.assign import TargetAssigner

SIDE, STRIDE, SIZES, CLASSES = 64, 8, (12.0, 24.0), 2
ANCHORS = AnchorGrid(SIZES, [1.0], STRIDE)(SIDE // STRIDE, SIDE // STRIDE)


class Squares(keras.utils.PyDataset):
    """Batches of images of one bright or dark square each, with the targets of every anchor."""

    def __init__(self, batches: int, size: int = 16) -> None:
        super().__init__()
        self.assigner = TargetAssigner(ANCHORS)  # matches as SSD does, at 0.5
        self.batches, self.size = batches, size

    def __len__(self) -> int:
        return self.batches

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(index)
        images = rng.normal(0, 0.1, (self.size, SIDE, SIDE, 1)).astype(np.float32)
        boxes, labels = [], rng.integers(CLASSES, size=(self.size, 1))
        for image, (label,) in zip(images, labels, strict=True):
            side = rng.integers(10, 28)
            x, y = rng.integers(0, SIDE - side, 2)
            image[y : y + side, x : x + side] += 1 if label else -1
            boxes.append([[x, y, x + side, y + side]])
        targets = self.assigner(boxes, list(labels))
        # One array, as a loss of Keras has one y_true: class, sample and four offsets an anchor.
        columns = [targets.cls_targets[..., None], targets.samples[..., None], targets.box_targets]
        return images, np.concatenate(columns, -1).astype(np.float32)


def loss(y_true, y_pred):
    """Return the loss of classes over all anchors that are used, and of boxes over the positive."""
    classes, samples, boxes = y_true[..., 0], y_true[..., 1], y_true[..., 2:]
    used = ops.cast(samples != 0, "float32")
    positive = ops.cast(samples > 0, "float32")
    of_classes = keras.losses.sparse_categorical_crossentropy(
        classes, y_pred[..., :-4], from_logits=True, ignore_class=-1
    )
    of_boxes = ops.sum(ops.abs(y_pred[..., -4:] - boxes), -1)
    count = ops.maximum(ops.sum(positive), 1.0)
    return (ops.sum(of_classes * used) + ops.sum(of_boxes * positive)) / count


def detector() -> keras.Model:
    """Make three convolutions, and for each anchor the logits of its classes and four offsets."""
    image = layers.Input((SIDE, SIDE, 1))
    found = image
    for filters in (16, 32, 32):
        found = layers.Conv2D(filters, 3, 2, "same", activation="relu")(found)
    found = layers.Conv2D(len(SIZES) * (CLASSES + 1 + 4), 3, padding="same")(found)
    return keras.Model(image, layers.Reshape((len(ANCHORS), CLASSES + 1 + 4))(found))


def train(epochs: int = 8) -> list[float]:
    """Train on 128 images; return the loss of each epoch."""
    keras.utils.set_random_seed(0)
    model = detector()
    model.compile(keras.optimizers.Adam(3e-3), loss)
    return model.fit(Squares(8), epochs=epochs, verbose=0).history["loss"]


if __name__ == "__main__":
    print(f"{keras.backend.backend()}, loss of each epoch:", *(f"{mean:.2f}" for mean in train()))
