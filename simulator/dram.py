"""DRAM behind the L2 (§6): a bus that reads and writes share, and the L2's side of it.

The next steps of the top level are fetched while the current one is distributed, as far as the L2 has buffers. Outputs
that leave the L2 wait for the bus; where a read waits as well, it goes first.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from dataflow.hardware import Dram, Machine, RowBuffer
from dataflow.layers import TENSORS
from simulator.channels import Channel, Clock, Credits, Gate, Process
from simulator.record import Record
from simulator.residency import Addresses, Exchange, Plan


class Job(NamedTuple):
    """A transfer between DRAM and L2: addresses by tensor, and the gate that opens when its last element has passed."""

    addresses: tuple[Addresses, ...]
    done: Gate


class Rows:
    """The row buffers of a DRAM's banks: open pages, rows spread over the banks one by one."""

    def __init__(self, timing: RowBuffer, bases: tuple[int, ...]) -> None:
        self._timing = timing
        self._bases = bases
        self._open: dict[int, int] = {}

    def delay(self, addresses: tuple[Addresses, ...]) -> int:
        """Return the cycles for the rows that a transfer touches, in ascending order tensor by tensor."""
        total = 0
        for base, own in zip(self._bases, addresses, strict=True):
            for row in np.unique((own + base) // self._timing.row_elements).tolist():
                bank = row % self._timing.banks
                total += self._timing.hit if self._open.get(bank) == row else self._timing.miss
                self._open[bank] = row
        return total


class Bus:
    """The DRAM's data bus: one transfer at a time, reads before writes."""

    def __init__(self, clock: Clock, dram: Dram, rows: Rows | None) -> None:
        self._clock = clock
        self._dram = dram
        self._rows = rows
        self._waiting: tuple[deque[Job], deque[Job]] = (deque(), deque())
        self._called: Channel[None] = Channel(clock)
        clock.process(self.run())

    def read(self, addresses: tuple[Addresses, ...]) -> Gate:
        """Ask for elements; the gate opens when they have passed the bus."""
        return self._ask(0, addresses)

    def write(self, addresses: Addresses) -> Gate:
        """Ask for outputs to be written; the gate opens when they have passed the bus."""
        return self._ask(1, tuple(addresses if tensor == "output" else addresses[:0] for tensor in TENSORS))

    def _ask(self, kind: int, addresses: tuple[Addresses, ...]) -> Gate:
        job = Job(addresses, Gate(self._clock))
        self._waiting[kind].append(job)
        self._called.put(None)
        return job.done

    def run(self) -> Process:
        """Serve one job after the other."""
        while True:
            yield from self._called.take()
            yield self._clock.timeout(0)  # whoever asks in this cycle is heard before the choice is made
            reads, writes = self._waiting
            job = (reads or writes).popleft()
            elements = sum(map(len, job.addresses))
            cycles = -(-elements // self._dram.bandwidth)
            yield self._clock.timeout(cycles + (self._rows.delay(job.addresses) if self._rows else 0))
            job.done.open(self._clock.now)


class L2Port:
    """The single port of the L2: fills, distribution, collection and write-backs take turns, as they come."""

    def __init__(self, clock: Clock, bandwidth: int) -> None:
        self._clock = clock
        self._bandwidth = bandwidth
        self._free = 0

    def take(self, elements: int) -> tuple[int, int]:
        """Reserve the port for elements that are ready now; return the cycles at which they start and have passed."""
        start = max(self._free, self._clock.now)
        self._free = start + -(-elements // self._bandwidth)
        return start, self._free


class Memory:
    """What the L2 has of the layer, step by step."""

    def __init__(
        self,
        clock: Clock,
        machine: Machine,
        dram: Dram,
        plan: Plan,
        record: Record,
        port: L2Port | None,
    ) -> None:
        self.plan = plan
        self.arrival = 0  # when the data of the step that was sent last were in the L2
        self._clock = clock
        self._record = record
        self._latency = dram.latency
        self._bus = Bus(clock, dram, Rows(dram.row_buffer, plan.bases) if dram.row_buffer else None)
        self._port = port
        self._room = Credits(clock, machine.buffering)
        self._landing: Channel[tuple[int, int]] = Channel(clock)
        self._arrivals: Channel[int] = Channel(clock)
        self._leaving: Channel[tuple[int, Addresses]] = Channel(clock)
        self._written: deque[Addresses] = deque()
        #: elements by tensor and direction, as in ``input_read``
        self.traffic: Counter[str] = Counter()
        clock.process(self.fill(plan.exchanges()))
        clock.process(self.land())
        clock.process(self.write_back())

    def fill(self, exchanges: Iterator[Exchange]) -> Process:
        """Fetch the data of step after step, as far ahead as there is room."""
        for exchange in exchanges:
            yield from self._room.take()
            self._written.append(exchange.written)
            arrival = self._clock.now
            if sum(exchange.reads):
                self.traffic.update({f"{tensor}_read": n for tensor, n in zip(TENSORS, exchange.reads, strict=True)})
                arrival = (yield from self._bus.read(exchange.read).passed()) + self._latency
            self._landing.put((arrival, sum(exchange.reads)))

    def land(self) -> Process:
        """Let what arrives enter the L2, in order."""
        while True:
            arrival, elements = yield from self._landing.take()
            yield from self._until(arrival)
            if self._port is not None and elements:
                _, arrival = self._port.take(elements)
            self._arrivals.put(arrival)

    def supplied(self) -> Process:
        """Wait until the data of the next step of the top level are in the L2."""
        self.arrival = yield from self._arrivals.take()
        yield from self._until(self.arrival)

    def sent(self) -> None:
        """Note that a step's data have left for the units: their buffer is free."""
        self._room.give()

    def collected(self, upstream: int) -> None:
        """Note that a step has ended, and that what it drained is in the L2 at ``upstream``."""
        self._leaving.put((upstream, self._written.popleft()))

    def write_back(self) -> Process:
        """Write what leaves the L2 after step after step."""
        while True:
            upstream, addresses = yield from self._leaving.take()
            if not len(addresses):
                continue
            yield from self._until(upstream)
            if self._port is not None:
                _, passed = self._port.take(len(addresses))
                yield from self._until(passed)
            self.traffic["output_write"] += len(addresses)
            end = yield from self._bus.write(addresses).passed()
            self._record.end = max(self._record.end, end)

    def _until(self, cycle: int) -> Process:
        if cycle > self._clock.now:
            yield self._clock.timeout(cycle - self._clock.now)
