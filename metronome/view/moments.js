"use strict";
// The data of the page, and what can be asked of it: what goes on where in a cycle, and where elements are.

const data = JSON.parse(document.getElementById("data").textContent);
const levels = data.levels.length;
const pes = data.units.reduce((product, units) => product * units, 1);
const [firstCycle, lastCycle] = data.window;

const word = (number) => data.texts[number];
const pairs = (text) => new Map(text ? text.split(" ").map((pair) => pair.split(":").map(Number)) : []);

/** Return rows of numbers as objects, by cluster and in the order in which they begin. */
function byCluster(rows, names) {
  const found = data.clusters.map(() => []);
  for (const row of rows) {
    const event = { cluster: row[0], begin: row[1], rest: row.slice(names.length + 2) };
    names.forEach((name, index) => { event[name] = row[index + 2]; });
    found[row[0]].push(event);
  }
  for (const events of found) {
    events.sort((one, other) => one.begin - other.begin);
    events.longest = Math.max(0, ...events.map((event) => event.end - event.begin));
  }
  return found;
}

const steps = byCluster(data.steps, ["started", "end", "number", "indices", "shape", "ends"]);
const transfers = byCluster(data.transfers, ["end", "input", "filter", "sums", "heldUp", "arrival", "arrivals"]);
const computes = byCluster(data.computes, ["end", "macs", "units"]);
const drains = byCluster(data.drains, ["end", "elements", "upstream"]);
const stalls = byCluster(data.stalls, ["end", "cause", "chain"]);
const clusterNumber = new Map(data.clusters.map((path, number) => [path.join("."), number]));

/** Return the events of a list that go on in a cycle, or between two. */
function during(events, from, to = from + 1) {
  let low = 0, high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (events[middle].begin < from - events.longest) low = middle + 1; else high = middle;
  }
  const found = [];
  for (let index = low; index < events.length && events[index].begin < to; index += 1) {
    if (events[index].end > from || (events[index].end === from && events[index].begin === from)) found.push(events[index]);
  }
  return found;
}

/** Return the units that lead to a PE, which is counted through all clusters. */
function pathOf(pe) {
  const path = [];
  for (let level = levels - 1; level >= 0; level -= 1) {
    path.unshift(pe % data.units[level]);
    pe = Math.floor(pe / data.units[level]);
  }
  return path;
}

const clusterOf = (path) => clusterNumber.get(path.join("."));
const nameOf = (path) => (path.length ? `cluster ${path.join(".")}` : "top");

function hasUnit(runs, unit) {
  for (let index = 0; index < runs.length; index += 2) {
    if (unit >= runs[index] && unit < runs[index] + runs[index + 1]) return true;
  }
  return false;
}

/** Return the units of a step: by unit, where it begins beyond the step's origin and how long it is, by dimension. */
const shapes = new Map();
function shapeOf(step) {
  if (!shapes.has(step.shape)) {
    const units = new Map();
    for (const part of word(step.shape).split(";")) {
      const [unit, box] = part.split(":");
      units.set(Number(unit), box.split(" ").map((pair) => pair.split(",").map(Number)));
    }
    shapes.set(step.shape, units);
  }
  return shapes.get(step.shape);
}

/** Return what a unit works on in a step, by dimension as [first, past the last]; null where it is idle. */
function rangesOf(step, unit) {
  const box = shapeOf(step).get(unit);
  return box ? box.map(([low, length], d) => [step.rest[d] + low, step.rest[d] + low + length]) : null;
}

/** Return the first and the last coordinate of a tile along an axis. */
function extent(axis, ranges) {
  let low = 0, high = 0;
  for (const [coefficient, dimension] of axis.terms) {
    low += coefficient * ranges[dimension][0];
    high += coefficient * (ranges[dimension][1] - 1);
  }
  return [low, high];
}

function reaches(coordinate, terms, ranges) {
  if (!terms.length) return coordinate === 0;
  const [[coefficient, dimension], ...others] = terms;
  const [low, high] = ranges[dimension];
  if (!others.length) {
    const index = coordinate / coefficient;
    return Number.isInteger(index) && index >= low && index < high;
  }
  for (let index = low; index < high; index += 1) {
    if (reaches(coordinate - coefficient * index, others, ranges)) return true;
  }
  return false;
}

const holds = (ranges, axes, element) => axes.every((axis, i) => reaches(element[i], axis.terms, ranges));

const endOf = (step, unit) => {
  const own = pairs(word(step.ends)).get(unit);
  return own === undefined ? step.end : step.begin + own;
};
const transfersByBegin = transfers.map((events) => new Map(events.map((event) => [event.begin, event])));
const transferOf = (step) => transfersByBegin[step.cluster].get(step.begin);
const arrivalOf = (transfer, unit) => {
  const own = pairs(word(transfer.arrivals)).get(unit);
  return own === undefined ? transfer.arrival : transfer.begin + own;
};

/** Return the step that a cluster's units work on in a cycle, or get data for. */
function stepAt(cluster, cycle) {
  if (cluster === undefined) return null;
  const going = during(steps[cluster], cycle);
  const working = going.filter((step) => step.started <= cycle);
  return working.length ? working[working.length - 1] : going[0] || null;
}

/** Return what a PE does in a cycle: the kind (computing, a cause of waiting, done, idle), and the event behind it. */
function stateOf(path, cycle) {
  const cluster = clusterOf(path.slice(0, -1)), unit = path[path.length - 1];
  if (cluster === undefined) return { kind: "idle" };
  const compute = during(computes[cluster], cycle).find((event) => hasUnit(event.units, unit));
  if (compute) return { kind: "computing", event: compute };
  const stall = during(stalls[cluster], cycle)[0];
  if (stall) return { kind: word(stall.cause), event: stall };
  const step = stepAt(cluster, cycle);
  if (step && step.started <= cycle) return { kind: shapeOf(step).has(unit) ? "done" : "idle", event: step };
  return { kind: "idle" };
}

/** Return the stays of an element in buffers of units: where, from when to when, and the transfers that bring it. */
function find(tensor, element) {
  const axes = data.tensors[tensor], found = [];
  data.clusters.forEach((path, cluster) => {
    const open = new Map();
    for (const step of steps[cluster]) {
      const transfer = transferOf(step);
      for (const unit of shapeOf(step).keys()) {
        const held = holds(rangesOf(step, unit), axes, element), stay = open.get(unit);
        if (held && stay) {
          stay.to = endOf(step, unit);
          stay.steps += 1;
        } else if (held) {
          const moved = tensor !== "output" && transfer;
          const from = moved ? arrivalOf(transfer, unit) : Math.max(step.started, step.begin);
          const begun = { path: [...path, unit], from, to: endOf(step, unit), steps: 1, transfer: moved ? transfer : null };
          open.set(unit, begun);
          found.push(begun);
        } else {
          open.delete(unit);
        }
      }
    }
  });
  return found.sort((one, other) => one.path.length - other.path.length || one.from - other.from);
}

/** Return the tensor and the coordinates of what is written I[0,3,5,7], W[…] or O[…]; a text says what is wrong. */
function parse(text) {
  const match = /^\s*([A-Za-z]+)\s*\[([\d\s,]*)\]\s*$/.exec(text);
  const letters = { I: "input", W: "filter", F: "filter", O: "output" };
  const tensor = match && (letters[match[1].toUpperCase()] || match[1].toLowerCase());
  if (!match || !(tensor in data.tensors)) return "Write an element as I[0,3,5,7], W[0,3,1,1] or O[0,3,5,7].";
  const axes = data.tensors[tensor], shape = axes.map((axis) => `${axis.name} ${axis.size}`).join(", ");
  let numbers = match[2].split(",").map((number) => (number.trim() === "" ? NaN : Number(number)));
  const ones = axes.filter((axis) => axis.size === 1).length;
  if (numbers.length !== axes.length && numbers.length === axes.length - ones) {
    const given = numbers[Symbol.iterator]();
    numbers = axes.map((axis) => (axis.size === 1 ? 0 : given.next().value));
  }
  if (numbers.length !== axes.length || numbers.some(Number.isNaN)) return `The axes of ${tensor} are ${shape}.`;
  if (numbers.some((number, i) => number >= axes[i].size)) return `That is outside of ${tensor}: ${shape}.`;
  return { tensor, element: numbers };
}
