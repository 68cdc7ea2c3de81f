// The proposition on trial: does the entropy of what is measured go with the fitness, more than in what knows no network?

import { chart, COLOURS, markers, polyline, rangeOf, steps, ticks, verticalLine } from "./charts.js";
import { fixed, html } from "./elements.js";
import { entropyOfWidth, histogram } from "./gibbs.js";
import { norm, sum } from "./matrices.js";
import { randomState } from "./random.js";
import { pearson, quantile } from "./statistics.js";
import { factsLine, panel } from "./views.js";

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
export function entropies(vectors, width, measure) {
  return vectors.map((values) => {
    const S = entropyOfWidth(values, width);
    return measure === "normalised" ? S / Math.log(Math.max(values.length, 2)) : S;
  });
}

/** Series of the process and of every draw, and their correlations with the fitness. */
export function trial(process, draws, { bin_width, measure }) {
  const fitness = process.map((step) => step.fitness);
  const own = entropies(
    process.map((step) => step.measurement),
    bin_width,
    measure,
  );
  const series = draws.map(({ vectors, series: given, order }) =>
    vectors ? entropies(vectors, bin_width, measure) : (given ?? order.map((i) => own[i])),
  );
  const found = series.map((values) => pearson(values, fitness)).filter(Number.isFinite);
  return {
    own,
    series,
    tested: pearson(own, fitness),
    found,
    byLength: pearson(
      process.map((s) => Math.log(lengthOf(s))),
      fitness,
    ),
  };
}

const processName = ({ process, replicate }) => `${process}/${replicate}`;

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
    {
      name: "process",
      label: "process",
      kind: "select",
      options: Object.keys(data.processes).map((name) => [name, name]),
    },
    {
      name: "replicate",
      label: "replicate",
      kind: "range",
      min: 1,
      step: 1,
      max: ({ process }) => data.processes[process].length,
      show: (v, { process }) => `${Math.min(v, data.processes[process].length)} of ${data.processes[process].length}`,
    },
    {
      name: "null_model",
      label: "null model",
      kind: "select",
      options: Object.keys(NULL_MODELS).map((name) => [name, name]),
    },
    { name: "measure", label: "entropy as", kind: "select", options: Object.entries(MEASURES) },
    { name: "bin_width", label: "bin width", kind: "range", log: true, min: 0.02, max: 20, step: 0.01 },
  ],

  build(store, data) {
    const scatter = panel("Entropy against fitness, step by step", "");
    const distribution = panel(`Correlations of ${N_DRAWS} draws of the null model`, "");
    const facts = factsLine();
    const draws = remembered((process, model) => nullDraws(process, model));

    function draw(state) {
      const replicates = data.processes[state.process];
      const process = replicates[Math.min(state.replicate, replicates.length) - 1];
      const found = trial(
        process,
        draws(`${processName(state)}/${state.null_model}`, process, state.null_model),
        state,
      );
      scatter.put((width) => scatterChart(width, process, found, state));
      scatter.say(
        `Filled circles: the process. Open squares: one draw of the null model (${NULL_WORDS[state.null_model]}). Dashed: the most that ${MEASURES[state.measure]} can be with m numbers.`,
      );
      distribution.put((width) => distributionChart(width, found));
      distribution.say(
        "Bars: draws of the null model. Solid line: the process. Dashed: ln m alone. What lies inside the bars proves nothing.",
      );
      facts.put(factsOf(found));
      return found;
    }
    return { elements: [facts.list, html("div", { class: "panels" }, scatter.figure, distribution.figure)], draw };
  },
};

/** Function of a key that is computed once for each of the last few keys. */
function remembered(compute, size = 12) {
  const known = new Map();
  return (key, ...given) => {
    if (!known.has(key)) known.set(key, compute(...given));
    if (known.size > size) known.delete(known.keys().next().value);
    return known.get(key);
  };
}

function factsOf({ tested, found, byLength }) {
  const none = found.length === 0;
  const mean = sum(found) / found.length;
  const band = none ? "not defined" : `${fixed(quantile(found, 0.025), 3)} to ${fixed(quantile(found, 0.975), 3)}`;
  const atLeast = found.filter((r) => r >= tested).length;
  return [
    ["r of the process", fixed(tested, 3)],
    ["mean r of the null", fixed(mean, 3)],
    ["middle 95 % of the null", band],
    [
      "draws at or above the process",
      none || !Number.isFinite(tested) ? "not defined" : `${atLeast} of ${found.length}`,
    ],
    ["r of ln m alone", fixed(byLength, 3)],
  ];
}

// ------------------------------------------------------------------------------------------------- charts

function scatterChart(width, process, { own, series, tested }, { measure }) {
  const fitness = process.map((step) => step.fitness);
  const ceiling = process.map((step) =>
    measure === "normalised" ? (lengthOf(step) > 1 ? 1 : 0) : Math.log(lengthOf(step)),
  );
  const null0 = series[0];
  return chart({
    width,
    height: 300,
    x: {
      range: rangeOf([...own, ...null0, ...ceiling]),
      label: `${MEASURES[measure]} of the measurement${measure === "entropy" ? " [nats]" : ""}`,
    },
    y: { range: rangeOf(fitness), label: "fitness" },
    describe: `${fitness.length} steps; correlation of the process ${fixed(tested, 3)}, of this draw of the null ${fixed(pearson(null0, fitness), 3)}`,
    marks: (sx, sy) => {
      const points = (values) => Array.from(values, (v, i) => [sx(v), sy(fitness[i])]);
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
  const top = Math.max(...counts, 1) * 1.08;
  return chart({
    width,
    height: 300,
    x: { range, label: "Pearson correlation with the fitness" },
    y: { range: [0, top], label: "draws" },
    describe: `${found.length} draws of the null; the process stands at ${fixed(tested, 3)}, above ${found.filter((r) => r < tested).length} of them`,
    marks: (sx, sy) => [
      steps(sx, sy, edges, counts, { fill: "#f3d9b5", stroke: COLOURS.orange }),
      Number.isFinite(byLength)
        ? verticalLine(sx, sy, byLength, [0, top], {
            stroke: COLOURS.grey,
            "stroke-width": 2,
            "stroke-dasharray": "5 4",
          })
        : null,
      Number.isFinite(tested)
        ? verticalLine(sx, sy, tested, [0, top], { stroke: COLOURS.blue, "stroke-width": 3 })
        : null,
    ],
  });
}

function edgesIn(range) {
  const [low, high] = range;
  const step = ticks(range, 25)[1] - ticks(range, 25)[0];
  const first = Math.floor(low / step);
  return Array.from({ length: Math.ceil(high / step) - first + 1 }, (_, i) => (first + i) * step);
}
