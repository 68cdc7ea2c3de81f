"""Compress-train of ONE network, slow and obvious: plain layers, plain loops, nothing of the package but its data."""
# pyright: reportArgumentType=false, reportAssignmentType=false
# (the stubs of lars_path say that alpha_min is a whole number and that three values come back)

import itertools
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import cvxpy as cp
import numpy as np
import torch
from sklearn.linear_model import lars_path
from torch import Tensor, nn

from dtc_helpers.images.datasets import Dataset, Split
from dtc_helpers.readings import Plan, PublishedStreams, Reading

IMAGES_AT_ONCE = 512
UNDECIDED = 2e-6  # two outputs so near to each other may change places by rounding


@dataclass
class Adam:
    """Moments of one matrix of weights."""

    step: int
    exp_avg: Tensor
    exp_avg_sq: Tensor


@dataclass
class SlowCut:
    """One hidden layer in one cycle; all but `kept` as in `cycle.LayerCut`."""

    neuron_sums: list[list[float]]
    measurements: list[np.ndarray]
    scores: list[float]
    neuron_ids: list[int]
    kept: list[int]  # places in the layer, in the order in which they stay
    removed: list[int]
    removed_scores: list[float]
    duality_gap: float | None


@dataclass
class SlowAccuracy:
    """As `training.Accuracy`, and by how much rounding could change it."""

    overall: float
    batch_mean: float
    single_image: float
    calibrated: float
    doubtful: float


@dataclass
class SlowCycle:
    """One cycle, after the cut unless it says otherwise."""

    adam_before: list[Adam] | None  # of every matrix, as training finds it; None: a new one
    n_neurons: list[int]  # of every hidden layer
    removed_fraction: float
    accuracy: SlowAccuracy
    layers: list[SlowCut]
    weights: list[Tensor]
    neuron_ids: list[list[int]]


@dataclass
class Question:
    """What is asked of one network: the arguments of `compress_train`, with one seed."""

    dataset: Dataset
    widths: list[int]
    method: str
    reading: Reading
    seed: int
    plan: Plan
    seed_of_order: int  # of the images


def slow_compress_train(question: Question) -> Iterator[SlowCycle]:
    """Train, look at every layer, cut every layer, measure; until the narrowest layer is small enough."""
    reading, plan = question.reading, question.plan
    weights = initial_weights(question)
    names = [list(range(width)) for width in question.widths]
    moments, cycle = None, 0
    while all(len(of_layer) > plan.stop_at and len(of_layer) > 1 for of_layer in names):
        cycle += 1
        found = moments
        moments = train(weights, moments, batches_of_cycle(question, cycle), reading.loss_axis)
        cuts = [cut_layer(question, weights, layer, cycle, names[layer]) for layer in range(len(names))]
        kept = [cut.kept for cut in cuts]
        weights = [only_kept(weight, place, kept) for place, weight in enumerate(weights)]
        names = [[of_layer[i] for i in stay] for of_layer, stay in zip(names, kept, strict=True)]
        moments = None if reading.optimizer == "new" else [cut_adam(a, place, kept) for place, a in enumerate(moments)]
        yield SlowCycle(
            found,
            [len(of_layer) for of_layer in names],
            1 - sum(len(of_layer) for of_layer in names) / sum(question.widths),
            accuracy(weights, question.dataset, reading.loss_axis),
            cuts,
            [weight.clone() for weight in weights],  # the next cycle trains them on
            names,
        )


# ------------------------------------------------------------------------------------- random numbers


def source(question: Question, purpose: int, *place: int, seed: int | None = None):
    """Published: one seed, used anew. Else one stream a purpose and place: Φ 1, survivors 2, order of the images 3.

    The numbers of the purposes are part of every stored result: with others it could not be computed again.
    """
    seed = question.seed if seed is None else seed
    if question.reading.streams is PublishedStreams:
        return np.random.RandomState(seed)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(purpose, *place)))


def initial_weights(question: Question) -> list[Tensor]:
    """Xavier-normal: standard deviation √(2 / (inputs + outputs)), the first layer drawn first."""
    seed = question.seed
    if question.reading.streams is not PublishedStreams:
        seed = int(np.random.SeedSequence(seed, spawn_key=(0,)).generate_state(1, np.uint64)[0]) // 2
    generator = torch.Generator().manual_seed(seed)
    n_inputs = question.dataset.train.images.shape[1]
    n_classes = len(set(question.dataset.train.labels.tolist()))
    return [
        torch.empty(n_out, n_in).normal_(0, math.sqrt(2 / (n_in + n_out)), generator=generator)
        for n_in, n_out in itertools.pairwise([n_inputs, *question.widths, n_classes])
    ]


def batches_of_cycle(question: Question, cycle: int) -> list[Split]:
    """All batches from the first cycle on, pass after pass; the last ones, or every cycle the first ones, are shown."""
    train, n_batches = question.dataset.train, question.plan.batches_per_cycle
    restarted = question.reading.data_order == "restarted"
    n_needed = n_batches if restarted else cycle * n_batches
    shown, n_pass = [], 0
    while len(shown) < n_needed:
        order = list(range(len(train.labels)))
        if not restarted:
            order = source(question, 3, n_pass, seed=question.seed_of_order).permutation(len(train.labels)).tolist()
        for start in range(0, len(order), IMAGES_AT_ONCE):
            images = order[start : start + IMAGES_AT_ONCE]
            shown.append(Split(train.images[images], train.labels[images]))
        n_pass += 1
    return shown[n_needed - n_batches : n_needed]


# ------------------------------------------------------------------------------------------- training


def plain_network(weights: list[Tensor]) -> nn.Sequential:
    layers = []
    for weight in weights:
        linear = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
        linear.weight = nn.Parameter(weight)  # the same memory: training changes the weights themselves
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def train(weights: list[Tensor], moments: list[Adam] | None, shown: list[Split], loss_axis: str) -> list[Adam]:
    """Changes the weights; gives the moments of Adam after the last batch."""
    if moments is None:
        moments = [Adam(0, torch.zeros_like(weight), torch.zeros_like(weight)) for weight in weights]
    moments = [Adam(a.step, a.exp_avg.clone(), a.exp_avg_sq.clone()) for a in moments]
    network = plain_network(weights)
    for split in shown:
        of_batch = loss(network(split.images), split.labels, loss_axis)
        gradients = torch.autograd.grad(of_batch, list(network.parameters()))
        for weight, gradient, a in zip(weights, gradients, moments, strict=True):
            adam_step(weight, gradient, a)
    return moments


def loss(logits: Tensor, labels: Tensor, loss_axis: str) -> Tensor:
    """Mean over the images of −log softmax of the answer; over the batch axis the answer is a log-softmax already."""
    answers = logits - logits.exp().sum(0, keepdim=True).log() if loss_axis == "batch" else logits
    log_probabilities = answers - answers.exp().sum(1, keepdim=True).log()
    return -log_probabilities[torch.arange(len(labels)), labels].mean()


@torch.no_grad()
def adam_step(weight: Tensor, gradient: Tensor, a: Adam) -> None:
    """Kingma and Ba, 2015, algorithm 1, with their β₁, β₂ and ε and their learning rate 0.001."""
    a.step += 1
    a.exp_avg.copy_(0.9 * a.exp_avg + 0.1 * gradient)
    a.exp_avg_sq.copy_(0.999 * a.exp_avg_sq + 0.001 * gradient * gradient)
    mean, square = a.exp_avg / (1 - 0.9**a.step), a.exp_avg_sq / (1 - 0.999**a.step)
    weight -= 0.001 * mean / (square.sqrt() + 1e-8)


@torch.no_grad()
def accuracy(weights: list[Tensor], dataset: Dataset, loss_axis: str) -> SlowAccuracy:
    network, test = plain_network(weights), dataset.test
    constants = network(dataset.train.images[:10_000]).double().exp().sum(0).log()  # of every class
    right, right_alone, right_shifted, shares, undecided, smallest = 0, 0, 0, [], 0, IMAGES_AT_ONCE
    for start in range(0, len(test.labels), IMAGES_AT_ONCE):
        logits = network(test.images[start : start + IMAGES_AT_ONCE])
        labels = test.labels[start : start + IMAGES_AT_ONCE].tolist()
        of_batch = (logits - logits.exp().sum(0).log() if loss_axis == "batch" else logits).tolist()
        shifted = (logits - constants).tolist()
        verdicts, alone, of_shifted = (
            [answers.index(max(answers)) == label for answers, label in zip(all_answers, labels, strict=True)]
            for all_answers in (of_batch, logits.tolist(), shifted)
        )
        right, right_alone = right + sum(verdicts), right_alone + sum(alone)
        right_shifted += sum(of_shifted)
        shares.append(sum(verdicts) / len(labels))
        undecided += sum(is_undecided(answers) for answers in [*of_batch, *logits.tolist(), *shifted])
        smallest = min(smallest, len(labels))
    n = len(test.labels)
    calibrated = right_shifted / n if loss_axis == "batch" else math.nan
    return SlowAccuracy(right / n, sum(shares) / len(shares), right_alone / n, calibrated, undecided / smallest)


def is_undecided(answers: list[float]) -> bool:
    second, first = sorted(answers)[-2:]
    return 0 < first - second < UNDECIDED


# -------------------------------------------------------------------------------------- score and cut


def cut_layer(question: Question, weights: list[Tensor], layer: int, cycle: int, names: list[int]) -> SlowCut:
    """What is seen of one hidden layer before anything is cut, and who stays."""
    incoming, outgoing = weights[layer].double(), weights[layer + 1].double()
    n_neurons = len(names)
    a = [sum(incoming[i, j].item() for j in range(incoming.shape[1])) for i in range(n_neurons)]
    b = [sum(outgoing[k, i].item() for k in range(outgoing.shape[0])) for i in range(n_neurons)]
    Phi = source(question, 1, cycle, layer).normal(size=(n_measurements(question, n_neurons), n_neurons))
    gap = None
    if question.method == "dtc":
        scores, gap = dtc(question, Phi, a, b)
    elif question.method == "random":
        drawn = source(question, 2, cycle, layer).permutation(n_neurons).tolist()
        scores = [float(drawn.index(i)) for i in range(n_neurons)]
    elif question.method == "norms":
        lengths = [(incoming[i].square().sum().sqrt(), outgoing[:, i].square().sum().sqrt()) for i in range(n_neurons)]
        scores = [(one * other).item() for one, other in lengths]
    else:
        scores = [abs(a[i] + b[i]) for i in range(n_neurons)]
    kept = who_stays(question, scores)
    gone = sorted((names[i], scores[i]) for i in range(n_neurons) if i not in kept)
    y = [Phi @ np.array(sums) for sums in (a, b)]
    return SlowCut([a, b], y, scores, names, kept, [name for name, _ in gone], [score for _, score in gone], gap)


def n_measurements(question: Question, n_neurons: int) -> int:
    fraction = question.plan.measurement_fraction
    if question.reading.measurement_rounding == "rounded":
        return max(1, round(fraction * n_neurons))
    return max(1, int(n_neurons * (1 - (1 - fraction))))


def who_stays(question: Question, scores: list[float]) -> list[int]:
    """⌈keep_fraction · (N − 1)⌉ neurons; of equal scores the lower place first."""
    sign = 1 if question.reading.kept_scores == "lowest" else -1
    ranking = sorted(range(len(scores)), key=lambda i: (sign * scores[i], i))
    kept = ranking[: max(1, math.ceil(question.plan.keep_fraction * (len(scores) - 1)))]
    return kept if question.method in question.reading.kept_as_ranked else sorted(kept)


def only_kept(matrix: Tensor, place: int, kept: list[list[int]]) -> Tensor:
    """Rows of the neurons that stay in the layer after the matrix, columns of those in the layer before it."""
    rows = kept[place] if place < len(kept) else list(range(matrix.shape[0]))
    columns = kept[place - 1] if place > 0 else list(range(matrix.shape[1]))
    return torch.stack([torch.stack([matrix[i, j] for j in columns]) for i in rows])


def cut_adam(a: Adam, place: int, kept: list[list[int]]) -> Adam:
    return Adam(a.step, only_kept(a.exp_avg, place, kept), only_kept(a.exp_avg_sq, place, kept))


# ------------------------------------------------------------------------------------ dual tomography


def dtc(question: Question, Phi: np.ndarray, a: list[float], b: list[float]) -> tuple[list[float], float]:
    """|ray of a + ray of b| of every neuron, and the larger of both duality gaps."""
    Psi = cosine_basis(Phi.shape[1])
    rays, gaps = [], []
    for sums in (a, b):
        Theta, y = Phi @ Psi, Phi @ np.array(sums)
        largest, fraction = 2 * np.abs(Theta.T @ y).max(), question.plan.l1_penalty_fraction
        l1_penalty = question.plan.l1_penalty if fraction is None else fraction * largest
        s = SOLVERS[question.reading.solver](Theta, y, l1_penalty)
        gaps.append(duality_gap(Theta, y, s, l1_penalty))
        rays.append(s if question.reading.ray_domain == "sparse_code" else Psi @ s)
    return np.abs(rays[0] + rays[1]).tolist(), max(gaps)


def cosine_basis(n: int) -> np.ndarray:
    """Orthonormal DCT of type I: √(2/(n−1)) cos(π i k / (n−1)), its first and last row and column divided by √2."""
    Psi = np.empty((n, n))
    for i, k in itertools.product(range(n), range(n)):
        ends = (i in (0, n - 1)) + (k in (0, n - 1))
        Psi[i, k] = math.sqrt(2 / (n - 1)) * math.cos(math.pi * i * k / (n - 1)) / math.sqrt(2) ** ends
    return Psi


def scs(Theta: np.ndarray, y: np.ndarray, l1_penalty: float) -> np.ndarray:
    """As the published notebooks call it; where it stops depends on nothing but its input."""
    s = cp.Variable(Theta.shape[1])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Solution may be inaccurate")
        cp.Problem(cp.Minimize(cp.sum_squares(Theta @ s - y) + l1_penalty * cp.norm(s, 1))).solve(solver=cp.SCS)
    assert s.value is not None
    return s.value


def exact(Theta: np.ndarray, y: np.ndarray, l1_penalty: float) -> np.ndarray:
    """Homotopy; scikit-learn divides the objective by 2m."""
    if l1_penalty >= 2 * np.abs(Theta.T @ y).max():
        return np.zeros(Theta.shape[1])
    _, _, path = lars_path(Theta, y, method="lasso", alpha_min=l1_penalty / (2 * len(y)))
    return path[:, -1]


def one_step(Theta: np.ndarray, y: np.ndarray, l1_penalty: float) -> np.ndarray:
    """One proximal gradient step from 0: far from the optimum, and unlike SCS never further for a rounding error."""
    rate = 1 / (2 * np.sum(Theta**2))
    gradient_step = rate * 2 * Theta.T @ y
    return np.sign(gradient_step) * np.maximum(np.abs(gradient_step) - rate * l1_penalty, 0)


SOLVERS = {"scs": scs, "exact": exact, "lars": one_step}  # a single step stands where the package has LARS


def duality_gap(Theta: np.ndarray, y: np.ndarray, s: np.ndarray, l1_penalty: float) -> float:
    """(objective − bound) / objective; the bound 2cᵀy − ‖c‖² of the best multiple c of the residual, ‖2Θᵀc‖∞ ≤ λ."""
    residual = y - Theta @ s
    objective = float(residual @ residual + l1_penalty * np.abs(s).sum())
    best = max(0.0, float(residual @ y / (residual @ residual)))
    c = min(best, l1_penalty / float(2 * np.abs(Theta.T @ residual).max())) * residual
    return max(0.0, objective - float(2 * c @ y - c @ c)) / objective
