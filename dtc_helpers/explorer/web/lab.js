// The lab: inverse compressed sensing of up to 64 weights by hand, and the neurons in another order.

import { weightBars } from "./bars.js";
import { chart, COLOURS, symmetric } from "./charts.js";
import { button, named, range, select } from "./controls.js";
import { fixed, html, shown, svg, tenTo } from "./elements.js";
import { largest, matrixProduct, norm, sum, times } from "./matrices.js";
import { randomState } from "./random.js";
import { l1Path, solutionAt } from "./recovery.js";
import { dctBasis, gaussianMatrix } from "./sensing.js";
import { rest, whenSettled } from "./store.js";
import { cutNeurons, ranked, sharedFraction } from "./surgery.js";
import { panel } from "./views.js";

const LOWEST_FRACTION = 1e-5; // of λ_max: where the path ends
const N_DRAWS = 20;
const ORDERS = { as_numbered: "as numbered", sorted: "sorted by weight", shuffled: "shuffled" };
const DCT_TYPES = ["I", "II", "III", "IV"].map((name, i) => [i + 1, `type ${name}`]);
const RAY_DOMAINS = { recovered_weights: "|Ψs|, by neuron", sparse_code: "|s|, by frequency" };
const CUTS = { lowest: "lowest scores", highest: "highest scores" };

// ---------------------------------------------------------------------------------- what is computed, no page

const PRESETS = {
  sine: (n) => Array.from({ length: n }, (_, i) => Math.sin((4 * Math.PI * (i + 0.5)) / n)),
  spike: (n) => Array.from({ length: n }, (_, i) => (i === Math.floor(n / 3) ? 1 : 0.02 * ((i % 5) - 2))),
  noise: (n) => Array.from({ length: n }, randomState(1).normal),
};

/** Weights of a state: they stand there, or a preset is named. */
function weightsOf(state, data) {
  if (Array.isArray(state.weights)) return state.weights;
  const given = data.presets[state.weights];
  return given ?? PRESETS[state.weights](data.n).map((v) => Number(v.toPrecision(4)));
}

/** The same neurons in another order. */
export function inOrder(weights, order, shuffle) {
  if (order === "as_numbered") return weights;
  const places = order === "sorted" ? ranked(weights) : randomState(shuffle).permutation(weights.length);
  return places.map((i) => weights[i]);
}

/** Everything that the lab shows of weights in their order; the path of codes goes down to `lowest` · λ_max. */
export function inverseSensing(weights, state, lowest = LOWEST_FRACTION) {
  const n = weights.length;
  const Psi = dctBasis(n, state.dct_type);
  const Phi = gaussianMatrix(Math.min(state.n_measurements, n), n, state.seed);
  const Theta = matrixProduct(Phi, Psi);
  const y = times(Phi, weights);
  const path = l1Path(Theta, y, lowest);
  const solution = solutionAt(path, Theta, y, state.l1_penalty_fraction * path.lambdaMax);
  const recovered = times(Psi, solution.code);
  const cut = cutNeurons(state.ray_domain === "sparse_code" ? solution.code : recovered, state.cut_scores);
  return {
    path,
    ...solution,
    recovered,
    cut,
    error: norm(recovered.map((v, i) => v - weights[i])) / norm(weights),
    shared: sharedFraction(cut, cutNeurons(weights, state.cut_scores)),
  };
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
    select(
      "weights",
      "weights",
      (state) => [
        ...named({ ...data.presets, ...PRESETS }),
        ...(Array.isArray(state.weights) ? [["own", "your own"]] : []),
      ],
      {
        parse: (text) => parsedWeights(text, data),
        chosen: (state) => (Array.isArray(state.weights) ? "own" : state.weights),
      },
    ),
    select("order", "order of the neurons", Object.entries(ORDERS)),
    button(
      "shuffle",
      "shuffle again",
      (store) => store.set({ order: "shuffled", shuffle: store.get().shuffle + 1 }),
      (text) => (/^\d{1,9}$/.test(text) ? Number(text) : undefined),
    ),
    range("n_measurements", "measurements m", {
      max: (state) => weightsOf(state, data).length,
      show: (m, state) => `${m} of ${weightsOf(state, data).length}`,
    }),
    range("l1_penalty_fraction", "penalty λ / λ_max", { log: true, min: LOWEST_FRACTION, max: 1.3 }),
    range("seed", "draw of Φ", { min: 0, max: ({ seed }) => Math.max(99, seed), show: (v) => `number ${v}` }),
    select("dct_type", "cosine transform", DCT_TYPES),
    select("ray_domain", "score", Object.entries(RAY_DOMAINS)),
    select("cut_scores", "cut", Object.entries(CUTS)),
  ],

  build(store, data) {
    const showBars = weightBars(store, (state) => inOrder(weightsOf(state, data), state.order, state.shuffle));
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
    const survey = drawsSurvey(drawsPanel, store, data);

    function draw(state) {
      const weights = inOrder(weightsOf(state, data), state.order, state.shuffle);
      const found = inverseSensing(weights, state);
      weightsPanel.put((width) => showBars(width, weights, found));
      codePanel.put((width) => codeChart(width, found));
      pathPanel.put((width) => pathChart(width, found, state.l1_penalty_fraction));
      survey();
      return { found, facts: factsOf(found, weights, state) };
    }
    return { panels: [weightsPanel, codePanel, pathPanel, drawsPanel], draw };
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
  return chart({
    width,
    x: { range: [-1, code.length], label: "frequency" },
    y: { range: symmetric(code), label: "s" },
    describe: `sparse code: ${nonzeros.length} of ${code.length} entries are not 0, the largest is ${shown(largest(code))}`,
    marks: ({ zeroLine, line, markers }) => [
      zeroLine(),
      nonzeros.map(([i, s]) => line([i, 0], [i, s], { stroke: COLOURS.blue, "stroke-width": 2 })),
      markers(nonzeros, "circle", 3, { fill: COLOURS.blue }),
    ],
  });
}

function pathChart(width, { path, lambdaMax }, fraction) {
  const logs = path.knots.map(({ lambda }) => Math.log10(lambda / lambdaMax));
  const entries = Array.from(path.knots[0].code, (_, j) => path.knots.map(({ code }) => code[j]));
  const lines = entries.filter((entry) => entry.some((s) => s !== 0));
  const powers = [-5, -4, -3, -2, -1, 0];
  return chart({
    width,
    x: { range: [-5, 0.12], label: "λ / λ_max", ticks: powers, format: (p) => (p === 0 ? "1" : tenTo(p)) },
    y: { range: symmetric(...lines, [0]), label: "s" },
    describe: `path of ${lines.length} frequencies from λ_max down; you stand at ${shown(fraction)} of λ_max`,
    marks: ({ polyline, verticalLine }) => [
      lines.map((entry) => {
        const points = entry.map((s, k) => [logs[k], s]);
        return polyline(points, { stroke: COLOURS.blue, "stroke-width": 1, opacity: 0.75 });
      }),
      verticalLine(Math.log10(fraction), { stroke: COLOURS.red, "stroke-width": 2, "stroke-dasharray": "6 4" }),
    ],
  });
}

// --------------------------------------------------------------------------- twenty draws, so that none is luck

/** Computes a row at a time when the hand rests, and stops when it moves again. */
function drawsSurvey(place, store, data) {
  let moves = 0;
  const begin = whenSettled(async () => {
    const [move, state, rows] = [moves, store.get(), []];
    const lowest = Math.min(state.l1_penalty_fraction, 1); // no more of the path is shown
    for (const order of Object.keys(ORDERS)) {
      const weights = inOrder(weightsOf(state, data), order, state.shuffle);
      const draws = Array.from({ length: N_DRAWS }, (_, seed) => inverseSensing(weights, { ...state, seed }, lowest));
      rows.push({ order, errors: draws.map(({ error }) => error), shares: draws.map(({ shared }) => shared) });
      await rest();
      if (move !== moves) return;
    }
    place.put((width) => drawsChart(width, rows, state));
  }, 120);
  place.put(() => html("p", { class: "waiting" }, "is being computed …"));
  return () => {
    moves++;
    begin();
  };
}

function drawsChart(width, rows, state) {
  const mean = (values) => sum(values) / values.length;
  const textOf = ({ order, errors, shares }) =>
    `${ORDERS[order]}: mean error ${fixed(mean(errors), 2)}, share ${Math.round(100 * mean(shares))} %`;
  const most = Math.max(1.2, ...rows.flatMap(({ errors }) => errors));
  return chart({
    width,
    x: { range: [0, most * 1.03], label: "error ‖Ψs − w‖ / ‖w‖" },
    y: { range: [-0.6, 2.75], label: "", ticks: [] },
    describe: rows.map(textOf).join("; "),
    marks: ({ placed, verticalLine, markers }) => [
      verticalLine(1, { stroke: COLOURS.grey, "stroke-dasharray": "2 3" }),
      rows.map((row, i) => {
        const [weight, sign] = row.order === state.order ? ["bold", "▶ "] : ["normal", ""];
        const points = row.errors.map((error) => [error, 2 - i]);
        const [[x, y]] = placed([[0, 2 - i]]);
        return [
          svg("text", { x: x + 4, y: y - 14, "font-weight": weight }, sign + textOf(row)),
          markers(points, "circle", 4, { fill: "none", stroke: COLOURS.blue, "stroke-width": 1.3 }),
        ];
      }),
    ],
  });
}
