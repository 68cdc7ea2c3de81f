// A run played again: who goes in which cycle, how accurate the rest is, what is left to be measured.

import { chart, COLOURS, markers, rangeOf } from "./charts.js";
import { button, named, range, select } from "./controls.js";
import { fixed, svg } from "./elements.js";
import { gibbsEntropy, publishedBinEdges } from "./gibbs.js";
import { lessMotion, remembered } from "./store.js";
import { panel } from "./views.js";

const SECONDS_A_CYCLE = 0.6;
const COLUMNS = 32; // of the neurons' field
const SIDES = ["left", "right"];
const LOOKS = {
  left: { stroke: COLOURS.blue, form: "circle" },
  right: { stroke: COLOURS.orange, form: "square", dash: "5 3" },
};
const EDGES = publishedBinEdges();
const LAYERS = { outgoing: "outgoing sums", incoming: "incoming sums" };

/** Something of the left and of the right side, by their names. */
const bySide = (of) => Object.fromEntries(SIDES.map((side) => [side, of(side)]));

// ---------------------------------------------------------------------------------- what is computed, no page

/** What a run shows of one cycle; cycles count from 1. */
function momentOf(run, cycle, layer) {
  const measurement = run[layer][cycle - 1];
  return { measurement, ...gibbsEntropy(measurement, EDGES) };
}

/** Entropy of the measurement in every cycle. */
const entropySeries = (measured) => measured.map((measurement) => gibbsEntropy(measurement, EDGES).entropy);

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
  controls: (data) => [
    select("left", "left", named(data.runs)),
    select("right", "right", named(data.runs)),
    range("cycle", "cycle", { max: data.widths.length, show: (v) => `${v} of ${data.widths.length}` }),
    select("layer", "measured", Object.entries(LAYERS)),
    playButton(data.widths.length),
  ],

  build(store, data) {
    const fields = bySide(() => panel("", "Filled: stays. Cross: goes now. Small ring: gone before."));
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
    const series = remembered(entropySeries);

    function draw(state) {
      const runs = bySide((side) => data.runs[state[side]]);
      const moments = bySide((side) => momentOf(runs[side], state.cycle, state.layer));
      for (const side of SIDES) {
        fields[side].figure.querySelector("h3").textContent = `${side}: ${state[side]}`;
        fields[side].put(() => neuronField(runs[side].gone, state.cycle, state[side]));
      }
      const accuracies = bySide((side) => runs[side].accuracy);
      accuracy.put((width) => seriesChart(width, accuracies, state.cycle, { label: "test accuracy" }));
      const entropies = bySide((side) => series(`${state[side]}/${state.layer}`, runs[side][state.layer]));
      const ceiling = runs.left[state.layer].map((y) => Math.log(y.length));
      entropy.put((width) => seriesChart(width, entropies, state.cycle, { label: "S [nats]", ceiling }));
      histograms.put((width) => twoHistograms(width, moments));
      return { found: moments, facts: factsOf(runs, moments, state, data) };
    }
    return { panels: [fields.left, fields.right, accuracy, entropy, histograms], draw, layout: "panels two" };
  },
};

/** Plays from the cycle where it stands. Where a person asks for less motion, each press is one cycle. */
function playButton(last) {
  let timer = null;
  function stop() {
    clearInterval(timer);
    timer = null;
  }
  function onward(store) {
    const cycle = Math.min(store.get().cycle + 1, last);
    if (cycle === last) stop();
    store.set({ cycle, playing: timer !== null });
  }
  function pressed(store) {
    if (lessMotion()) return onward(store);
    if (timer !== null) {
      stop();
      return store.set({ playing: false });
    }
    if (store.get().cycle >= last) store.set({ cycle: 1 });
    timer = setInterval(() => onward(store), 1000 * SECONDS_A_CYCLE);
    return store.set({ playing: true });
  }
  return button("play", ({ playing }) => (lessMotion() ? "next cycle" : playing ? "pause" : "play"), pressed);
}

function factsOf(runs, moments, { cycle, left, right, layer }, data) {
  const of = (side, name) => {
    const { entropy, measurement, outside } = moments[side];
    const lost = outside > 0 ? `, ${Math.round(100 * outside)} % of them outside the bins` : "";
    return [
      [`${side}, ${name}: accuracy`, fixed(runs[side].accuracy[cycle - 1], 4)],
      [`${side}: S`, `${fixed(entropy, 3)} nats of ${measurement.length} numbers${lost}`],
    ];
  };
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
  const places = gone.map((_, i) => [((i % COLUMNS) + 0.7) * size, (Math.floor(i / COLUMNS) + 0.7) * size]);
  const points = (test) => places.filter((_, i) => test(gone[i] || Infinity));
  const [stay, now, before] = [points((at) => at > cycle), points((at) => at === cycle), points((at) => at < cycle)];
  const describe = `${name}, cycle ${cycle}: ${stay.length} neurons stay, ${now.length} go now, ${before.length} have gone`;
  const viewBox = `0 0 ${(COLUMNS + 0.4) * size} ${(rows + 0.4) * size}`;
  return svg(
    "svg",
    { viewBox, class: "chart", role: "img", "aria-label": describe },
    markers(before, "circle", 1.2, { fill: "none", stroke: COLOURS.light, "stroke-width": 1 }),
    markers(stay, "circle", 3.6, { fill: COLOURS.green }),
    markers(now, "cross", 3.6, { stroke: COLOURS.red, "stroke-width": 2.2, fill: "none" }),
  );
}

function seriesChart(width, series, cycle, { label, ceiling = [] }) {
  const inCycles = (values) => values.map((v, i) => [i + 1, v]);
  return chart({
    width,
    x: { range: [0, series.left.length + 1], label: "cycle" },
    y: { range: rangeOf([...series.left, ...series.right, ...ceiling]), label },
    describe: `${label} in cycle ${cycle}: ${SIDES.map((side) => `${side} ${fixed(series[side][cycle - 1], 3)}`).join(", ")}`,
    marks: ({ verticalLine, polyline, markers }) => [
      verticalLine(cycle, { stroke: COLOURS.grey }),
      polyline(inCycles(ceiling), { stroke: COLOURS.grey, "stroke-dasharray": "2 3" }),
      SIDES.map((side) => {
        const points = inCycles(series[side]);
        const { stroke, form, dash } = LOOKS[side];
        return [
          polyline(points, { stroke, "stroke-width": 1.6, "stroke-dasharray": dash }),
          markers(points, form, 2.4, { fill: "#fff", stroke }),
          markers([points[cycle - 1]], form, 5, { fill: stroke, stroke }),
        ];
      }),
    ],
  });
}

/** Both histograms against one axis: up is left, down is right. */
function twoHistograms(width, { left, right }) {
  const inside = [...left.measurement, ...right.measurement].map(Math.abs).filter((v) => v < 50);
  const reach = Math.max(1, ...inside) * 1.05;
  const height = Math.max(...left.counts, ...right.counts, 2) + 0.3;
  const hanging = right.counts.map((count) => -count);
  const words = ({ measurement, counts }) =>
    `${measurement.length} numbers in ${counts.filter((count) => count > 0).length} bins`;
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
    describe: `left: ${words(left)}; right: ${words(right)}`,
    marks: ({ zeroLine, steps }) => [
      zeroLine(),
      steps(EDGES, left.counts, { fill: COLOURS.blue }),
      steps(EDGES, hanging, { fill: COLOURS.orange }),
    ],
  });
}
