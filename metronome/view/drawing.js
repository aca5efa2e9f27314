"use strict";
// Pictures on canvases: the array, lanes of events, levels of buffers, and tiles inside tensors.

const CAUSES = ["distribution", "barrier", "slot", "dram", "l2_port", "fill", "idle", "done"];
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** Return a canvas's context in units of the page's pixels, as wide as its place, and cleared. */
function prepared(canvas, height) {
  const width = canvas.parentElement.clientWidth, scale = window.devicePixelRatio || 1;
  canvas.style.height = `${height}px`;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = '12px system-ui, "DejaVu Sans", sans-serif';
  context.textBaseline = "middle";
  return [context, width];
}

/** How the PEs are laid out: clusters of PEs as blocks of rows, as square as may be. */
const layout = (() => {
  const inner = data.units[levels - 1], blocks = pes / inner;
  const single = blocks === 1;
  const columns = single ? Math.ceil(Math.sqrt(inner)) : Math.min(inner, 32);
  const rows = Math.ceil(inner / columns);
  const across = Math.max(1, Math.round(Math.sqrt((blocks * (rows + 0.5)) / (columns + 0.5))));
  return { inner, blocks, columns, rows, across, down: Math.ceil(blocks / across) };
})();

function placeOf(pe, cell) {
  const block = Math.floor(pe / layout.inner), inside = pe % layout.inner, gap = layout.blocks > 1 ? 0.5 : 0;
  const x = (block % layout.across) * (layout.columns + gap) + (inside % layout.columns);
  const y = Math.floor(block / layout.across) * (layout.rows + gap) + Math.floor(inside / layout.columns);
  return [x * cell, y * cell];
}

function drawArray(canvas, cycle, chosen) {
  const gap = layout.blocks > 1 ? 0.5 : 0;
  const width = canvas.parentElement.clientWidth;
  const cell = Math.max(3, Math.min(34, width / (layout.across * (layout.columns + gap))));
  const [context] = prepared(canvas, Math.ceil(layout.down * (layout.rows + gap) * cell));
  const counts = {};
  for (let pe = 0; pe < pes; pe += 1) {
    const state = stateOf(pathOf(pe), cycle), [x, y] = placeOf(pe, cell);
    counts[state.kind] = (counts[state.kind] || 0) + 1;
    context.fillStyle = colour(state.kind);
    context.fillRect(x + 0.5, y + 0.5, cell - 1, cell - 1);
    if (pe === chosen) {
      context.strokeStyle = colour("ink");
      context.lineWidth = 2;
      context.strokeRect(x + 1, y + 1, cell - 2, cell - 2);
    }
    if (cell >= 24) {
      context.fillStyle = colour("on-cell");
      context.textAlign = "center";
      context.fillText(String(pe), x + cell / 2, y + cell / 2);
    }
  }
  canvas.cell = cell;
  return counts;
}

function peAt(canvas, x, y) {
  for (let pe = 0; pe < pes; pe += 1) {
    const [left, top] = placeOf(pe, canvas.cell);
    if (x >= left && x < left + canvas.cell && y >= top && y < top + canvas.cell) return pe;
  }
  return null;
}

const LANE = 16, LABEL = 150;

/** Return the lanes to draw: of each level the cluster that the chosen PE is in, and the PE. */
function lanesOf(path) {
  const found = [];
  for (let level = 0; level < levels; level += 1) {
    const prefix = path.slice(0, level), cluster = clusterOf(prefix), name = nameOf(prefix);
    if (cluster === undefined) continue;
    found.push({ name: `${name}: transfers`, events: transfers[cluster], kind: "transfer" });
    found.push({ name: "steps", events: steps[cluster], kind: "step", from: "started" });
    found.push({ name: "drains", events: drains[cluster], kind: "drain" });
    found.push({ name: "waits", events: stalls[cluster], kind: null });
  }
  const cluster = clusterOf(path.slice(0, -1)), unit = path[path.length - 1];
  if (cluster !== undefined) {
    const own = computes[cluster].filter((event) => hasUnit(event.units, unit));
    own.longest = computes[cluster].longest;
    found.push({ name: `PE ${path.join(".")}: computes`, events: own, kind: "computing" });
  }
  return found;
}

function marker(context, view, width, height, cycle) {
  const x = LABEL + ((cycle - view[0]) / (view[1] - view[0])) * (width - LABEL);
  if (x < LABEL || x > width) return;
  context.fillStyle = colour("ink");
  context.fillRect(x, 0, 1.5, height);
}

function axis(context, view, width, y) {
  const span = view[1] - view[0], rough = span / Math.max(2, (width - LABEL) / 110);
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1)));
  const tick = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough) || 10 * power;
  context.fillStyle = colour("muted");
  context.textAlign = "center";
  for (let at = Math.ceil(view[0] / tick) * tick; at <= view[1]; at += tick) {
    const x = LABEL + ((at - view[0]) / span) * (width - LABEL);
    context.fillRect(x, y - 8, 1, 4);
    context.fillText(at.toLocaleString("en"), Math.min(Math.max(x, LABEL + 20), width - 30), y + 3);
  }
}

function drawLanes(canvas, view, cycle, path) {
  const lanes = lanesOf(path), height = lanes.length * LANE + 22;
  const [context, width] = prepared(canvas, height);
  const scale = (width - LABEL) / (view[1] - view[0]);
  lanes.forEach((lane, index) => {
    const y = index * LANE;
    context.fillStyle = colour("panel");
    if (index % 2 === 0) context.fillRect(LABEL, y, width - LABEL, LANE);
    context.fillStyle = colour("ink");
    context.textAlign = "right";
    context.fillText(lane.name, LABEL - 8, y + LANE / 2);
    for (const event of during(lane.events, view[0], view[1])) {
      const begin = Math.max(lane.from ? event[lane.from] : event.begin, view[0]), end = Math.min(event.end, view[1]);
      const x = LABEL + (begin - view[0]) * scale, w = Math.max((end - begin) * scale, 1);
      context.fillStyle = colour(lane.kind || word(event.cause));
      context.fillRect(x, y + 2, w > 3 ? w - 1 : w, LANE - 4);
      if (lane.kind === "step" && w > 60) {
        context.fillStyle = colour("on-cell");
        context.textAlign = "left";
        context.fillText(word(event.indices), x + 4, y + LANE / 2, w - 8);
      }
    }
  });
  axis(context, view, width, lanes.length * LANE + 12);
  marker(context, view, width, lanes.length * LANE, cycle);
}

const TENSORS = ["input", "filter", "output"];

function drawBuffers(canvas, view, cycle) {
  const each = 64, [context, width] = prepared(canvas, data.buffers.length * each);
  const scale = (width - LABEL) / (view[1] - view[0]);
  data.buffers.forEach((rows, level) => {
    const top = level * each + 6, height = each - 14;
    const most = Math.max(1, ...rows.map((row) => Math.max(row[1], row[2], row[3])));
    context.fillStyle = colour("ink");
    context.textAlign = "right";
    const name = level + 1 === data.buffers.length ? "L1 of all PEs" : `C${level + 1} of all clusters`;
    context.fillText(name, LABEL - 8, top + 10);
    context.fillStyle = colour("muted");
    context.fillText(`up to ${most.toLocaleString("en")}`, LABEL - 8, top + 28);
    context.fillRect(LABEL, top + height, width - LABEL, 1);
    TENSORS.forEach((tensor, index) => {
      context.strokeStyle = colour(tensor);
      context.lineWidth = 1.5;
      context.beginPath();
      let value = 0, drawn = false;
      const to = (at, v) => {
        const x = LABEL + (Math.min(Math.max(at, view[0]), view[1]) - view[0]) * scale, y = top + height - (v / most) * height;
        if (drawn) context.lineTo(x, y); else context.moveTo(x, y);
        drawn = true;
      };
      for (const row of rows) {
        if (row[0] > view[1]) break;
        if (row[0] >= view[0]) { to(row[0], value); to(row[0], row[index + 1]); }
        value = row[index + 1];
        if (row[0] < view[0]) { drawn = false; context.beginPath(); to(view[0], value); }
      }
      to(view[1], value);
      context.stroke();
    });
  });
  marker(context, view, width, data.buffers.length * each, cycle);
}

/** Draw a tile inside its tensor: the last two axes that have more than one element. */
function drawTile(canvas, tensor, ranges) {
  const axes = data.tensors[tensor], long = axes.filter((each) => each.size > 1).slice(-2);
  const [context, width] = prepared(canvas, 110);
  const [vertical, horizontal] = long.length === 2 ? long : [{ name: "", size: 1, terms: [] }, long[0] || axes[0]];
  const scale = Math.min((width - 8) / horizontal.size, 96 / vertical.size, 22);
  const [w, h] = [Math.max(horizontal.size * scale, 2), Math.max(vertical.size * scale, 2)];
  context.fillStyle = colour("panel");
  context.fillRect(1, 1, w, h);
  context.strokeStyle = colour("muted");
  context.strokeRect(0.5, 0.5, w + 1, h + 1);
  if (!ranges) return;
  const [x0, x1] = extent(horizontal, ranges), [y0, y1] = extent(vertical, ranges);
  context.fillStyle = colour(tensor);
  context.fillRect(1 + x0 * scale, 1 + y0 * scale, Math.max((x1 - x0 + 1) * scale, 2), Math.max((y1 - y0 + 1) * scale, 2));
}

/** Draw the whole layer: where the window is, and how busy the PEs are in moments of the rest. */
function drawOverview(canvas) {
  const [context, width] = prepared(canvas, 46), scale = width / data.cycles;
  context.fillStyle = colour("panel");
  context.fillRect(0, 0, width, 30);
  for (const [begin, , share] of data.rest) {
    context.fillStyle = colour("computing");
    context.fillRect(Math.min(begin * scale, width - 8), 30 - share * 28, 8, share * 28);
  }
  context.fillStyle = colour("window");
  context.fillRect(firstCycle * scale, 0, Math.max((lastCycle - firstCycle) * scale, 3), 30);
  context.fillStyle = colour("muted");
  context.textAlign = "left";
  context.fillText("0", 0, 39);
  context.textAlign = "right";
  context.fillText(data.cycles.toLocaleString("en"), width, 39);
}
