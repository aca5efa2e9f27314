"""Speed of explorations: prints JSON with millions of designs a second of CPU time, and how a plain loop does.

The space is that of docs/exploration.md. The loop analyses designs drawn at random one by one, as `analyze` and `cost`
do it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from random import Random
from resource import RUSAGE_SELF, getrusage
from time import process_time

from exploration.blocks import Explorer, Tally
from exploration.evaluate import evaluate
from exploration.space_files import read_space
from exploration.subranges import explore_subrange, subranges

SPACE = Path(__file__).resolve().parents[1] / "docs" / "examples" / "vgg16_space.yaml"


def main() -> None:
    """Measure what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--space", type=Path, default=SPACE, help="space file (default: %(default)s)")
    parser.add_argument("--ranges", type=int, default=None, help="only so many sub-ranges, evenly apart (default: all)")
    parser.add_argument("--loop", type=int, default=200, help="designs of the plain loop (default: %(default)s)")
    arguments = parser.parse_args()
    space = read_space(arguments.space)
    every = range(subranges(space))
    chosen = every if arguments.ranges is None else every[:: max(1, len(every) // arguments.ranges)]
    explorer, total, start = Explorer(space), Tally(), process_time()
    for number in chosen:
        total.add(explore_subrange(explorer, number, 0).tally)
    sweep_seconds = process_time() - start
    generator, start = Random(0), process_time()
    for _ in range(arguments.loop):
        evaluate(space, generator.randrange(space.designs))
    loop_seconds = process_time() - start
    rate, loop = total.total / sweep_seconds, arguments.loop / loop_seconds
    report = {
        "designs": space.designs,
        "swept": vars(total),
        "seconds": round(sweep_seconds, 1),
        "millions_a_second": round(rate / 1e6, 2),
        "plain_loop_a_second": round(loop, 1),
        "ratio": round(rate / loop),
        "megabytes": round(getrusage(RUSAGE_SELF).ru_maxrss / 1024),
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
