"""Measure refkernels side by side with its peers: ``python -m bench iou match``.

Everybody has one thread; --threads gives peers more, while ours stays with one. Only the peers of
`assign` have all cores unless it says otherwise. Ours takes NumPy
arrays and gives NumPy arrays, checks included; peers get arrays of their own, and the conversion is
not counted. Turns go round; in each the first call counts by itself, and of the calls after it the
shortest, since whatever makes another one longer is not its doing. The median and the quartiles are
over turns.
"""

import argparse
import json
import os
import subprocess
import sys
import warnings
from importlib import import_module
from pathlib import Path

from bench.machine import machine, versions

BENCHES = ("iou", "match", "modern", "sample", "code", "network", "assign")
PACKAGES = (
    *("numpy", "numba", "scipy", "mxnet", "gluoncv", "pycocotools", "powerboxes"),
    *("torch", "torchvision", "ultralytics", "mmdet"),
)


def main() -> int:
    """Run the benches that the command line names, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("bench", nargs="*", help=f"one of {', '.join(BENCHES)}; default all")
    parser.add_argument("--rounds", type=int, default=20, help="turns of each, default 20")
    parser.add_argument("--threads", type=int, help="threads of the peers, default 1")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="record one bench, and on what machine"
    )
    options = parser.parse_args()
    unknown = [name for name in options.bench if name not in BENCHES]
    if unknown:
        parser.error(f"no bench {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    if options.threads is not None and options.threads < 1:
        parser.error("--threads must be at least 1")
    names = options.bench or BENCHES
    if options.json is not None and len(names) != 1:
        parser.error("--json records one bench: name it")
    if options.threads is None and "assign" in names and len(names) > 1:
        # Peers read their number of threads once, when they are imported.
        command = [sys.executable, "-m", "bench", "--rounds", str(options.rounds)]
        both = ([name for name in names if name != "assign"], ["assign"])
        return max([subprocess.run([*command, *some], check=False).returncode for some in both])
    threads = options.threads or (os.cpu_count() if names == ["assign"] else 1)
    os.environ["OMP_NUM_THREADS"] = str(threads)
    warnings.simplefilter("ignore")  # peers are older than what is under them
    here, found = machine(), versions(PACKAGES)
    said = [f"{name} {number}" if number else f"no {name}" for name, number in found.items()]
    print(f"{here['processor']}, {here['cores']} cores, Python {here['python']},", ", ".join(said))
    print(f"Threads: ours 1, peers {threads}")
    met = [import_module(f"bench.{name}").run(options.rounds) for name in names]
    if options.json is not None:
        from bench.harness import recorded
        from refkernels.assign.dataset.durable import write_bytes

        record = {
            "bench": names[0],
            "rounds": options.rounds,
            "peer_threads": threads,
            "machine": here,
            "versions": found,
            **recorded(),
        }
        write_bytes(options.json, (json.dumps(record, indent=1) + "\n").encode())
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
