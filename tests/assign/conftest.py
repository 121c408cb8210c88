"""Targets that several files of tests look at, and none changes."""

from pathlib import Path

import pytest

from refkernels.assign.dataset.job import assign_dataset
from tests.assign.stored import FEW, IMAGES, PART, SIZES


@pytest.fixture(scope="session")
def few_written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of small parts."""
    pytest.importorskip("pyarrow.parquet", exc_type=ImportError)
    folder = tmp_path_factory.mktemp("targets") / "ssd300"
    assign_dataset(FEW, folder, "ssd300", part_size=5)
    return folder


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of targets of several presets, each as Parquet and as an .npz."""
    pytest.importorskip("pyarrow.parquet", exc_type=ImportError)
    folder = tmp_path_factory.mktemp("targets")
    for preset, size in SIZES.items():
        for kind in ("", ".npz"):
            path = folder / f"{preset}{kind}"
            assign_dataset(IMAGES, path, preset, size=size, seed=3, part_size=PART)
    return folder
