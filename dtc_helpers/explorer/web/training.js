// The page's own match: the reader's network is trained here as training.py, readings.py ("described") and surgery.py
// do it, in double precision. What the rivals reached is stored. tests/explorer/test_explorer_training.py holds both to
// each other.

import { matrix, sum, times, transposed } from "./matrices.js";
import { randomState } from "./random.js";
import { rest } from "./store.js";
import { nKeep } from "./surgery.js";

const N_NEURONS = 64;
const WEIGHTS_SEED = 0;
const BATCHES_PER_CYCLE = 50;
const BATCH_SIZE = 512;
const STOP_AT = 10;
const LEARNING_RATE = 1e-3;
const [BETA_1, BETA_2, EPSILON] = [0.9, 0.999, 1e-8]; // of Adam

// ------------------------------------------------------------------------------------------------- images

/** Images of a split, one row each, and their labels, of what page_game.digits_state stores. */
function splitOf({ counts, pixels }, levels) {
  const n = sum(counts);
  const images = matrix(n, pixels.length / n);
  for (let i = 0; i < pixels.length; i++) {
    images.values[(i % n) * images.columns + Math.floor(i / n)] = levels[parseInt(pixels[i], 17)];
  }
  return { images, labels: counts.flatMap((count, label) => new Array(count).fill(label)) };
}

export const digitsOf = ({ levels, train, test }) => ({ train: splitOf(train, levels), test: splitOf(test, levels) });

/** Numbers of the images of every batch of a cycle (1 is the first), as `shuffled_batches`. */
export function batchesOf(cycle, nImages) {
  const nPerPass = Math.ceil(nImages / BATCH_SIZE);
  const first = (cycle - 1) * BATCHES_PER_CYCLE;
  const orders = {};
  return Array.from({ length: BATCHES_PER_CYCLE }, (_, i) => {
    const pass = Math.floor((first + i) / nPerPass);
    const place = (first + i) % nPerPass;
    orders[pass] ??= randomState(WEIGHTS_SEED + 1 + pass).permutation(nImages);
    return orders[pass].slice(place * BATCH_SIZE, (place + 1) * BATCH_SIZE);
  });
}

// ------------------------------------------------------------------------------------------------ network

/** Weights with their gradient and Adam's moments. */
const trained = (weights) => ({
  weights,
  ...Object.fromEntries(["gradient", "first", "second"].map((name) => [name, matrix(weights.rows, weights.columns)])),
});

/** Perceptron without biases, Xavier-normal weights, first layer first: that of page_game.page_match. */
export function startNetwork(nInputs, nClasses) {
  const { normal } = randomState(WEIGHTS_SEED);
  const layer = (rows, columns) => {
    const scale = Math.sqrt(2 / (rows + columns));
    const values = Float64Array.from({ length: rows * columns }, () => normal() * scale);
    return trained(matrix(rows, columns, values));
  };
  const names = Array.from({ length: N_NEURONS }, (_, i) => i);
  return { names, hidden: layer(N_NEURONS, nInputs), output: layer(nClasses, N_NEURONS), step: 0 };
}

const rowOf = ({ columns, values }, i) => values.subarray(i * columns, (i + 1) * columns);

function answersTo(network, image) {
  const activity = times(network.hidden.weights, image).map((v) => Math.max(v, 0));
  return { activity, logits: times(network.output.weights, activity) };
}

/** One step of Adam down the mean cross-entropy of these images, in place. */
export function trainBatch(network, { images, labels }, chosen) {
  network.hidden.gradient.values.fill(0);
  network.output.gradient.values.fill(0);
  for (const i of chosen) addGradient(network, rowOf(images, i), labels[i], 1 / chosen.length);
  network.step += 1;
  for (const layer of [network.hidden, network.output]) adamStep(layer, network.step);
}

/** Add the gradient of weight · cross-entropy of one image. */
function addGradient({ hidden, output }, image, label, weight) {
  const { activity, logits } = answersTo({ hidden, output }, image);
  const most = Math.max(...logits);
  const powers = logits.map((v) => Math.exp(v - most));
  const total = sum(powers);
  const back = new Float64Array(activity.length);
  const [steep, away, towards] = [hidden.gradient, output.gradient, output.weights].map(({ values }) => values);
  for (let c = 0; c < logits.length; c++) {
    const error = weight * (powers[c] / total - (c === label ? 1 : 0));
    const row = c * activity.length;
    for (let i = 0; i < activity.length; i++) {
      away[row + i] += error * activity[i];
      back[i] += error * towards[row + i];
    }
  }
  for (let i = 0; i < activity.length; i++) {
    if (activity[i] === 0) continue; // the ReLU lets nothing back
    const row = i * image.length;
    for (let j = 0; j < image.length; j++) steep[row + j] += back[i] * image[j];
  }
}

function adamStep({ weights, gradient, first, second }, step) {
  const size = LEARNING_RATE / (1 - BETA_1 ** step);
  const root = Math.sqrt(1 - BETA_2 ** step);
  for (let i = 0; i < weights.values.length; i++) {
    const g = gradient.values[i];
    const m = (first.values[i] += (1 - BETA_1) * (g - first.values[i]));
    const v = (second.values[i] = BETA_2 * second.values[i] + (1 - BETA_2) * g * g);
    weights.values[i] -= (size * m) / (Math.sqrt(v) / root + EPSILON);
  }
}

/** Share of the images that are classified rightly. */
export function accuracyOf(network, { images, labels }) {
  const right = labels.filter((label, i) => {
    const { logits } = answersTo(network, rowOf(images, i));
    return logits.indexOf(Math.max(...logits)) === label;
  });
  return right.length / labels.length;
}

/** |a + b| of every neuron: its incoming and its outgoing weights summed. */
export function sizesOf({ hidden, output }) {
  const rowSums = (A) => times(A, new Float64Array(A.columns).fill(1));
  const outgoing = rowSums(transposed(output.weights));
  return Array.from(rowSums(hidden.weights), (incoming, i) => Math.abs(incoming + outgoing[i]));
}

/** Network without some neurons, by their names; Adam's moments go with their weights, its steps stay counted. */
export function withoutNeurons({ names, hidden, output, step }, gone) {
  const stays = names.map((name) => !gone.includes(name));
  const left = names.filter((_, i) => stays[i]);
  const rows = (A) => ({
    ...A,
    rows: left.length,
    values: A.values.filter((_, k) => stays[Math.floor(k / A.columns)]),
  });
  const columns = (A) => ({ ...A, columns: left.length, values: A.values.filter((_, k) => stays[k % A.columns]) });
  const cut = (layer, part) => Object.fromEntries(Object.entries(layer).map(([name, A]) => [name, part(A)]));
  return { names: left, hidden: cut(hidden, rows), output: cut(output, columns), step };
}

export const nCut = ({ names }) => (names.length <= STOP_AT ? 0 : names.length - nKeep(names.length));

// ------------------------------------------------------------------------------------------------ the match

const SLICE_MILLISECONDS = 30; // of training, then the page may move

/**
 * Who stands for the kernel of a notebook: trains the network of the reader, and plays a move when the store has one.
 * Gives a function that starts a game where none is on.
 */
export function referee(store, data) {
  let [digits, network, games] = [null, null, 0];

  /** Tell how things stand, train a cycle, tell the new sizes; a new game ends it. */
  async function playOn(you) {
    const game = games;
    const told = ([name, values]) => [name, values.slice(0, you.length)];
    const history = { you, ...Object.fromEntries(Object.entries(data.rivals).map(told)) };
    store.set({ alive: network.names, sizes: sizesOf(network), n_cut: nCut(network), history });
    if (nCut(network) === 0) return;
    store.set({ waiting: true });
    let sliceEnd = 0;
    for (const chosen of batchesOf(you.length + 1, digits.train.labels.length)) {
      if (performance.now() > sliceEnd) {
        await rest();
        if (game !== games) return;
        sliceEnd = performance.now() + SLICE_MILLISECONDS;
      }
      trainBatch(network, digits.train, chosen);
    }
    store.set({ sizes: sizesOf(network), waiting: false });
  }

  store.subscribe(({ move, chosen, history }, changed) => {
    if (!changed.includes("move") || move === 0) return;
    network = withoutNeurons(network, chosen);
    playOn([...history.you, accuracyOf(network, digits.test)]);
  });
  return () => {
    if (store.get().alive.length > 0) return;
    games += 1;
    digits ??= digitsOf(data);
    network = startNetwork(digits.train.images.columns, data.train.counts.length);
    playOn([]);
  };
}
