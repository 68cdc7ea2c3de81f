"""Compress-train: train → score → cut → measure, cycle by cycle, for all replicates at once."""

import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from dtc_helpers.images.datasets import Dataset
from dtc_helpers.networks import ReplicatedMLP, xavier_mlp
from dtc_helpers.readings import Plan, Reading
from dtc_helpers.recovery import REFERENCES
from dtc_helpers.scoring import SCORES, HiddenLayer, NoScoresError, Score, Scores, hidden_layer, scored
from dtc_helpers.surgery import CHOICES, carry_adam, keep_neurons, n_keep
from dtc_helpers.training import Accuracy, Batch, accuracy, adam, batches, class_constants, shuffled_batches, train

LOUD_GAP = 0.01  # relative duality gap above which a solver that proves nothing is not used in silence


@dataclass(frozen=True)
class LayerCut:
    """One hidden layer in one cycle: its sums, its scores and who left."""

    neuron_sums: Tensor  # w: incoming and outgoing sums BEFORE the cut, (2, R, n_neurons before the cut)
    measurements: Tensor  # y of both, (2, R, n_measurements)
    scores: Tensor  # (R, n_neurons before the cut)
    neuron_ids: Tensor  # (R, n_neurons before the cut): names in the uncut network
    removed: Tensor  # (R, n_removed): names in the uncut network, ascending
    removed_scores: Tensor  # (R, n_removed)
    duality_gap: Tensor | None  # the larger of both solves, (R,); None where nothing is solved


@dataclass(frozen=True)
class CycleRecord:
    """One cycle of all R replicates; every value is taken after the cut unless it says otherwise."""

    cycle: int  # 1 is the first
    neurons: int  # hidden neurons left, all hidden layers together
    removed_fraction: float
    accuracy: Accuracy  # on the test images, without any training after the cut
    layers: tuple[LayerCut, ...]
    network: ReplicatedMLP  # after the cut; the next cycle trains it on
    train_seconds: float
    score_seconds: float


def start_networks(
    dataset: Dataset, hidden_widths: Sequence[int], *, reading: Reading, seeds: Sequence[int], device: torch.device
) -> ReplicatedMLP:
    """Untrained networks of a reading, one replicate a seed."""
    widths = [dataset.n_inputs, *hidden_widths, dataset.n_classes]
    generators = [reading.streams(seed).weights() for seed in seeds]
    return xavier_mlp(widths, generators=generators, device=device)


def compress_train(
    network: ReplicatedMLP, dataset: Dataset, *, method: str | Score, reading: Reading, seeds: Sequence[int], plan: Plan
) -> Iterator[CycleRecord]:
    """Dual Tomographic Compression and its rivals: yields a record after every cut (section IV).

    Parameters
    ----------
    network : untrained; its weights are changed by the first cycle.
    dataset : on the device of the network.
    method : one of `scoring.SCORES`, or a score of your own, a function that gives `Scores`.
    reading : what is computed, see `readings.READINGS`.
    seeds : one a replicate; all randomness of replicate r comes from seeds[r], but the order of the images, which all
        replicates share, from the first.
    plan : numbers of the schedule and of the measurement.

    Raises
    ------
    ValueError for an unknown method, other than one seed a replicate, a seed outside 0 … 2³² − 1, or a dataset without
    training or test images, TypeError for what is no seed or no score; while it goes on FloatingPointError for weights
    that are NaN or infinite, TypeError for a score that gives no `Scores`, and RuntimeError for a solve that gives no
    answer, or no proof where the reading asks for one. Each names the cycle.
    """
    if isinstance(method, str) and method not in SCORES:
        raise ValueError(f"method = {method!r} is not one of {', '.join(SCORES)}")
    if not isinstance(method, str) and not callable(method):
        raise TypeError(f"method is of type {type(method).__name__}: expected a name, or a function that gives Scores")
    if len(seeds) != network.n_replicates:
        raise ValueError(f"{len(seeds)} seeds for {network.n_replicates} replicates: expected one each")
    for seed in seeds:
        reading.streams(seed)  # refuses what is no seed
    if not (len(dataset.train) and len(dataset.test)):
        raise ValueError(f"{len(dataset.train)} training and {len(dataset.test)} test images: expected some of both")
    return _cycles(network, dataset, method=method, reading=reading, seeds=seeds, plan=plan)


def _cycles(
    network: ReplicatedMLP, dataset: Dataset, *, method: str | Score, reading: Reading, seeds: Sequence[int], plan: Plan
) -> Iterator[CycleRecord]:
    n_neurons_at_start = network.n_neurons
    optimizer, cycle = adam(network), 0
    while min(network.hidden_widths) > max(plan.stop_at, 1):  # ends: every cycle removes at least one neuron
        cycle += 1
        started = _now(network.device)
        image_batches = cycle_batches(dataset, cycle, reading=reading, seeds=seeds, plan=plan)
        train(network, image_batches, optimizer=optimizer, loss_axis=reading.loss_axis)
        trained = _now(network.device)
        _check_weights(network, cycle)
        arguments = {"cycle": cycle, "reading": reading, "seeds": seeds, "plan": plan}
        views = [hidden_layer(network, i, **arguments) for i in range(len(network.hidden_widths))]
        before, cuts, kept = network, [], []
        for i, view in enumerate(views):  # all layers are seen before any is cut
            scores = _scores(method, view, reading, f"cycle {cycle}, hidden layer {i + 1}")
            kept.append(_choose(scores, method, reading, plan))
            cuts.append(_describe(network.neuron_ids[i], view, scores, kept[i]))
            network = keep_neurons(network, kept[i], layer=i)
        is_new = reading.optimizer == "new"
        optimizer = adam(network) if is_new else carry_adam(optimizer, before, network, kept=kept)
        scored = _now(network.device)
        yield CycleRecord(
            cycle,
            network.n_neurons,
            1 - network.n_neurons / n_neurons_at_start,
            test_accuracy(network, dataset, reading=reading),
            tuple(cuts),
            network,
            train_seconds=trained - started,
            score_seconds=scored - trained,
        )


def test_accuracy(network: ReplicatedMLP, dataset: Dataset, *, reading: Reading) -> Accuracy:
    """Accuracy on the test images; with a batch softmax, the class constants are those of 10,000 training images."""
    test, axis = dataset.test, reading.loss_axis
    constants = class_constants(network, dataset.train.images[:10_000]) if axis == "batch" else None
    return accuracy(network, test.images, test.labels, loss_axis=axis, constants=constants)


def cycle_batches(
    dataset: Dataset, cycle: int, *, reading: Reading, seeds: Sequence[int], plan: Plan
) -> Iterator[Batch]:
    """Training batches of one cycle (1 is the first), the same for all replicates: of the order of the first seed."""
    images, labels = dataset.train.images, dataset.train.labels
    if reading.data_order == "restarted":
        return batches(images, labels, n_batches=plan.batches_per_cycle)
    first = (cycle - 1) * plan.batches_per_cycle
    order = reading.streams(seeds[0]).data_order
    return shuffled_batches(images, labels, first=first, n_batches=plan.batches_per_cycle, rng_of_pass=order)


def _check_weights(network: ReplicatedMLP, cycle: int) -> None:
    bad = [r for r in range(network.n_replicates) if not all(w[r].isfinite().all() for w in network.weights)]
    if bad:
        raise FloatingPointError(
            f"cycle {cycle}: weights of replicate {', '.join(map(str, bad))} are NaN or infinite after training: "
            "look for images that are not finite, or for a loss that diverges"
        )


def _scores(method: str | Score, view: HiddenLayer, reading: Reading, place: str) -> Scores:
    """Scores, whose errors name the place; where the reading's solver owes no proof, a bad gap is said."""
    try:
        scores = scored(SCORES[method] if isinstance(method, str) else method, view)
    except NoScoresError as error:
        raise NoScoresError(f"{place}: {error}") from None
    except RuntimeError as error:
        raise RuntimeError(f"{place}: {error}") from error
    gap = 0.0 if scores.recovery is None else float(scores.recovery.duality_gap.max())
    if gap > LOUD_GAP and reading.solver in REFERENCES:
        stops = f"{reading.solver} stops at a relative duality gap of {gap:.2g}"
        warnings.warn(f"{place}: {stops}, above {LOUD_GAP:g}: its answer is far from optimal", stacklevel=3)
    return scores


def _choose(scores: Scores, method: str | Score, reading: Reading, plan: Plan) -> Tensor:
    """Indices of the neurons that stay, (n_replicates, n_kept)."""
    n_kept = n_keep(scores.values.shape[1], plan.keep_fraction)
    return CHOICES[reading.kept_scores](scores.values, n_kept, ranked=method in reading.kept_as_ranked)


def _describe(neuron_ids: Tensor, view: HiddenLayer, scores: Scores, kept: Tensor) -> LayerCut:
    gone = torch.ones_like(neuron_ids, dtype=torch.bool).scatter(1, kept, False)
    removed, order = neuron_ids[gone].view(len(gone), -1).sort(dim=1)
    return LayerCut(
        torch.stack([view.incoming_sums, view.outgoing_sums]),
        view.measurements,
        scores.values,
        neuron_ids,
        removed,
        scores.values[gone].view(len(gone), -1).gather(1, order),
        None if scores.recovery is None else scores.recovery.duality_gap.amax(0),
    )


def _now(device: torch.device) -> float:
    """Seconds on a clock that has waited for the device."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
