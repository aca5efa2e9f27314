"""Time of the analytical model against the size of the layer: prints JSON with milliseconds per analysis."""

from __future__ import annotations

import json
from time import perf_counter

from analytical import analyze
from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.reader import parse_dataflow

SCALES = (1, 10, 1000)
REPETITIONS = 21
DATAFLOW = """Dataflow kcp_ws {
    SpatialMap(1,1) K; TemporalMap(64,64) C; TemporalMap(Sz(R),Sz(R)) R; TemporalMap(Sz(S),Sz(S)) S;
    TemporalMap(Sz(R),1) Y; TemporalMap(Sz(S),1) X;
    Cluster(64, P);
    SpatialMap(1,1) C; TemporalMap(Sz(R),1) Y; TemporalMap(Sz(S),1) X;
}"""


def milliseconds(scale: int) -> float:
    """Return the least time of an analysis of a layer whose K, C, Y' and X' are multiplied by ``scale``."""
    extents = {"K": 60 * scale, "C": 70 * scale, "Y'": 28 * scale, "X'": 28 * scale}
    layer = Layer.of("layer", "CONV", extents | {"R": 3, "S": 3})
    dataflow = parse_dataflow(DATAFLOW)
    port = {"bandwidth": 16, "latency": 1}
    machine = Machine.model_validate({"pes": 256, "levels": [{"distribution": port, "collection": port}]})
    times = []
    for _ in range(REPETITIONS):
        start = perf_counter()
        analyze(layer, dataflow, machine)
        times.append(1000 * (perf_counter() - start))
    return min(times)


if __name__ == "__main__":
    print(json.dumps({"milliseconds": {f"x{scale}": round(milliseconds(scale), 3) for scale in SCALES}}))
