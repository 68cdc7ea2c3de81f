// The lab: inverse compressed sensing of up to 64 weights by hand, and the neurons in another order.

import { weightBars } from "./bars.js";
import { chart, COLOURS, markers, polyline, symmetric, verticalLine } from "./charts.js";
import { fixed, html, shown, svg, tenTo } from "./elements.js";
import { largest, matrixProduct, norm, times } from "./matrices.js";
import { randomState } from "./random.js";
import { l1Path, recover, solutionAt } from "./recovery.js";
import { dctBasis, gaussianMatrix } from "./sensing.js";
import { whenSettled } from "./store.js";
import { cutNeurons, ranked, sharedFraction } from "./surgery.js";
import { factsLine, panel } from "./views.js";

const LOWEST_FRACTION = 1e-5; // of λ_max: where the path ends
const N_DRAWS = 20;
const ORDERS = { as_numbered: "as numbered", sorted: "sorted by weight", shuffled: "shuffled" };

// ---------------------------------------------------------------------------------- what is computed, no page

const PRESETS = {
  sine: (n) => Array.from({ length: n }, (_, i) => Math.sin((4 * Math.PI * (i + 0.5)) / n)),
  spike: (n) => Array.from({ length: n }, (_, i) => (i === Math.floor(n / 3) ? 1 : 0.02 * ((i % 5) - 2))),
  noise: (n) => Array.from({ length: n }, randomState(1).normal),
};

const rounded = (values) => Array.from(values, (v) => Number(v.toPrecision(4)));

/** Weights of a state: they stand there, or a preset is named. */
function weightsOf(state, data) {
  if (Array.isArray(state.weights)) return state.weights;
  const given = data.presets[state.weights];
  return given ?? rounded(PRESETS[state.weights](data.n));
}

/** The same neurons in another order. */
export function inOrder(weights, order, shuffle) {
  if (order === "sorted") return ranked(weights).map((i) => weights[i]);
  if (order === "shuffled")
    return randomState(shuffle)
      .permutation(weights.length)
      .map((i) => weights[i]);
  return weights;
}

/** Everything that the lab shows of weights in their order. */
export function inverseSensing(
  weights,
  { n_measurements, l1_penalty_fraction, seed, dct_type, ray_domain, cut_scores },
) {
  const n = weights.length;
  const Psi = dctBasis(n, dct_type);
  const Phi = gaussianMatrix(Math.min(n_measurements, n), n, seed);
  const Theta = matrixProduct(Phi, Psi);
  const y = times(Phi, weights);
  const path = l1Path(Theta, y, LOWEST_FRACTION);
  const solution = solutionAt(path, Theta, y, l1_penalty_fraction * path.lambdaMax);
  return { path, ...solution, ...judged(weights, solution.code, Psi, { ray_domain, cut_scores }) };
}

function judged(weights, code, Psi, { ray_domain, cut_scores }) {
  const recovered = times(Psi, code);
  const cut = cutNeurons(ray_domain === "sparse_code" ? code : recovered, cut_scores);
  return {
    recovered,
    cut,
    error: norm(recovered.map((v, i) => v - weights[i])) / norm(weights),
    shared: sharedFraction(cut, cutNeurons(weights, cut_scores)),
  };
}

/** Error and share of the cut in common with |w| for one draw of Φ, without the path below the chosen λ. */
function oneDraw(weights, state, seed, Psi) {
  const Phi = gaussianMatrix(Math.min(state.n_measurements, weights.length), weights.length, seed);
  const { code } = recover(matrixProduct(Phi, Psi), times(Phi, weights), state.l1_penalty_fraction);
  return judged(weights, code, Psi, state);
}

// ------------------------------------------------------------------------------------------------- the view

function parsedWeights(text, data) {
  if (text in data.presets || text in PRESETS) return text;
  const numbers = text.split(",").map(Number);
  return numbers.length >= 2 && numbers.length <= 64 && numbers.every(Number.isFinite) ? numbers : undefined;
}

export const lab = {
  defaults: (data) => ({
    weights: Object.keys(data.presets)[0],
    order: "as_numbered",
    shuffle: 0,
    n_measurements: Math.max(1, Math.round(data.n / 4)),
    l1_penalty_fraction: 0.01,
    seed: 0,
    dct_type: 1,
    ray_domain: "recovered_weights",
    cut_scores: "lowest",
  }),
  controls: (data) => [
    {
      name: "weights",
      label: "weights",
      kind: "select",
      parse: (text) => parsedWeights(text, data),
      chosen: (state) => (Array.isArray(state.weights) ? "own" : state.weights),
      options: (state) => [
        ...Object.keys({ ...data.presets, ...PRESETS }).map((name) => [name, name]),
        ...(Array.isArray(state.weights) ? [["own", "your own"]] : []),
      ],
    },
    { name: "order", label: "order of the neurons", kind: "select", options: Object.entries(ORDERS) },
    {
      name: "shuffle",
      label: "shuffle again",
      kind: "button",
      action: (store) => store.set({ order: "shuffled", shuffle: store.get().shuffle + 1 }),
      parse: (text) => (/^\d{1,9}$/.test(text) ? Number(text) : undefined),
    },
    {
      name: "n_measurements",
      label: "measurements m",
      kind: "range",
      min: 1,
      step: 1,
      max: (state) => weightsOf(state, data).length,
      show: (m, state) => `${m} of ${weightsOf(state, data).length}`,
    },
    {
      name: "l1_penalty_fraction",
      label: "penalty λ / λ_max",
      kind: "range",
      log: true,
      min: LOWEST_FRACTION,
      max: 1.3,
      step: 0.01,
    },
    {
      name: "seed",
      label: "draw of Φ",
      kind: "range",
      min: 0,
      step: 1,
      max: ({ seed }) => Math.max(99, seed),
      show: (v) => `number ${v}`,
    },
    {
      name: "dct_type",
      label: "cosine transform",
      kind: "select",
      options: [
        [1, "type I"],
        [2, "type II"],
        [3, "type III"],
        [4, "type IV"],
      ],
    },
    {
      name: "ray_domain",
      label: "score",
      kind: "select",
      options: [
        ["recovered_weights", "|Ψs|, by neuron"],
        ["sparse_code", "|s|, by frequency"],
      ],
    },
    {
      name: "cut_scores",
      label: "cut",
      kind: "select",
      options: [
        ["lowest", "lowest scores"],
        ["highest", "highest scores"],
      ],
    },
  ],

  build(store, data) {
    const bars = weightBars(store, (state) => inOrder(weightsOf(state, data), state.order, state.shuffle));
    const weightsPanel = panel(
      "Weights w, what comes back, and who is cut",
      "Bars: w, drag them or use the arrow keys. Line with dots: Ψs. Red outline with a cross above: cut.",
      true,
    );
    const codePanel = panel("Sparse code s", "One line for each frequency; most are exactly 0.");
    const pathPanel = panel("The code for every λ", "One line for each frequency. Dashed: where you stand.");
    const drawsPanel = panel(
      `The same for ${N_DRAWS} draws of Φ`,
      "One mark for each draw: left, Ψs is like w; at 1, it is no better than nothing.",
    );
    const facts = factsLine();
    weightsPanel.put(() => bars.element);
    const survey = drawsSurvey(drawsPanel, store, data);

    function draw(state) {
      const weights = inOrder(weightsOf(state, data), state.order, state.shuffle);
      const found = inverseSensing(weights, state);
      bars.show(weights, found);
      codePanel.put((width) => codeChart(width, found));
      pathPanel.put((width) => pathChart(width, found, state.l1_penalty_fraction));
      facts.put(factsOf(found, weights, state));
      survey();
      return found;
    }
    return {
      elements: [
        facts.list,
        html("div", { class: "panels" }, weightsPanel.figure, codePanel.figure, pathPanel.figure, drawsPanel.figure),
      ],
      draw,
    };
  },
};

function factsOf(found, weights, state) {
  const nonzeros = found.code.filter((s) => s !== 0).length;
  const chance = found.cut.length / weights.length;
  return [
    ["λ", `${shown(found.lambda)} of λ_max ${shown(found.lambdaMax)}`],
    ["nonzeros in s", `${nonzeros}, at most ${Math.min(state.n_measurements, weights.length)}`],
    ["duality gap", found.gap < 1e-15 ? "0" : shown(found.gap)],
    ["error ‖Ψs − w‖ / ‖w‖", shown(found.error)],
    ["cut neurons", found.cut.join(", ")],
    ["in common with a cut by |w|", `${Math.round(100 * found.shared)} %, by chance ${Math.round(100 * chance)} %`],
  ];
}

// ------------------------------------------------------------------------------------------------- charts

function codeChart(width, { code }) {
  const nonzeros = Array.from(code, (s, i) => [i, s]).filter(([, s]) => s !== 0);
  const range = symmetric(code);
  return chart({
    width,
    x: { range: [-1, code.length], label: "frequency" },
    y: { range, label: "s" },
    describe: `sparse code: ${nonzeros.length} of ${code.length} entries are not 0, the largest is ${shown(largest(code))}`,
    marks: (sx, sy) => [
      svg("line", { x1: sx(-1), x2: sx(code.length), y1: sy(0), y2: sy(0), class: "axis" }),
      nonzeros.map(([i, s]) =>
        svg("line", { x1: sx(i), x2: sx(i), y1: sy(0), y2: sy(s), stroke: COLOURS.blue, "stroke-width": 2 }),
      ),
      markers(
        nonzeros.map(([i, s]) => [sx(i), sy(s)]),
        "circle",
        3,
        { fill: COLOURS.blue },
      ),
    ],
  });
}

function pathChart(width, { path, lambdaMax }, fraction) {
  const logs = path.knots.map(({ lambda }) => Math.log10(lambda / lambdaMax));
  const entries = Array.from(path.knots[0].code, (_, j) => path.knots.map(({ code }) => code[j])).filter((line) =>
    line.some((s) => s !== 0),
  );
  const range = symmetric(...entries, [0]);
  const powers = [-5, -4, -3, -2, -1, 0];
  return chart({
    width,
    x: { range: [-5, 0.12], label: "λ / λ_max", ticks: powers, format: (p) => (p === 0 ? "1" : tenTo(p)) },
    y: { range, label: "s" },
    describe: `path of ${entries.length} frequencies from λ_max down; you stand at ${shown(fraction)} of λ_max`,
    marks: (sx, sy) => [
      entries.map((line) =>
        polyline(
          line.map((s, k) => [sx(logs[k]), sy(s)]),
          { stroke: COLOURS.blue, "stroke-width": 1, opacity: 0.75 },
        ),
      ),
      verticalLine(sx, sy, Math.log10(fraction), range, {
        stroke: COLOURS.red,
        "stroke-width": 2,
        "stroke-dasharray": "6 4",
      }),
    ],
  });
}

// --------------------------------------------------------------------------- twenty draws, so that none is luck

/** Computes a row at a time when the hand rests, and stops when it moves again. */
function drawsSurvey(place, store, data) {
  let task = 0;
  const begin = whenSettled(() => {
    const mine = ++task;
    const state = store.get();
    const Psi = dctBasis(weightsOf(state, data).length, state.dct_type);
    const rows = [];
    const next = () => {
      if (mine !== task) return;
      const order = Object.keys(ORDERS)[rows.length];
      if (order === undefined) return place.put((width) => drawsChart(width, rows, state));
      const weights = inOrder(weightsOf(state, data), order, state.shuffle);
      rows.push({ order, draws: Array.from({ length: N_DRAWS }, (_, seed) => oneDraw(weights, state, seed, Psi)) });
      setTimeout(next);
    };
    next();
  }, 120);
  place.put(() => html("p", { class: "waiting" }, "is being computed …"));
  return () => {
    task++;
    begin();
  };
}

function drawsChart(width, rows, state) {
  const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
  const summary = rows.map(({ order, draws }) => ({
    order,
    errors: draws.map(({ error }) => error),
    text: `error ${fixed(mean(draws.map(({ error }) => error)), 2)}, share ${Math.round(100 * mean(draws.map(({ shared }) => shared)))} %`,
  }));
  const most = Math.max(1.2, ...summary.flatMap(({ errors }) => errors));
  return chart({
    width,
    x: { range: [0, most * 1.03], label: "error ‖Ψs − w‖ / ‖w‖" },
    y: { range: [-0.6, 2.75], label: "", ticks: [] },
    describe: summary.map(({ order, text }) => `${ORDERS[order]}: mean ${text}`).join("; "),
    marks: (sx, sy) => [
      verticalLine(sx, sy, 1, [-0.6, 2.75], { stroke: COLOURS.grey, "stroke-dasharray": "2 3" }),
      summary.map(({ order, errors, text }, i) => {
        const chosen = order === state.order;
        const name = `${chosen ? "▶ " : ""}${ORDERS[order]}: mean ${text}`;
        return [
          svg("text", { x: sx(0) + 4, y: sy(2 - i) - 14, "font-weight": chosen ? "bold" : "normal" }, name),
          markers(
            errors.map((e) => [sx(e), sy(2 - i)]),
            "circle",
            4,
            { fill: "none", stroke: COLOURS.blue, "stroke-width": 1.3 },
          ),
        ];
      }),
    ],
  });
}
