"""Train a small detector in PyTorch, on targets that its data loader assigns."""

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy, smooth_l1_loss
from torch.utils.data import DataLoader, Dataset

from refkernels import AnchorGrid
from refkernels.assign import TargetAssigner

SIDE, STRIDE, SIZES, CLASSES = 64, 8, (12.0, 24.0), 2


class Squares(Dataset[dict[str, np.ndarray]]):
    """Images of one bright or dark square each, with the targets of every anchor."""

    def __init__(self, count: int) -> None:
        anchors = AnchorGrid(SIZES, [1.0], STRIDE)(SIDE // STRIDE, SIDE // STRIDE)
        self.assigner = TargetAssigner(anchors)  # matches as SSD does, at 0.5
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(index)
        side, label = rng.integers(10, 28), rng.integers(CLASSES)
        x, y = rng.integers(0, SIDE - side, 2)
        image = rng.normal(0, 0.1, (1, SIDE, SIDE)).astype(np.float32)
        image[:, y : y + side, x : x + side] += 1 if label else -1
        targets = self.assigner([[x, y, x + side, y + side]], [label])
        return {
            "image": image,
            "classes": targets.cls_targets,  # 0 is the background
            "boxes": targets.box_targets,
            "samples": targets.samples,  # 1 positive, -1 negative, 0 left out
        }


class Detector(nn.Module):
    """Three convolutions, and for each anchor the logits of its classes and four offsets."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 16, 3, 2, 1), nn.ReLU(),
            nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(),
            nn.Conv2d(32, 32, 3, 2, 1), nn.ReLU(),
            nn.Conv2d(32, len(SIZES) * (CLASSES + 1 + 4), 3, 1, 1),
        )  # fmt: skip

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits (B, N, classes + 1) and offsets (B, N, 4), anchors in the grid's order."""
        found = self.body(image).permute(0, 2, 3, 1)
        found = found.reshape(len(image), -1, CLASSES + 1 + 4)
        return found[..., :-4], found[..., -4:]


def loss_of(model: nn.Module, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Return the loss of classes over all anchors that are used, and of boxes over the positive."""
    logits, offsets = model(batch["image"])
    used, positive = batch["samples"] != 0, batch["samples"] > 0
    classes = cross_entropy(logits[used], batch["classes"][used], reduction="sum")
    boxes = smooth_l1_loss(offsets[positive], batch["boxes"][positive], reduction="sum")
    return (classes + boxes) / positive.sum().clamp(min=1)


def train(epochs: int = 8) -> list[float]:
    """Train on 128 images; return the mean loss of each epoch."""
    torch.manual_seed(0)
    model = Detector()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    loader = DataLoader(Squares(128), batch_size=16, shuffle=True)
    means = []
    for _ in range(epochs):
        losses = []
        for batch in loader:
            loss = loss_of(model, batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        means.append(sum(losses) / len(losses))
    return means


if __name__ == "__main__":
    print("loss of each epoch:", *(f"{mean:.2f}" for mean in train()))
