"""The same assignment on a Dask cluster, also while its workers die."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from refkernels.assign import TargetAssigner, dask_assign, sample_images
from refkernels.assign.dataset.dask_graph import DaskRunner
from refkernels.assign.dataset.job import Job, assign_dataset
from refkernels.assign.resize import Resize
from refkernels.sampler import QuotaSampler

distributed = pytest.importorskip("distributed")
bag = pytest.importorskip("dask.bag")
pytest.importorskip("pyarrow.parquet", exc_type=ImportError)

pytestmark = pytest.mark.filterwarnings("ignore")

IMAGES = sample_images(40, seed=2)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.mark.parametrize("partitions", [1, 3, 40])
def test_a_bag_gives_what_the_assigner_gives(partitions: int) -> None:
    sampler = QuotaSampler(32, pos_thresh=1.0, neg_thresh_high=0.3)
    assigner = TargetAssigner.ssd300(sampler=sampler)
    images = bag.from_sequence(IMAGES, npartitions=partitions)
    resize = Resize(300, 300, "stretch")
    found = dask_assign(images, assigner, resize, seed=4).compute(scheduler="sync")
    assert [image_id for image_id, _ in found] == [image.image_id for image in IMAGES]
    for (_, targets), image in zip(found, IMAGES, strict=True):
        own, scale = ~image.iscrowd, np.tile([300 / 640, 300 / 480], 2)
        expected = assigner.sparse(
            image.boxes[own] * scale, image.labels[own], image.boxes[~own] * scale,
            rng=4, image_ids=image.image_id,
        )  # fmt: skip
        for name in ("positives", "negatives", "matches", "box_targets"):
            np.testing.assert_array_equal(getattr(targets, name), getattr(expected, name))


def test_the_files_are_the_same_when_a_worker_is_killed_midway(client: Any, tmp_path: Path) -> None:
    class Kills(DaskRunner):
        killed = 0

        def __call__(self, job: Job, parts: list[int]) -> Iterator[int]:
            for part in super().__call__(job, parts):
                if not Kills.killed:
                    Kills.killed = next(iter(client.run(os.getpid).values()))
                    os.kill(Kills.killed, signal.SIGKILL)
                yield part

    assign_dataset(IMAGES, tmp_path / "here", "ssd300", part_size=2)
    summary = assign_dataset(
        IMAGES, tmp_path / "there", "ssd300", part_size=2, runner=Kills(client)
    )
    assert Kills.killed
    assert summary.images == 40
    here, there = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        for name in ("here", "there")
    )
    assert here == there


def test_a_scheduler_is_found_by_its_address(client: Any, tmp_path: Path) -> None:
    runner = DaskRunner(client.scheduler.address)
    summary = assign_dataset(IMAGES, tmp_path / "there", "ssd300", part_size=20, runner=runner)
    assert summary.images == 40


def test_a_partition_without_images_gives_nothing() -> None:
    images = bag.from_sequence(IMAGES[:2], npartitions=2).filter(lambda image: image.image_id == 2)
    found = dask_assign(images, TargetAssigner.yolo3()).compute(scheduler="sync")
    assert [image_id for image_id, _ in found] == [2]


def test_without_dask_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match=r"needs dask and distributed .* 'refkernels\[dask\]'"):
        next(DaskRunner("tcp://127.0.0.1:1")(None, []))  # type: ignore[arg-type]
