"""The shipped technologies state what their sources do."""

from __future__ import annotations

from dataflow import catalog


def test_shipped_technologies() -> None:
    found = {name: catalog.technology(name).model_dump() for name in catalog.names("technology")}
    known = {name: {key: value for key, value in each.items() if value is not None} for name, each in found.items()}
    assert known == {
        "eyeriss-65nm": {"name": "eyeriss-65nm", "mac": 1, "l1": 1, "network": 2, "l2": 6, "dram": 200},
        "maestro-28nm": {
            "name": "maestro-28nm",
            "mac": 1,
            "l1": 1.68,
            "network": 0,
            "l2": 18.61,
            "mac_pj": 0.3,
            "pe_um2": 4470.9014,
            "sram_um2_per_byte": 2.56,
            "bus_um2": (28.895, 14.662),
            "arbiter_um2": (-23.711, 5.5814, 1.2886),
        },
    }
