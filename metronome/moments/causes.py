"""Why a PE does not compute in a cycle: the chain of causes, from what is in its way to what is at the root of that.

Every link of the chain is something that was recorded: a wait, the transfer or the drain that was waited for, the step
before that was in the way of that, and so on, back in time, until something is simply busy with its own work, or the
same links come again: then one round of them is the root, and what takes its cycles.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from metronome.moments.chains import Link, round_of
from metronome.moments.places import cluster_name, pe_name
from metronome.moments.recording import Recording
from simulator.events import Compute, Drain, Path, Stall, Step, Transfer

_Chain = Iterator[Link]


def why(recording: Recording, pe: Path, cycle: int) -> list[str]:
    """Return why a PE does what it does in a cycle, a line per link of the chain, the root last."""
    return _Causes(recording).of(pe, cycle)


def _steps(step: Step) -> str:
    """Return how a step is called: by where the loops of its level stand."""
    return "step " + " ".join(map(str, step.indices)) + (f" of {cluster_name(step.cluster)}" if step.cluster else "")


def _span(event: Step | Transfer | Compute | Drain | Stall) -> str:
    return f"in cycles {event.begin} to {event.end}"


class _Causes:
    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._machine = recording.layer.machine

    def of(self, pe: Path, cycle: int) -> list[str]:
        chain: list[Link] = []
        seen: dict[str, int] = {}
        for link in self._pe(pe, cycle):
            kind = re.sub("[0-9]+", "", link.text)
            if kind in seen:
                return [*(each.text for each in chain), round_of(chain[seen[kind] :])]
            seen[kind] = len(chain)
            chain.append(link)
        lines = [link.text for link in chain]
        if not lines[-1].startswith("root: "):
            lines.append(f"what was before is outside of the cycles recorded, from {self._recording.first} on")
        return lines

    def _pe(self, pe: Path, cycle: int) -> _Chain:
        *enclosing, unit = pe
        cluster, computes = tuple(enclosing), self._recording.computes(pe)
        busy = computes.at(cycle)
        if busy is not None:
            yield Link(f"root: {pe_name(pe)} is computing {busy.macs} MACs {_span(busy)}")
            return
        stall = self._recording.track(Stall, cluster).at(cycle)
        if stall is not None:
            yield Link(f"{pe_name(pe)} does not compute: {cluster_name(cluster)} waits, {_span(stall)}: {stall.cause}")
            yield from self._stall(stall)
            return
        step = self._recording.working(cluster, cycle)
        if step is None:
            yield from self._nothing_more(pe, cycle)
        elif unit not in step.ranges:
            yield Link(f"{pe_name(pe)} has no part in {_steps(step)}, {_span(step)}")
            units = self._recording.layer.mapping.units[len(cluster)]
            yield Link(f"root: the dataflow gives it no chunk there: {len(step.ranges)} of {units} units work")
        else:
            yield from self._in_step(pe, step, cycle)

    def _in_step(self, pe: Path, step: Step, cycle: int) -> _Chain:
        """Tell why a PE with a part in a step that goes on does not compute: it is done, or its data come later."""
        after = next((c for c in self._recording.computes(pe) if c.begin > cycle and c.begin < step.end), None)
        transfer = self._recording.transfer_of(step)
        if after is not None and transfer is not None and transfer.arrivals.get(pe[-1], 0) > cycle:
            arrival = transfer.arrivals[pe[-1]]
            yield Link(f"{pe_name(pe)} has its own data for {_steps(step)} at {arrival} only; others have theirs")
            yield from self._transfer(transfer)
            return
        done = next(iter(self._recording.computes(pe).begun(cycle)), None)
        since = f" since {done.end}" if done else ""
        yield Link(f"{pe_name(pe)} is done with its part of {_steps(step)}{since}")
        yield from self._slowest(step, pe)

    def _slowest(self, step: Step, pe: Path | None = None, end: int | None = None) -> _Chain:
        """Tell who ends a step last, or at ``end``."""
        end = step.end if end is None else end
        if len(step.cluster) + 1 == self._recording.levels:
            yield from self._busiest(step, pe, end)
            return
        for unit in step.ranges:
            path = (*step.cluster, unit)
            last = next((s for s in self._recording.track(Step, path) if s.end == end), None)
            if last is not None:
                yield Link(f"{cluster_name(path)} ends its last step in {_steps(step)} at {end}")
                yield from self._last(last)
                return

    def _last(self, step: Step) -> _Chain:
        """Tell why a cluster's last step in an enclosing one ends only then: what it waited for before it began."""
        waits = [stall for stall in self._recording.track(Stall, step.cluster) if stall.end == step.started]
        if waits and waits[-1].cause == "distribution":
            yield Link(
                f"{_steps(step)} takes {step.end - step.started} cycles, after a wait since {waits[-1].begin}: "
                f"{waits[-1].cause}",
                "computing",
                step.end - step.started,
            )
            yield from self._stall(waits[-1])
        else:
            yield from self._busy(step)

    def _busiest(self, step: Step, pe: Path | None, end: int) -> _Chain:
        last = [
            compute
            for unit in step.ranges
            for compute in self._recording.computes((*step.cluster, unit))
            if compute.end == end
        ]
        if not last:
            return
        busiest = max(last, key=lambda compute: compute.macs)
        own = [c.macs for c in self._recording.computes(pe) if c.begin == busiest.begin] if pe else []
        beside = f", {pe_name(pe)} only {own[-1]}" if pe and own and own[-1] < busiest.macs else ""
        name = pe_name((*step.cluster, busiest.unit))
        lanes = f" on {self._machine.lanes} lanes" if self._machine.lanes > 1 else ""
        yield Link(f"root: {name} computes until {busiest.end}: {busiest.macs} MACs{lanes} in {_steps(step)}{beside}")

    def _busy(self, step: Step, end: int | None = None) -> _Chain:
        """Tell why a step did not end sooner: its slowest unit, or what it waited for before, if that is longer."""
        waits = [stall for stall in self._recording.track(Stall, step.cluster) if stall.end == step.started]
        if waits and waits[-1].end - waits[-1].begin > step.end - step.started:
            yield Link(f"{_steps(step)} began at {step.started} only: {waits[-1].cause} since {waits[-1].begin}")
            yield from self._stall(waits[-1])
        else:
            yield from self._slowest(step, end=end)

    def _stall(self, stall: Stall) -> _Chain:
        match stall.cause:
            case "distribution" | "fill" | "dram" | "l2_port":
                yield from self._data(stall)
            case "barrier":
                yield from self._barrier(stall)
            case "slot":
                yield from self._slot(stall)
            case "idle":
                yield Link(f"root: {cluster_name(stall.cluster)} has no part in the enclosing steps until {stall.end}")

    def _data(self, stall: Stall) -> _Chain:
        """Tell why data come no sooner."""
        step = self._recording.next_step(stall.cluster, stall.end - 1)
        transfer = None if step is None else self._recording.transfer_of(step)
        if step is None:
            return
        if transfer is None:
            yield Link(f"{_steps(step)} needs no data of its own")
            yield from self._enclosing(step.cluster, step.begin)
        else:
            yield from self._transfer(transfer, step)

    def _transfer(self, transfer: Transfer, step: Step | None = None) -> _Chain:
        numbers = {kind.removesuffix("s"): number for kind, number in transfer.elements.items() if number}
        moved = ", ".join(f"{number} {kind}s" for kind, number in numbers.items())
        arrival, port = max(transfer.arrivals.values()), f"the port of {cluster_name(transfer.cluster)}"
        whose = "of the enclosing step" if step is None else f"of {_steps(step)}"
        yield Link(
            f"the data {whose} ({moved}) cross {port} {_span(transfer)}, there at {arrival}",
            f"until data are over {port}",
            arrival - transfer.begin,
        )
        yield from self._held_up(transfer)

    def _held_up(self, transfer: Transfer) -> _Chain:
        causes = transfer.held_up_by
        port = self._machine.network(len(transfer.cluster)).distribution
        if not causes:
            width = "any number of" if port.bandwidth is None else str(port.bandwidth)
            yield Link(f"root: nothing was in the way of it: {width} elements cross in a cycle, latency {port.latency}")
        elif "port" in causes:
            yield from self._port(transfer)
        elif "buffer" in causes:
            yield from self._buffer(transfer)
        elif "enclosing" in causes:
            yield Link(f"it began when the data of the enclosing step were in {cluster_name(transfer.cluster)}")
            yield from self._enclosing(transfer.cluster, transfer.begin)
        elif "sums" in causes:
            yield Link(f"the partial sums that return with it were on their way up until {transfer.begin}")
            yield from self._drains(transfer.cluster, transfer.begin)
        elif "outputs" in causes:
            yield Link(f"it waited for room for outputs below, until {transfer.begin}")
            yield from self._drains(transfer.cluster, transfer.begin)
        elif "dram" in causes:
            yield Link(f"root: {self._dram()} had what is needed in the L2 at {transfer.begin} only")
        elif "l2_port" in causes:
            wide = self._machine.l2.port_bandwidth
            yield Link(f"root: the L2's single port, {wide} a cycle, was taken by others until {transfer.begin}")

    def _dram(self) -> str:
        dram = self._machine.dram
        return "the DRAM" if dram is None else f"the DRAM, {dram.bandwidth} elements a cycle, latency {dram.latency},"

    def _port(self, transfer: Transfer) -> _Chain:
        """Follow transfers that were held up by the one before, to the first of them."""
        chain, first = [transfer], transfer
        track = self._recording.track(Transfer, transfer.cluster)
        while "port" in first.held_up_by:
            before = next((t for t in track.begun(first.begin - 1) if t.end == first.begin), None)
            if before is None:
                break
            chain.append(before)
            first = before
        elements = sum(sum(each.elements.values()) for each in chain)
        port = self._machine.network(len(transfer.cluster)).distribution
        width = "" if port.bandwidth is None else f", {port.bandwidth} a cycle"
        yield Link(
            f"root: that port is busy without a pause since {first.begin}: {len(chain)} transfers, {elements} elements"
            f"{width}"
        )

    def _buffer(self, transfer: Transfer) -> _Chain:
        steps = self._recording.track(Step, transfer.cluster)
        ended = [step for step in steps if transfer.begin in (step.end, *step.ends.values())]
        yield Link(f"it began when a buffer of the units was free, at {transfer.begin}")
        if ended:
            yield Link(f"{_steps(ended[-1])} had it until then")
            yield from self._busy(ended[-1], transfer.begin)

    def _enclosing(self, cluster: Path, cycle: int) -> _Chain:
        if not cluster:
            yield Link("root: nothing is in the way at the top")
            return
        parent, unit = cluster[:-1], cluster[-1]
        sent = [t for t in self._recording.track(Transfer, parent) if t.arrivals.get(unit) == cycle]
        if sent:
            yield from self._transfer(sent[-1])

    def _barrier(self, stall: Stall) -> _Chain:
        for depth in range(len(stall.cluster) - 1, -1, -1):
            path = stall.cluster[:depth]
            ended = [s for s in self._recording.track(Step, path) if s.end == stall.end]
            if ended:
                yield Link(f"{'' if path else 'top-level '}{_steps(ended[-1])} goes on until {stall.end}")
                yield from self._slowest(ended[-1])
                return

    def _slot(self, stall: Stall) -> _Chain:
        yield Link(f"no room for new outputs until {stall.end}: a drain has to leave first")
        yield from self._drains(stall.cluster, stall.end)

    def _drains(self, cluster: Path, cycle: int) -> _Chain:
        """Tell what a collection port was busy with around a cycle."""
        drains = self._recording.track(Drain, cluster)
        last = next((drain for drain in drains.begun(cycle) if drain.end <= cycle), None)
        last = last or drains.at(cycle) or drains.after(cycle)
        if last is None:
            yield Link(f"root: outputs are on their way up until {cycle}")
            return
        chain = [last]
        while (
            before := next((d for d in drains.begun(chain[-1].begin - 1) if d.end == chain[-1].begin), None)
        ) is not None:
            chain.append(before)
        port = self._machine.network(len(cluster)).collection
        elements, width = sum(drain.elements for drain in chain), port.bandwidth or "any number"
        yield Link(
            f"root: the collection port of {cluster_name(cluster)} is busy in cycles {chain[-1].begin} to {last.end}: "
            f"{elements} outputs in {len(chain)} drains, {width} a cycle"
        )

    def _nothing_more(self, pe: Path, cycle: int) -> _Chain:
        """Tell why a PE has nothing to do while its cluster neither works nor waits."""
        cluster = pe[:-1]
        if cycle >= self._recording.metrics.compute_end:
            yield Link(f"root: all PEs are done since {self._recording.metrics.compute_end}; the last outputs drain")
            return
        if not len(self._recording.track(Step, cluster)):
            yield Link(f"root: {pe_name(pe)} has nothing to do in the cycles recorded")
            return
        yield Link(f"{cluster_name(cluster)} is done with its part of the enclosing step")
        for depth in range(len(cluster) - 1, -1, -1):
            step = self._recording.working(cluster[:depth], cycle)
            if step is not None:
                yield from self._slowest(step)
                return
            coming = self._recording.next_step(cluster[:depth], cycle)
            transfer = None if coming is None else self._recording.transfer_of(coming)
            if transfer is not None:
                yield from self._transfer(transfer, coming)
                return
        yield Link(f"root: nothing more comes for {cluster_name(cluster)}")
