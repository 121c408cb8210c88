"""The losses of docs/training.md, on targets that were written, are those of torchvision."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from refkernels.assign import AnnotationSet, StoredTargets, open_targets, read_coco, sample_images
from refkernels.assign.dataset.job import assign_dataset
from refkernels.bounds.coder import box_center_encoder
from refkernels.chain.published import PRESETS

torch: Any = pytest.importorskip("torch")
detection: Any = pytest.importorskip("torchvision.models.detection")

pytestmark = pytest.mark.filterwarnings("ignore")

PAGE = Path(__file__).parents[2] / "docs" / "training.md"

UNIT = 2.0**-24  # of float32

IMAGES = 12


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Let every sum have one order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """What the page defines; its first block opens a data set that is not there."""
    _, *blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.M | re.S)
    names: dict[str, Any] = {"__name__": "page"}
    exec("\n".join(blocks), names)
    return names


@pytest.fixture(scope="module")
def real(shared_data: Path) -> AnnotationSet:
    """Images with objects and without crowds, of which torchvision knows nothing."""
    found = read_coco(shared_data / "instances_val2014_100.json")
    fine = [
        image
        for image in found
        if len(image.boxes)
        and not image.iscrowd.any()
        and (image.boxes[:, 2:] > image.boxes[:, :2]).all()
    ]
    return AnnotationSet(found.source, tuple(fine[:IMAGES]), found.categories)


def model_of(name: str, classes: int) -> Any:
    """A model of torchvision without weights, which no loss looks at."""
    made = {
        "torchvision_ssd300": detection.ssd300_vgg16,
        "torchvision_retinanet": detection.retinanet_resnet50_fpn,
    }[name]
    with torch.device("meta"):
        return made(weights=None, weights_backbone=None, num_classes=classes)


def random_outputs(images: int, anchors: int, classes: int) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(7)
    return {
        "cls_logits": torch.randn((images, anchors, classes), generator=generator),
        "bbox_regression": torch.randn((images, anchors, 4), generator=generator),
    }


def ground_truth(targets: StoredTargets) -> list[dict[str, Any]]:
    """The objects, as torchvision takes them: class 0 is the background."""
    return [
        {"boxes": torch.from_numpy(image.boxes), "labels": torch.from_numpy(image.labels + 1)}
        for image in targets
    ]


def of_torchvision(name: str, targets: StoredTargets, outputs: dict[str, Any]) -> dict[str, float]:
    """The losses of the model itself: it matches, encodes, and compares."""
    from torchvision.ops import box_iou

    model = model_of(name, len(targets.categories) + 1)
    anchors = torch.from_numpy(targets.anchors.copy())
    truth = ground_truth(targets)
    every = [anchors] * len(truth)
    if name == "torchvision_retinanet":
        return model.compute_loss(truth, outputs, every)
    matched = [model.proposal_matcher(box_iou(own["boxes"], anchors)) for own in truth]
    return model.compute_loss(truth, outputs, every, matched)


def box_loss_bound(name: str, targets: StoredTargets, outputs: dict[str, Any]) -> float:
    """How far the two box losses may be apart.

    Both sum f(p - t) over the m coordinates of an image's positive anchors, where f is |x| or the
    smooth L1, of slope 1 at most; only t differs. Each t is within the encoder's bound of the exact
    one, and torchvision multiplies by a weight where the encoder divides by its std, rounded to
    float32: one roundoff of t more. So the sums are apart by no more than the sum of
    2 bound + u |t|, and by what rounding makes of a sum of m terms, in either of the two, in any
    order: (m + 8) u of the sum of |p - t|, where the 8 are those of a difference, its f, the
    division and the mean. A mean over images adds a roundoff for each.
    """
    apart, total, terms, positives = [], [], 0, []
    encoder = PRESETS[name]["box_encoder"]
    for position, image in enumerate(targets):
        own = image.targets
        rows = own.positives
        bound = box_center_encoder(
            np.ones(len(rows), np.int64),
            own.matches,
            targets.anchors[rows],
            image.boxes,
            stds=encoder.stds,
            means=encoder.means,
        )
        wanted = own.box_targets.astype(np.float64)
        found = outputs["bbox_regression"][position].numpy().astype(np.float64)[rows]
        apart.append((2 * bound + UNIT * np.abs(wanted)).sum())
        total.append(np.abs(found - wanted).sum())
        terms = max(terms, found.size)
        positives.append(len(rows))
    apart_of, total_of, count = np.array(apart), np.array(total), np.array(positives)
    rounding = 2 * (terms + 8 + len(count)) * UNIT
    if name == "torchvision_ssd300":  # one mean of all positives; else one of each image's
        return float((apart_of.sum() + rounding * total_of.sum()) / count.sum())
    return float(((apart_of + rounding * total_of) / count).mean())


SIZES = {"torchvision_ssd300": None, "torchvision_retinanet": (320, 320)}


@pytest.mark.parametrize("kind", ["", ".npz"])
@pytest.mark.parametrize("name", SIZES)
def test_losses_are_those_of_the_model(
    name: str, kind: str, real: AnnotationSet, page: dict[str, Any], tmp_path: Path
) -> None:
    if not kind:
        pytest.importorskip("pyarrow.parquet", exc_type=ImportError)
    assign_dataset(real, tmp_path / f"out{kind}", name, size=SIZES[name], part_size=5)
    targets = open_targets(tmp_path / f"out{kind}")
    outputs = random_outputs(IMAGES, len(targets.anchors), len(targets.categories) + 1)
    loader = page["DataLoader"](targets.training(), batch_size=IMAGES)
    (batch,) = loader
    losses = page["ssd_losses" if "ssd" in name else "retinanet_losses"](outputs, batch)
    wanted = of_torchvision(name, targets, outputs)
    assert losses["classification"].item() == wanted["classification"].item()
    bound = box_loss_bound(name, targets, outputs)
    off = abs(losses["bbox_regression"].item() - wanted["bbox_regression"].item())
    assert off <= bound < 1e-3 * wanted["bbox_regression"].item()


def test_the_head_of_the_page_gives_an_output_for_every_anchor(page: dict[str, Any]) -> None:
    model = model_of("torchvision_ssd300", 81)
    features = model.backbone(torch.empty((2, 3, 300, 300), device="meta"))
    outputs = model.head(list(features.values()))
    assert outputs["cls_logits"].shape == (2, 8732, 81)
    assert outputs["bbox_regression"].shape == (2, 8732, 4)


@pytest.mark.parametrize("preset", SIZES)
def test_images_of_the_page_have_the_size_of_the_network(
    preset: str, page: dict[str, Any], tmp_path: Path
) -> None:
    from torchvision.io import write_jpeg

    assign_dataset(sample_images(2), tmp_path / "out.npz", preset, size=SIZES[preset])
    for number in (1, 2):
        picture = torch.full((3, 480, 640), 255, dtype=torch.uint8)
        write_jpeg(picture, str(tmp_path / f"{number:012d}.jpg"))
    data = page["Detections"](tmp_path / "out.npz", tmp_path)
    item = data[1]
    side = 300 if preset == "torchvision_ssd300" else 320
    assert item["image"].shape == (3, side, side)
    filled = side if preset == "torchvision_ssd300" else 240
    assert item["image"][:, :filled].min() > 0.9
    assert filled == side or item["image"][:, filled:].max() == 0
    assert len(item["samples"]) == len(data.targets.anchors)
