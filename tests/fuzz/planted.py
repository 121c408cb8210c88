"""A worker whose third call crashes, for the tests: a process imports it by name."""

import os
from typing import Any

from tests.fuzz.worker import Job

__all__ = ["die_at_the_third"]


def die_at_the_third(job: Job, position: Any, reports: Any) -> None:
    for turn in range(job.first, job.stop, job.step):
        position.value = turn
        if turn == 2:
            os.abort()
    reports.close()
