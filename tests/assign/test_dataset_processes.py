"""Runs that are killed, that meet on one output, or whose workers die, lose and mix nothing."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from refkernels.assign import sample_images
from refkernels.assign.dataset.claim import claimed, shared
from refkernels.assign.dataset.job import Job, assign_dataset, run_part
from tests.assign.stored import FEW, contents

# Of processes, files and pages: the versions of NumPy and of frameworks play no part.
pytestmark = pytest.mark.once

parquet = pytest.importorskip("pyarrow.parquet", exc_type=ImportError)


RUN = """
import sys
from refkernels.assign import sample_images
from refkernels.assign.dataset.job import assign_dataset
if __name__ == "__main__":
    print(flush=True)
    assign_dataset(
        sample_images(23, seed=2), sys.argv[1], "ssd300", part_size=5, workers=int(sys.argv[2])
    )
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_that_is_killed_ends_with_the_same_files(
    few_written: Path, tmp_path: Path, workers: int
) -> None:
    script = tmp_path / "run.py"
    script.write_text(RUN)
    out = tmp_path / "out"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    expected = {name for name in contents(few_written) if name.startswith("part")}
    for kills in range(1, 4):
        run = subprocess.Popen(
            [sys.executable, str(script), str(out), str(workers)], env=environment
        )
        while run.poll() is None:  # as soon as there is one part more, if not earlier
            if len(list(out.glob("*part-*"))) >= kills:
                break
            time.sleep(0.001)
        run.send_signal(signal.SIGKILL)
        run.wait()
    left = {path.name for path in out.glob("part-*")}
    assert left
    assert left <= expected
    assign_dataset(FEW, out, "ssd300", part_size=5)
    assert contents(out) == contents(few_written)


def test_no_run_begins_beside_workers_that_have_outlived_theirs(
    few_written: Path, tmp_path: Path
) -> None:
    script, out = tmp_path / "run.py", tmp_path / "out"
    script.write_text(RUN)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    run = subprocess.Popen([sys.executable, str(script), str(out), "2"], env=environment)
    while not list(out.glob("part-*")):
        time.sleep(0.001)
    children = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
    workers = [child for child in map(int, children) if b"spawn_main" in command(child)]
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    run.kill()
    run.wait()
    with pytest.raises(RuntimeError, match="another process is writing to it"):
        assign_dataset(FEW, out, "ssd300", part_size=5)
    for worker in workers:
        os.kill(worker, signal.SIGCONT)
    assign_dataset(FEW, out, "ssd300", part_size=5)
    assert contents(out) == contents(few_written)


def command(process: int) -> bytes:
    return Path(f"/proc/{process}/cmdline").read_bytes()


def test_a_killed_worker_is_reported_and_loses_nothing(few_written: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    def kill_workers(done: int, total: int) -> None:
        if 0 < done < total:
            import multiprocessing

            for child in multiprocessing.active_children():
                os.kill(child.pid or 0, signal.SIGKILL)

    with pytest.raises(RuntimeError, match="a worker process was killed; what it had done is kept"):
        assign_dataset(FEW, out, "ssd300", part_size=1, workers=2, progress=kill_workers)
    assign_dataset(FEW, out, "ssd300", part_size=1)
    assert len(parquet.read_table(out)) == 23


def test_an_output_of_other_settings_is_not_touched(few_written: Path, tmp_path: Path) -> None:
    before = contents(few_written)
    with pytest.raises(ValueError, match=r"made with other settings \(seed 0, now 1\)"):
        assign_dataset(FEW, few_written, "ssd300", part_size=5, seed=1)
    with pytest.raises(ValueError, match="made with other settings"):
        assign_dataset(sample_images(23, seed=3), few_written, "ssd300", part_size=5)
    assert contents(few_written) == before
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match="is not empty, and was not made by refkernels assign"):
        assign_dataset(FEW, tmp_path, "ssd300")
    (tmp_path / "x.npz").write_bytes(b"mine")
    with pytest.raises(ValueError, match=r"x\.npz: is there, and is damaged, or was not made by"):
        assign_dataset(FEW, tmp_path / "x.npz", "ssd300")


def test_two_runs_do_not_write_to_one_output(tmp_path: Path) -> None:
    def nested(job: Job, parts: list[int]) -> Iterator[int]:
        with pytest.raises(RuntimeError, match="another process is writing to it"):
            assign_dataset(FEW, tmp_path / "out", "ssd300")
        for part in parts:
            run_part(job, part)
            yield part

    assign_dataset(FEW, tmp_path / "out", "ssd300", runner=nested)


def test_a_folder_that_another_run_has_removed_is_not_written_to(tmp_path: Path) -> None:
    with shared(tmp_path):
        waiting = threading.Thread(target=lambda: outcomes.append(outcome(tmp_path / "out")))
        (tmp_path / "out").mkdir()
        outcomes: list[str] = []
        with shared(tmp_path / "out"):
            waiting.start()
            time.sleep(0.2)
            (tmp_path / "out").rmdir()
        waiting.join()
    assert outcomes == [f"{tmp_path / 'out'}: another process has removed it; run it again"]


def outcome(output: Path) -> str:
    try:
        with claimed(output, {}):
            return ""
    except RuntimeError as error:
        return str(error)
