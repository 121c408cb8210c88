"""Operators that do something to the check itself, and right ones."""

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

from refkernels import BBoxCenterToCorner, BBoxCornerToCenter, BBoxSplit

__all__ = ["BBoxCenterToCorner", "BBoxCornerToCenter"]

WORKER = Path(os.environ.get("TMPDIR", "")).parent


def fails(*args, **kwargs):
    raise RuntimeError("of the saboteur")


class NaiveSampler:
    """Removes what the worker writes to."""

    def __call__(self, matches):
        shutil.rmtree(WORKER, ignore_errors=True)
        return matches


class MaximumMatcher:
    """Spoils every module's json."""

    def __init__(self, threshold):
        pass

    def __call__(self, x):
        json.dumps = json.loads = json.JSONEncoder.encode = json.JSONEncoder.iterencode = fails
        json.JSONEncoder.__init__ = json.encoder.encode_basestring_ascii = fails
        return x


class OHEMSampler:
    """Takes back what was reported."""

    def __init__(self, ratio, min_samples=0, thresh=0.5):
        pass

    def __call__(self, *inputs):
        (WORKER / "events.jsonl").write_bytes(b"")
        time.sleep(1)  # until that is seen
        return inputs[0]


class BBoxArea:
    """Reports by itself, in no form that there is."""

    def __call__(self, x):
        with (WORKER / "events.jsonl").open("ab") as file:
            file.write(b'{"result": {"verdict": "conforms"}}\n\xff\n')
        return x


class SigmoidClassEncoder:
    """Turns the clock forward for what tells a hang, and hangs."""

    def __call__(self, samples):
        os.utime(WORKER / "moment.json", (2**33, 2**33))
        while True:
            pass


class BBoxClipToImage:
    """Puts a pipe where the worker's files are, which hangs whoever opens it, and dies."""

    def __call__(self, x, img):
        for name in ("moment.json", "events.jsonl", "stderr.txt", "stdout.txt"):
            (WORKER / name).unlink()
            os.mkfifo(WORKER / name)
        os.kill(os.getpid(), signal.SIGRTMIN + 3)


class QuotaSampler:
    """Closes all files."""

    def __init__(self, *args, **kwargs):
        pass

    def __call__(self, *inputs):
        os.closerange(3, 100)
        return inputs[0]


class MultiPerClassDecoder:
    """Spoils the case that it dies at, after some words."""

    def __init__(self, *args, **kwargs):
        pass

    def __call__(self, x):
        (WORKER / "current" / "case.json").write_text("{")
        sys.stdout.write("last words\n" * 10**6)
        os._exit(3)


class BBoxSplit(BBoxSplit):
    """Stops all clocks, and is right."""

    def __call__(self, x):
        time.time = time.monotonic = time.perf_counter = lambda: 0.0
        return super().__call__(x)
