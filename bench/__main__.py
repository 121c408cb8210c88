"""Measure refkernels side by side with its peers: ``python -m bench iou match``.

Ours takes NumPy arrays and gives NumPy arrays, checks included, in one thread. Peers get their own
arrays and as many threads as they take, and conversion to their arrays is not counted. Turns go
round; in each the first call counts by itself, and the median is that of the calls after it.
"""

import argparse
import os
import sys
import warnings
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

BENCHES = ("iou", "match", "sample", "code")
PACKAGES = ("numpy", "numba", "mxnet", "gluoncv", "pycocotools", "powerboxes", "torch")


def main() -> int:
    """Run the benches that the command line names, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("bench", nargs="*", help=f"one of {', '.join(BENCHES)}; default all")
    parser.add_argument("--rounds", type=int, default=20, help="turns of each, default 20")
    options = parser.parse_args()
    unknown = [name for name in options.bench if name not in BENCHES]
    if unknown:
        parser.error(f"no bench {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    warnings.simplefilter("ignore")  # peers are older than what is under them
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores,", ", ".join(_versions()))
    met = [import_module(f"bench.{name}").run(options.rounds) for name in options.bench or BENCHES]
    return 0 if all(met) else 1


def _versions() -> list[str]:
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"no {name}")
    return found


if __name__ == "__main__":
    sys.exit(main())
