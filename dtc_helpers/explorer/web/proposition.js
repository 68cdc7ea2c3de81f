// The proposition on trial: does the entropy of what is measured go with the fitness, more than in what knows no network?

import { chart, COLOURS, rangeOf, ticks } from "./charts.js";
import { named, range, select } from "./controls.js";
import { fixed } from "./elements.js";
import { entropyOfWidth, histogram } from "./gibbs.js";
import { norm, sum } from "./matrices.js";
import { randomState } from "./random.js";
import { pearson, quantile } from "./statistics.js";
import { remembered } from "./store.js";
import { panel } from "./views.js";

const N_DRAWS = 100;
const MEASURES = { entropy: "S", normalised: "S / ln m" };

// ---------------------------------------------------------------------------------- what is computed, no page

const lengthOf = ({ measurement }) => measurement.length;
const normals = (random, length, scale) => Array.from({ length }, () => scale * random.normal());

/** One draw of each null model: vectors to be measured, or the series itself where no histogram is made. */
const NULL_MODELS = {
  exact: (process, random) => ({ vectors: process.map((step) => normals(random, lengthOf(step), step.signal_norm)) }),
  "Gaussian vectors": (process, random) => {
    const scale = deviation(process.flatMap(({ measurement }) => measurement));
    return { vectors: process.map((step) => normals(random, lengthOf(step), scale)) };
  },
  "unrelated signal": (process, random) => ({
    vectors: process.map((step) => normals(random, lengthOf(step), step.unrelated_norm)),
  }),
  "ln m alone": (process) => ({ series: process.map((step) => Math.log(lengthOf(step))) }),
  "shuffled steps": (process, random) => ({ order: random.permutation(process.length) }),
};

const NULL_WORDS = {
  exact: "y ~ N(0, ‖w‖²) at each step: all that a Gaussian Φ can show",
  "Gaussian vectors": "the same lengths, one standard deviation for all steps",
  "unrelated signal": "an untrained network's norms, the same lengths",
  "ln m alone": "the logarithm of the length, no values at all",
  "shuffled steps": "the same entropies, the steps in a random order",
};

function deviation(values) {
  const mean = sum(values) / values.length;
  return norm(values.map((v) => v - mean)) / Math.sqrt(values.length);
}

/** Draws of a null model: made once, looked at in other bins on every move. All come from one generator. */
export function nullDraws(process, nullModel, count = N_DRAWS) {
  const random = randomState(0);
  return Array.from({ length: nullModel === "ln m alone" ? 1 : count }, () => NULL_MODELS[nullModel](process, random));
}

/** S of every vector, or S / ln m: 0 where m is 1, as there the entropy is 0. */
function entropies(vectors, { bin_width, measure }) {
  return vectors.map((values) => {
    const S = entropyOfWidth(values, bin_width);
    return measure === "normalised" ? S / Math.log(Math.max(values.length, 2)) : S;
  });
}

/** Series of the process and of every draw, and their correlations with the fitness. */
export function trial(process, draws, state) {
  const fitness = process.map((step) => step.fitness);
  const correlation = (values) => pearson(values, fitness);
  const measurements = process.map((step) => step.measurement);
  const own = entropies(measurements, state);
  const series = draws.map(({ vectors, series: given, order }) =>
    vectors ? entropies(vectors, state) : (given ?? order.map((i) => own[i])),
  );
  return {
    own,
    series,
    tested: correlation(own),
    found: series.map(correlation).filter(Number.isFinite),
    byLength: correlation(measurements.map((y) => Math.log(y.length))),
  };
}

// ------------------------------------------------------------------------------------------------- the view

export const proposition = {
  defaults: (data) => ({
    process: Object.keys(data.processes)[0],
    replicate: 1,
    null_model: "exact",
    measure: "entropy",
    bin_width: 0.2,
  }),
  controls: (data) => [
    select("process", "process", named(data.processes)),
    range("replicate", "replicate", {
      max: ({ process }) => data.processes[process].length,
      show: (v, { process }) => `${Math.min(v, data.processes[process].length)} of ${data.processes[process].length}`,
    }),
    select("null_model", "null model", named(NULL_MODELS)),
    select("measure", "entropy as", Object.entries(MEASURES)),
    range("bin_width", "bin width", { log: true, min: 0.02, max: 20 }),
  ],

  build(store, data) {
    const scatter = panel("Entropy against fitness, step by step", "");
    const distribution = panel(
      `Correlations of ${N_DRAWS} draws of the null model`,
      "Bars: draws of the null model. Solid line: the process. Dashed: ln m alone. What lies inside the bars proves nothing.",
    );
    const draws = remembered(nullDraws);

    function draw(state) {
      const replicates = data.processes[state.process];
      const process = replicates[Math.min(state.replicate, replicates.length) - 1];
      const key = `${state.process}/${state.replicate}/${state.null_model}`;
      const found = trial(process, draws(key, process, state.null_model), state);
      scatter.put((width) => scatterChart(width, process, found, state));
      scatter.say(
        `Filled circles: the process. Open squares: one draw of the null model (${NULL_WORDS[state.null_model]}). Dashed: the most that ${MEASURES[state.measure]} can be with m numbers.`,
      );
      distribution.put((width) => distributionChart(width, found));
      return { found, facts: factsOf(found) };
    }
    return { panels: [scatter, distribution], draw };
  },
};

function factsOf({ tested, found, byLength }) {
  const none = found.length === 0;
  const [low, high] = [0.025, 0.975].map((share) => fixed(quantile(found, share), 3));
  const above = `${found.filter((r) => r >= tested).length} of ${found.length}`;
  return [
    ["r of the process", fixed(tested, 3)],
    ["mean r of the null", fixed(sum(found) / found.length, 3)],
    ["middle 95 % of the null", none ? "not defined" : `${low} to ${high}`],
    ["draws at or above the process", none || !Number.isFinite(tested) ? "not defined" : above],
    ["r of ln m alone", fixed(byLength, 3)],
  ];
}

// ------------------------------------------------------------------------------------------------- charts

function scatterChart(width, process, { own, series, tested }, { measure }) {
  const fitness = process.map((step) => step.fitness);
  const logs = process.map((step) => Math.log(lengthOf(step)));
  const ceiling = measure === "normalised" ? logs.map(Math.sign) : logs;
  const [null0] = series;
  return chart({
    width,
    height: 300,
    x: {
      range: rangeOf([...own, ...null0, ...ceiling]),
      label: `${MEASURES[measure]} of the measurement${measure === "entropy" ? " [nats]" : ""}`,
    },
    y: { range: rangeOf(fitness), label: "fitness" },
    describe: `${fitness.length} steps; correlation of the process ${fixed(tested, 3)}, of this draw of the null ${fixed(pearson(null0, fitness), 3)}`,
    marks: ({ polyline, markers }) => {
      const points = (values) => values.map((v, i) => [v, fitness[i]]);
      return [
        polyline(points(ceiling), { stroke: COLOURS.grey, "stroke-width": 1.5, "stroke-dasharray": "5 4" }),
        markers(points(null0), "square", 4, { fill: "none", stroke: COLOURS.orange, "stroke-width": 1.5 }),
        markers(points(own), "circle", 3.5, { fill: COLOURS.blue }),
      ];
    },
  });
}

function distributionChart(width, { tested, found, byLength }) {
  const range = rangeOf([tested, byLength, ...found], 0.08);
  const edges = edgesIn(range);
  const counts = histogram(found, edges);
  return chart({
    width,
    height: 300,
    x: { range, label: "Pearson correlation with the fitness" },
    y: { range: [0, Math.max(...counts, 1) * 1.08], label: "draws" },
    describe: `${found.length} draws of the null; the process stands at ${fixed(tested, 3)}, above ${found.filter((r) => r < tested).length} of them`,
    marks: ({ steps, verticalLine }) => [
      steps(edges, counts, { fill: "#f3d9b5", stroke: COLOURS.orange }),
      verticalLine(byLength, { stroke: COLOURS.grey, "stroke-width": 2, "stroke-dasharray": "5 4" }),
      verticalLine(tested, { stroke: COLOURS.blue, "stroke-width": 3 }),
    ],
  });
}

function edgesIn(range) {
  const [low, high] = range;
  const step = ticks(range, 25)[1] - ticks(range, 25)[0];
  const first = Math.floor(low / step);
  return Array.from({ length: Math.ceil(high / step) - first + 1 }, (_, i) => (first + i) * step);
}
