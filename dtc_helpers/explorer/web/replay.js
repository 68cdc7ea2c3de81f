// A run played again: who goes in which cycle, how accurate the rest is, what is left to be measured.

import { chart, COLOURS, markers, polyline, rangeOf, steps, verticalLine } from "./charts.js";
import { fixed, html, svg } from "./elements.js";
import { entropyOfCounts, histogram, publishedBinEdges } from "./gibbs.js";
import { sum } from "./matrices.js";
import { lessMotion } from "./store.js";
import { factsLine, panel } from "./views.js";

const SECONDS_A_CYCLE = 0.6;
const COLUMNS = 32; // of the neurons' field
const SIDES = ["left", "right"];
const LOOKS = {
  left: { stroke: COLOURS.blue, form: "circle" },
  right: { stroke: COLOURS.orange, form: "square" },
};
const EDGES = publishedBinEdges();

// ---------------------------------------------------------------------------------- what is computed, no page

/** What a run shows of one cycle; cycles count from 1. */
export function momentOf(run, cycle, layer) {
  const measurement = run[layer][cycle - 1];
  const counts = histogram(measurement, EDGES);
  return { measurement, counts, entropy: entropyOfCounts(counts), outside: 1 - sum(counts) / measurement.length };
}

const knownSeries = new WeakMap(); // by the measurements, which stay as they are: computed once, not on every move

/** Entropy of the measurement in every cycle. */
export function entropySeries(run, layer) {
  const measured = run[layer];
  if (!knownSeries.has(measured)) {
    knownSeries.set(
      measured,
      measured.map((_, i) => momentOf(run, i + 1, layer).entropy),
    );
  }
  return knownSeries.get(measured);
}

// ------------------------------------------------------------------------------------------------- the view

export const replay = {
  defaults: (data) => {
    const names = Object.keys(data.runs);
    const first = (method) => names.find((name) => name.endsWith(method));
    return {
      left: first("DTC") ?? names[0],
      right: first("random") ?? names[names.length - 1],
      cycle: 1,
      layer: "outgoing",
    };
  },
  controls: (data) => {
    const runs = Object.keys(data.runs).map((name) => [name, name]);
    return [
      { name: "left", label: "left", kind: "select", options: runs },
      { name: "right", label: "right", kind: "select", options: runs },
      {
        name: "cycle",
        label: "cycle",
        kind: "range",
        min: 1,
        step: 1,
        max: data.widths.length,
        show: (v) => `${v} of ${data.widths.length}`,
      },
      {
        name: "layer",
        label: "measured",
        kind: "select",
        options: [
          ["outgoing", "outgoing sums"],
          ["incoming", "incoming sums"],
        ],
      },
      playButton(data),
    ];
  },

  build(store, data) {
    const fields = Object.fromEntries(
      SIDES.map((side) => [side, panel("", "Filled: stays. Cross: goes now. Small ring: gone before.")]),
    );
    const accuracy = panel(
      "Accuracy after every cut",
      "Solid with circles: left. Dashed with squares: right. Vertical line: where you stand.",
    );
    const entropy = panel(
      "Entropy of the measurement",
      "Marks as beside it. Dotted: ln m, the most that m numbers can have.",
    );
    const histograms = panel(
      "Histogram of the measurement now",
      "Up: left. Down: right. Bins of 0.2, as published: nearly each number has its own.",
      true,
    );
    const facts = factsLine();

    function draw(state) {
      const runs = Object.fromEntries(SIDES.map((side) => [side, data.runs[state[side]]]));
      const moments = Object.fromEntries(SIDES.map((side) => [side, momentOf(runs[side], state.cycle, state.layer)]));
      for (const side of SIDES) {
        fields[side].figure.querySelector("h3").textContent = `${side}: ${state[side]}`;
        fields[side].put(() => neuronField(runs[side].gone, state.cycle, state[side]));
      }
      accuracy.put((width) =>
        seriesChart(width, runs, state, { values: (run) => run.accuracy, label: "test accuracy" }),
      );
      const lengths = runs.left[state.layer].map((y) => Math.log(y.length));
      entropy.put((width) =>
        seriesChart(width, runs, state, {
          values: (run) => entropySeries(run, state.layer),
          label: "S [nats]",
          ceiling: lengths,
        }),
      );
      histograms.put((width) => twoHistograms(width, moments));
      facts.put(factsOf(runs, moments, state, data));
      return moments;
    }
    const panels = [fields.left, fields.right, accuracy, entropy, histograms].map(({ figure }) => figure);
    return { elements: [facts.list, html("div", { class: "panels two" }, panels)], draw };
  },
};

/** Plays from the cycle where it stands. Where a person asks for less motion, each press is one cycle. */
function playButton(data) {
  let timer = null;
  const last = data.widths.length;
  function stop() {
    clearInterval(timer);
    timer = null;
  }
  function onward(store) {
    const { cycle } = store.get();
    if (cycle >= last) stop();
    store.set({ cycle: Math.min(cycle + 1, last), playing: timer !== null && cycle + 1 < last });
    if (cycle + 1 >= last) stop();
  }
  return {
    name: "play",
    kind: "button",
    label: ({ playing }) => (lessMotion() ? "next cycle" : playing ? "pause" : "play"),
    action(store) {
      if (lessMotion()) return onward(store);
      if (timer !== null) {
        stop();
        return store.set({ playing: false });
      }
      if (store.get().cycle >= last) store.set({ cycle: 1 });
      timer = setInterval(() => onward(store), 1000 * SECONDS_A_CYCLE);
      return store.set({ playing: true });
    },
  };
}

function factsOf(runs, moments, { cycle, left, right, layer }, data) {
  const of = (side, name) => [
    [`${side}, ${name}: accuracy`, fixed(runs[side].accuracy[cycle - 1], 4)],
    [
      `${side}: S`,
      `${fixed(moments[side].entropy, 3)} nats of ${moments[side].measurement.length} numbers${moments[side].outside > 0 ? `, ${Math.round(100 * moments[side].outside)} % of them outside the bins` : ""}`,
    ],
  ];
  const before = cycle === 1 ? data.neurons : data.widths[cycle - 2];
  return [
    ["neurons", `${before} → ${data.widths[cycle - 1]}`],
    ...of("left", left),
    ...of("right", right),
    ["measured", `${layer} sums, before the cut`],
  ];
}

// ------------------------------------------------------------------------------------------------- charts

function neuronField(gone, cycle, name) {
  const size = 11;
  const rows = Math.ceil(gone.length / COLUMNS);
  const places = gone.map((at, i) => ({
    at,
    x: ((i % COLUMNS) + 0.7) * size,
    y: (Math.floor(i / COLUMNS) + 0.7) * size,
  }));
  const points = (test) => places.filter(({ at }) => test(at || Infinity)).map(({ x, y }) => [x, y]);
  const [stay, now, before] = [points((at) => at > cycle), points((at) => at === cycle), points((at) => at < cycle)];
  const describe = `${name}, cycle ${cycle}: ${stay.length} neurons stay, ${now.length} go now, ${before.length} have gone`;
  return svg(
    "svg",
    {
      viewBox: `0 0 ${(COLUMNS + 0.4) * size} ${(rows + 0.4) * size}`,
      class: "chart",
      role: "img",
      "aria-label": describe,
    },
    markers(before, "circle", 1.2, { fill: "none", stroke: COLOURS.light, "stroke-width": 1 }),
    markers(stay, "circle", 3.6, { fill: COLOURS.green }),
    markers(now, "cross", 3.6, { stroke: COLOURS.red, "stroke-width": 2.2, fill: "none" }),
  );
}

function seriesChart(width, runs, { cycle }, { values, label, ceiling = [] }) {
  const series = Object.fromEntries(SIDES.map((side) => [side, values(runs[side])]));
  const range = rangeOf([...series.left, ...series.right, ...ceiling]);
  const n = series.left.length;
  return chart({
    width,
    x: { range: [0, n + 1], label: "cycle" },
    y: { range, label },
    describe: `${label} in cycle ${cycle}: left ${fixed(series.left[cycle - 1], 3)}, right ${fixed(series.right[cycle - 1], 3)}`,
    marks: (sx, sy) => [
      verticalLine(sx, sy, cycle, range, { stroke: COLOURS.grey }),
      polyline(
        ceiling.map((v, i) => [sx(i + 1), sy(v)]),
        { stroke: COLOURS.grey, "stroke-dasharray": "2 3" },
      ),
      SIDES.map((side) => {
        const points = series[side].map((v, i) => [sx(i + 1), sy(v)]);
        const { stroke, form } = LOOKS[side];
        const [open, filled] = [
          { fill: "#fff", stroke },
          { fill: stroke, stroke },
        ];
        return [
          polyline(points, { stroke, "stroke-width": 1.6, "stroke-dasharray": side === "right" ? "5 3" : undefined }),
          markers(points, form, 2.4, open),
          markers([points[cycle - 1]], form, 5, filled),
        ];
      }),
    ],
  });
}

/** Both histograms against one axis: up is left, down is right. */
function twoHistograms(width, moments) {
  const most = Math.max(...SIDES.flatMap((side) => moments[side].counts));
  const inside = SIDES.flatMap((side) => moments[side].measurement).filter((v) => Math.abs(v) < 50);
  const reach = Math.max(1, ...inside.map(Math.abs)) * 1.05;
  const height = Math.max(most, 2) + 0.3;
  return chart({
    width,
    height: 220,
    x: { range: [-reach, reach], label: "value" },
    y: {
      range: [-height, height],
      label: "how many",
      format: (v) => String(Math.abs(v)),
      ticks: [-Math.floor(height), 0, Math.floor(height)],
    },
    describe: SIDES.map(
      (side) =>
        `${side}: ${moments[side].measurement.length} numbers in ${moments[side].counts.filter((c) => c > 0).length} bins`,
    ).join("; "),
    marks: (sx, sy) => [
      svg("line", { x1: sx(-reach), x2: sx(reach), y1: sy(0), y2: sy(0), class: "axis" }),
      steps(sx, sy, EDGES, moments.left.counts, { fill: COLOURS.blue }),
      steps(
        sx,
        sy,
        EDGES,
        moments.right.counts.map((count) => -count),
        { fill: COLOURS.orange },
      ),
    ],
  });
}
