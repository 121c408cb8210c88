"""Measure refkernels side by side with its peers: ``python -m bench iou match``.

Everybody has one thread; --threads gives peers more, while ours stays with one. Ours takes NumPy
arrays and gives NumPy arrays, checks included; peers get arrays of their own, and the conversion is
not counted. Turns go round; in each the first call counts by itself, and of the calls after it the
shortest, since whatever makes another one longer is not its doing. The median and the quartiles are
over turns.
"""

import argparse
import os
import sys
import warnings
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

BENCHES = ("iou", "match", "sample", "code", "network")
PACKAGES = ("numpy", "numba", "mxnet", "gluoncv", "pycocotools", "powerboxes", "torch")


def main() -> int:
    """Run the benches that the command line names, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("bench", nargs="*", help=f"one of {', '.join(BENCHES)}; default all")
    parser.add_argument("--rounds", type=int, default=20, help="turns of each, default 20")
    parser.add_argument("--threads", type=int, default=1, help="threads of the peers, default 1")
    options = parser.parse_args()
    unknown = [name for name in options.bench if name not in BENCHES]
    if unknown:
        parser.error(f"no bench {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    if options.threads < 1:
        parser.error("--threads must be at least 1")
    os.environ["OMP_NUM_THREADS"] = str(options.threads)  # read by peers when they are imported
    warnings.simplefilter("ignore")  # peers are older than what is under them
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores,", ", ".join(_versions()))
    print(f"Threads: ours 1, peers {options.threads}")
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
