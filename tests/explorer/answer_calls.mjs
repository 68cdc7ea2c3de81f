// One JSON call a line in, one JSON answer a line out.
import { createInterface } from "node:readline";
import * as gibbs from "../../dtc_helpers/explorer/web/gibbs.js";
import * as lab from "../../dtc_helpers/explorer/web/lab.js";
import { matrix } from "../../dtc_helpers/explorer/web/matrices.js";
import * as proposition from "../../dtc_helpers/explorer/web/proposition.js";
import { randomState } from "../../dtc_helpers/explorer/web/random.js";
import * as recovery from "../../dtc_helpers/explorer/web/recovery.js";
import * as sensing from "../../dtc_helpers/explorer/web/sensing.js";
import * as statistics from "../../dtc_helpers/explorer/web/statistics.js";
import { cutNeurons, ranked } from "../../dtc_helpers/explorer/web/surgery.js";
import * as training from "../../dtc_helpers/explorer/web/training.js";

const matrixOf = (rows) => matrix(rows.length, rows[0].length, Float64Array.from(rows.flat()));
const rowsOf = ({ rows, columns, values }) =>
  Array.from({ length: rows }, (_, i) => Array.from(values.slice(i * columns, (i + 1) * columns)));

const layersOf = ({ hidden, output }) =>
  [hidden, output].map((layer) =>
    Object.fromEntries(["weights", "first", "second"].map((name) => [name, rowsOf(layer[name])])),
  );

const calls = {
  gaussian: ({ m, n, seed }) => rowsOf(sensing.gaussianMatrix(m, n, seed)),
  permutation: ({ n, seed }) => randomState(seed).permutation(n),
  basis: ({ n, type }) => rowsOf(sensing.dctBasis(n, type)),
  /** Solutions at these λ / λ_max, of the path that goes down to the lowest. */
  recover: ({ Theta, y, fractions, lowest = Math.min(...fractions) }) => {
    const [T, path] = [matrixOf(Theta), recovery.l1Path(matrixOf(Theta), y, lowest)];
    const solutions = fractions.map((f) => recovery.solutionAt(path, T, y, f * path.lambdaMax));
    return solutions.map((found) => ({ ...found, code: Array.from(found.code) }));
  },
  cut: ({ scores, which }) => cutNeurons(scores, which),
  histogram: ({ values, edges }) => gibbs.histogram(values, edges),
  entropy: ({ values, edges }) => gibbs.gibbsEntropy(values, edges),
  entropy_of_width: ({ values, width }) => gibbs.entropyOfWidth(values, width),
  edges: () => gibbs.publishedBinEdges(),
  lab: ({ weights, state }) => {
    const found = lab.inverseSensing(lab.inOrder(weights, state.order, state.shuffle), state);
    return { ...found, path: undefined, code: Array.from(found.code), recovered: Array.from(found.recovered) };
  },
  trial: ({ steps, nullModel, count, state }) =>
    proposition.trial(steps, proposition.nullDraws(steps, nullModel, count), state),
  digits: ({ data }) =>
    Object.fromEntries(
      Object.entries(training.digitsOf(data)).map(([name, { images, labels }]) => [name, [rowsOf(images), labels]]),
    ),
  batches: ({ cycle, n }) => training.batchesOf(cycle, n),
  start: ({ inputs, classes }) => layersOf(training.startNetwork(inputs, classes)),
  /** Plays the cuts given, or those of the smallest until the end; how it stands after every training. */
  play: ({ data, cuts }) => {
    const digits = training.digitsOf(data);
    let network = training.startNetwork(digits.train.images.columns, data.train.counts.length);
    const [stages, accuracies] = [[], []];
    for (;;) {
      const cycle = stages.length + 1;
      for (const chosen of training.batchesOf(cycle, digits.train.labels.length)) {
        training.trainBatch(network, digits.train, chosen);
      }
      const sizes = training.sizesOf(network);
      stages.push({ layers: layersOf(network), names: network.names, sizes, step: network.step });
      const smallest = ranked(sizes).slice(0, training.nCut(network));
      const gone = cuts ? cuts[cycle - 1] : smallest.map((place) => network.names[place]);
      if (gone === undefined) return { stages, accuracies };
      network = training.withoutNeurons(network, gone);
      accuracies.push(training.accuracyOf(network, digits.test));
      if (training.nCut(network) === 0) return { stages, accuracies };
    }
  },
  quantile: ({ values, share }) => statistics.quantile(values, share),
  pearson: ({ values, others }) =>
    statistics.pearson(
      values.map((v) => v ?? NaN),
      others,
    ),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { name, arguments: given } = JSON.parse(line);
  try {
    console.log(JSON.stringify({ value: calls[name](given) }));
  } catch (error) {
    console.log(JSON.stringify({ error: error.stack }));
  }
}
