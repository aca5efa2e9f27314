"use strict";
// What users do: move in time, choose a PE, search for elements; and what is said about it.

const element = (id) => document.getElementById(id);
const state = { cycle: firstCycle, pe: 0, view: [firstCycle, Math.max(lastCycle, firstCycle + 1)], timer: null };

const MEANINGS = {
  computing: "computing", distribution: "waiting for data", barrier: "waiting at the barrier",
  slot: "waiting for room for outputs", dram: "waiting for the DRAM", l2_port: "waiting for the L2's port",
  fill: "nothing has come yet", idle: "nothing to do", done: "done with its part of the step",
};

function put(parent, tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  parent.append(made);
  return made;
}

function facts() {
  const layer = `${data.layer.name}, ${data.layer.type}, ${data.layer.macs.toLocaleString("en")} MACs`;
  const machine = `${data.machine.name}, ${data.machine.pes} PEs, ${data.units.join(" × ")}`;
  for (const [label, value] of [["layer", layer], ["machine", machine], ...data.totals]) {
    const fact = put(element("facts"), "div");
    put(fact, "dt", label);
    put(fact, "dd", value);
  }
  const rest = element("rest"), width = lastCycle - firstCycle;
  rest.textContent = width >= data.cycles
    ? "The page shows the whole layer."
    : `The page shows cycles ${firstCycle.toLocaleString("en")} to ${lastCycle.toLocaleString("en")} in full.` +
      (data.rest.length ? " Bars above: the share of PEs that compute, in moments of the whole layer." : "");
}

function nest(path) {
  const place = element("nest");
  place.replaceChildren();
  data.levels.forEach((level, index) => {
    const cluster = clusterOf(path.slice(0, index)), step = stepAt(cluster, state.cycle);
    const indices = step ? word(step.indices).split(" ") : [];
    if (index) put(place, "div", `Cluster(${level.units})  ${nameOf(path.slice(0, index))}`, "cluster");
    if (!level.loops.length) put(place, "div", "no loops: one step", "loop");
    level.loops.forEach((loop, at) => {
      const line = put(place, "div", loop, "loop");
      put(line, "span", indices[at] === undefined || indices[at] === "" ? "" : ` = ${indices[at]}`, "index");
    });
  });
}

function tiles(path) {
  const cluster = clusterOf(path.slice(0, -1)), step = stepAt(cluster, state.cycle);
  const ranges = step && rangesOf(step, path[path.length - 1]);
  for (const tensor of TENSORS) {
    drawTile(element(`tile-${tensor}`), tensor, ranges);
    const words = ranges
      ? data.tensors[tensor].filter((axis) => axis.size > 1).map((axis) => {
        const [low, high] = extent(axis, ranges);
        return low === high ? `${axis.name} ${low}` : `${axis.name} ${low}..${high}`;
      })
      : ["nothing"];
    const size = data.tensors[tensor].map((axis) => axis.size).join(" × ");
    element(`words-${tensor}`).textContent = `${words.join(", ") || "its one element"} of ${size}`;
  }
}

function details(path) {
  const found = stateOf(path, state.cycle), place = element("details");
  place.replaceChildren();
  put(place, "h3", `PE ${path.join(".")}${levels > 1 ? ` (number ${state.pe})` : ""} in cycle ${state.cycle.toLocaleString("en")}`);
  const event = found.event, span = event ? `, cycles ${event.begin} to ${event.end}` : "";
  const macs = found.kind === "computing" ? `: ${event.macs} MACs` : "";
  put(place, "p", `${MEANINGS[found.kind] || found.kind}${macs}${span}`, "state");
  const chain = event && event.chain !== undefined ? word(event.chain) : "";
  if (chain) {
    const list = put(place, "ol", undefined, "chain");
    list.setAttribute("aria-label", "causes");
    const lines = chain.split("\n"), own = lines[0].includes(`: ${path.length > 1 ? nameOf(path.slice(0, -1)) : "the top"} waits`);
    for (const line of lines.slice(own ? 1 : 0)) put(list, "li", line, line.startsWith("root: ") ? "root" : "");
  }
  nest(path);
  tiles(path);
}

function legend(counts) {
  const place = element("legend");
  place.replaceChildren();
  for (const kind of ["computing", ...CAUSES]) {
    if (!counts[kind]) continue;
    const entry = put(place, "span", undefined, "entry");
    put(entry, "span", "", "swatch").style.background = `var(--${kind})`;
    put(entry, "span", `${counts[kind]} ${MEANINGS[kind]}`);
  }
}

function show() {
  const path = pathOf(state.pe);
  element("time").value = state.cycle;
  element("cycle").value = state.cycle;
  element("time").setAttribute("aria-valuetext", `cycle ${state.cycle}`);
  const counts = drawArray(element("array"), state.cycle, state.pe);
  legend(counts);
  element("array").setAttribute("aria-label",
    `PE array in cycle ${state.cycle}: ${Object.entries(counts).map(([kind, n]) => `${n} ${MEANINGS[kind]}`).join(", ")}`);
  drawLanes(element("lanes"), state.view, state.cycle, path);
  drawBuffers(element("buffers"), state.view, state.cycle);
  details(path);
}

function go(cycle) {
  state.cycle = Math.min(Math.max(Math.round(cycle), firstCycle), lastCycle);
  const [from, to] = state.view;
  if (state.cycle < from || state.cycle > to) {
    const half = (to - from) / 2;
    look(state.cycle - half, state.cycle + half);
  }
  show();
}

function choose(pe) {
  state.pe = Math.min(Math.max(pe, 0), pes - 1);
  show();
}

/** Look at a part of the window, not less than eight cycles of it. */
function look(from, to) {
  const span = Math.min(Math.max(to - from, 8), Math.max(lastCycle - firstCycle, 8));
  const begin = Math.min(Math.max((from + to - span) / 2, firstCycle), Math.max(lastCycle - span, firstCycle));
  state.view = [begin, begin + span];
}

function zoom(factor, around = state.cycle) {
  const [from, to] = state.view;
  look(around - (around - from) * factor, around + (to - around) * factor);
  show();
}

function play() {
  const button = element("play");
  if (state.timer) {
    clearInterval(state.timer);
    state.timer = null;
  } else {
    if (state.cycle >= lastCycle) state.cycle = firstCycle;
    state.timer = setInterval(() => {
      if (state.cycle >= lastCycle) play(); else go(state.cycle + Number(element("speed").value));
    }, 100);
  }
  button.textContent = state.timer ? "Pause" : "Play";
  button.setAttribute("aria-pressed", String(Boolean(state.timer)));
}

const MOST_STAYS = 100;

function search(event) {
  event.preventDefault();
  const place = element("found"), wanted = parse(element("wanted").value);
  place.replaceChildren();
  if (typeof wanted === "string") { put(place, "p", wanted, "wrong"); return; }
  const stays = find(wanted.tensor, wanted.element);
  const reads = new Set(stays.filter((stay) => stay.transfer).map((stay) => stay.transfer));
  const top = [...reads].filter((transfer) => data.clusters[transfer.cluster].length === 0).length;
  const moved = wanted.tensor === "output" ? "" : ` Its buffers get it in ${reads.size} transfers, ${top} of them out of the L2.`;
  put(place, "p", stays.length ? `In ${stays.length} buffers in these cycles.${moved}` : "In no buffer in these cycles.");
  const list = put(place, "ul");
  for (const stay of stays.slice(0, MOST_STAYS)) {
    const name = stay.path.length === levels ? `PE ${stay.path.join(".")}` : nameOf(stay.path);
    const sent = stay.transfer ? `, sent in ${stay.transfer.begin} to ${stay.transfer.end}` : "";
    const line = put(list, "li");
    const button = put(line, "button", `${name}: ${stay.from} to ${stay.to}`);
    button.type = "button";
    button.addEventListener("click", () => {
      const rest = data.units.slice(stay.path.length).reduce((product, units) => product * units, 1);
      state.pe = stay.path.reduce((number, unit, level) => number * data.units[level] + unit, 0) * rest;
      go(stay.from);
    });
    put(line, "span", ` ${stay.steps} step${stay.steps > 1 ? "s" : ""}${sent}`);
  }
  if (stays.length > MOST_STAYS) put(place, "p", `and ${stays.length - MOST_STAYS} more`);
}

const atCycle = (canvas, event) => {
  const box = canvas.getBoundingClientRect(), share = (event.clientX - box.left - LABEL) / (box.width - LABEL);
  return state.view[0] + share * (state.view[1] - state.view[0]);
};

const KEYS = {
  ArrowLeft: () => go(state.cycle - 1), ArrowRight: () => go(state.cycle + 1),
  PageUp: () => go(state.cycle - 20), PageDown: () => go(state.cycle + 20),
  Home: () => go(firstCycle), End: () => go(lastCycle), " ": play, "+": () => zoom(0.5), "-": () => zoom(2),
};
const MOVES = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -layout.columns, ArrowDown: layout.columns };

function connect() {
  const time = element("time"), array = element("array");
  [time.min, time.max] = [firstCycle, lastCycle];
  [element("cycle").min, element("cycle").max] = [firstCycle, lastCycle];
  time.addEventListener("input", () => go(Number(time.value)));
  element("cycle").addEventListener("change", (event) => go(Number(event.target.value)));
  element("play").addEventListener("click", play);
  element("back").addEventListener("click", () => go(state.cycle - 1));
  element("on").addEventListener("click", () => go(state.cycle + 1));
  element("in").addEventListener("click", () => zoom(0.5));
  element("out").addEventListener("click", () => zoom(2));
  element("all").addEventListener("click", () => { look(firstCycle, lastCycle); show(); });
  element("search").addEventListener("submit", search);
  array.addEventListener("click", (event) => {
    const pe = peAt(array, event.offsetX, event.offsetY);
    if (pe !== null) choose(pe);
  });
  array.addEventListener("keydown", (event) => {
    if (!(event.key in MOVES)) return;
    event.preventDefault();
    event.stopPropagation();
    choose(state.pe + MOVES[event.key]);
  });
  for (const canvas of [element("lanes"), element("buffers")]) {
    canvas.addEventListener("click", (event) => go(atCycle(canvas, event)));
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      zoom(event.deltaY > 0 ? 1.25 : 0.8, atCycle(canvas, event));
    }, { passive: false });
  }
  document.addEventListener("keydown", (event) => {
    if (["INPUT", "SELECT", "BUTTON"].includes(event.target.tagName) || !(event.key in KEYS)) return;
    event.preventDefault();
    KEYS[event.key]();
  });
  const redraw = () => { drawOverview(element("overview")); show(); };
  window.addEventListener("resize", redraw);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}

facts();
connect();
look(firstCycle, Math.min(lastCycle, firstCycle + 400));
drawOverview(element("overview"));
go(firstCycle);
