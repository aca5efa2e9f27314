"""Speed of campaigns: prints JSON with cases per second and core, of CPU time, through the models and as a whole.

``models`` is what the simulator and the analytical model take for a case, ``stages`` the milliseconds per case of
everything that a campaign does with one.
"""

from __future__ import annotations

import argparse
import gc
import json
from collections import Counter
from time import process_time

from validation.campaign import Plan, examine_numbered
from validation.claims import Observation
from validation.generate import generate

MODELS = ("simulated", "refined", "published")


def model_seconds(plan: Plan) -> dict[str, float]:
    """Return the CPU seconds that each model takes for all cases of the plan."""
    seconds = Counter(dict.fromkeys(MODELS, 0.0))
    gc.freeze()  # as campaigns do
    for _, case in generate(plan.seed, range(plan.examples), plan.max_macs):
        if isinstance(case, Exception):
            raise case
        seen = Observation(*case)
        assert seen.mapping, "bound before the clock starts"
        for model in MODELS:
            start = process_time()
            getattr(seen, model)
            seconds[model] += process_time() - start
    return dict(seconds)


def main() -> None:
    """Measure what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=100, help="cases (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=7, help="(default: %(default)s)")
    parser.add_argument("--max-macs", type=int, default=5000, help="MACs of a layer (default: %(default)s)")
    arguments = parser.parse_args()
    plan = Plan(arguments.seed, arguments.examples, arguments.max_macs)
    seconds = model_seconds(plan)
    stages: Counter[str] = Counter()
    start = process_time()
    for number in range(plan.examples):
        stages.update(examine_numbered(plan, number).durations)
    whole = process_time() - start
    both = seconds["simulated"] + seconds["refined"]
    report = {
        "cases": plan.examples,
        "max_macs": plan.max_macs,
        "cases_per_second": {
            "simulated and refined": round(plan.examples / both, 1),
            **{model: round(plan.examples / seconds[model], 1) for model in MODELS},
            "whole case": round(plan.examples / whole, 1),
        },
        "stages_milliseconds": {stage: round(1000 * taken / plan.examples, 2) for stage, taken in stages.items()},
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
