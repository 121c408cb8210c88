"""Pictures of an assignment show what it is."""

import sys
from pathlib import Path

import numpy as np
import pytest

from refkernels.assign import Resize, TargetAssigner, sample_images
from refkernels.assign.dataset.job import assign_dataset
from refkernels.assign.pictures import (
    draw_assignment,
    plot_images,
    plot_positives,
    positives_per_object,
)

pytest.importorskip("matplotlib")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

IMAGES = sample_images(12, seed=2)
RESIZE = Resize(300, 300, "stretch")


def test_a_drawing_holds_every_object_and_every_positive_anchor() -> None:
    assigner = TargetAssigner.ssd300()
    for image in IMAGES[:4]:
        figure = draw_assignment(assigner, image, RESIZE)
        scale = np.tile(RESIZE.scale(image), 2)
        own = ~image.iscrowd
        targets = assigner.sparse(
            image.boxes[own] * scale, image.labels[own], image.boxes[~own] * scale
        )
        drawn = sum(len(axis.patches) for axis in figure.axes)
        regions = 3 * int((~own).sum())
        assert drawn == int(own.sum()) + len(targets.positives) + regions + 3


def test_each_image_gets_a_file(tmp_path: Path) -> None:
    paths = plot_images(TargetAssigner.ssd300(), IMAGES[:2], RESIZE, tmp_path / "new")
    assert [path.name for path in paths] == ["image-1.png", "image-2.png"]
    assert all(path.read_bytes()[:4] == b"\x89PNG" for path in paths)


def test_positives_are_counted_object_by_object(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow.parquet", exc_type=ImportError)
    summary = assign_dataset(IMAGES, tmp_path / "parts", "ssd300", part_size=5)
    counts = positives_per_object(sorted((tmp_path / "parts").glob("*.parquet")))
    assert {size: len(own) for size, own in counts.items()} == summary.boxes_of
    assert {size: int(own.sum()) for size, own in counts.items()} == summary.positives_of
    assert {size: int((own == 0).sum()) for size, own in counts.items()} == summary.unmatched_of
    assign_dataset(IMAGES, tmp_path / "one.npz", "ssd300")
    for size, own in positives_per_object([tmp_path / "one.npz"]).items():
        np.testing.assert_array_equal(own, counts[size])
    plot_positives(counts, tmp_path / "counts.png", "ssd300")
    assert (tmp_path / "counts.png").read_bytes()[:4] == b"\x89PNG"


def test_nothing_can_be_plotted_too(tmp_path: Path) -> None:
    plot_positives(positives_per_object([]), tmp_path / "none.png")


def test_without_matplotlib_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pictures need matplotlib .* 'refkernels\[viz\]'"):
        draw_assignment(TargetAssigner.ssd300(), IMAGES[0], RESIZE)
