import numpy as np
import pytest
import torch
from oracles import as_sequential, networks
from torch import nn

from dtc_helpers.paper import ONE_BATCH_ACCURACY, PUBLISHED_SEED
from dtc_helpers.training import (
    BATCH_SIZE,
    accuracy,
    adam,
    batches,
    class_constants,
    cross_entropy,
    outputs,
    shuffled_batches,
    train,
)


class FixedLogits(nn.Module):
    """Says the same of every image: its first pixels are its logits."""

    def __init__(self, n_classes):
        super().__init__()
        self.n_classes = n_classes

    def forward(self, images):
        return images[None, :, : self.n_classes]


def trained(network, dataset, *, n_batches, loss_axis):
    image_batches = batches(dataset.train.images, dataset.train.labels, n_batches=n_batches)
    train(network, image_batches, optimizer=adam(network), loss_axis=loss_axis)
    return network


# ------------------------------------------------------------------------------------------- batches


def test_batches_keep_the_stored_order_end_with_what_is_left_and_start_anew(monkeypatch):
    monkeypatch.setattr("dtc_helpers.training.BATCH_SIZE", 4)
    images, labels = torch.arange(10.0)[:, None], torch.arange(10)
    shown = [batch.tolist() for _, batch in batches(images, labels, n_batches=5)]
    assert shown == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9], [0, 1, 2, 3], [4, 5, 6, 7]]
    for batch_images, batch_labels in batches(images, labels, n_batches=5):
        assert torch.equal(batch_images[:, 0].long(), batch_labels)


def test_batches_are_published_ones_of_512():
    sizes = [len(labels) for _, labels in batches(torch.zeros(1200, 1), torch.zeros(1200), n_batches=4)]
    assert sizes == [512, 512, 176, 512]


def shuffled_labels(*, first, n_batches, n_images=1200):
    labels = torch.arange(n_images)
    images = labels[:, None].float()
    shown = shuffled_batches(images, labels, first=first, n_batches=n_batches, rng_of_pass=np.random.default_rng)
    shown = list(shown)
    assert all(torch.equal(batch_images[:, 0].long(), batch_labels) for batch_images, batch_labels in shown)
    return [batch_labels for _, batch_labels in shown]


def test_shuffled_pass_shows_every_image_once_in_an_order_of_its_own():
    shown = shuffled_labels(first=0, n_batches=6)
    assert [len(batch) for batch in shown] == [512, 512, 176] * 2
    stored, passes = torch.arange(1200), [torch.cat(shown[:3]), torch.cat(shown[3:])]
    assert all(torch.equal(labels.sort().values, stored) for labels in passes)
    assert not any(torch.equal(labels, other) for labels, other in [(passes[0], passes[1]), (passes[0], stored)])


@pytest.mark.parametrize("parts", [[2, 5], [1, 1, 5], [3, 3, 1], [4, 0, 3]])
def test_shuffled_batches_of_cycles_continue_each_other(parts):
    starts = np.cumsum([0, *parts[:-1]]).tolist()
    in_parts = [
        labels for first, n in zip(starts, parts, strict=True) for labels in shuffled_labels(first=first, n_batches=n)
    ]
    assert torch.equal(torch.cat(in_parts), torch.cat(shuffled_labels(first=0, n_batches=7)))
    assert len(in_parts) == 7


@pytest.mark.parametrize("n_images", [511, 512, 513, 1024])
def test_pass_ends_with_its_last_image_whether_or_not_that_fills_a_batch(n_images):
    n_per_pass = {511: 1, 512: 1, 513: 2, 1024: 2}[n_images]
    shown = shuffled_labels(first=0, n_batches=3 * n_per_pass, n_images=n_images)
    for n_pass in range(3):
        labels = torch.cat(shown[n_pass * n_per_pass : (n_pass + 1) * n_per_pass])
        assert labels.tolist() == np.random.default_rng(n_pass).permutation(n_images).tolist()
    in_parts = [shuffled_labels(first=first, n_batches=1, n_images=n_images) for first in range(3 * n_per_pass)]
    assert all(torch.equal(labels, part) for labels, (part,) in zip(shown, in_parts, strict=True))


def test_zero_batches_leave_the_weights_unchanged(tiny_dataset):
    network = networks(6, 8, 3)
    before = [weight.detach().clone() for weight in network.weights]
    trained(network, tiny_dataset, n_batches=0, loss_axis="class")
    assert all(torch.equal(weight, b) for weight, b in zip(network.weights, before, strict=True))


# ---------------------------------------------------------------------------------------------- loss


def test_loss_over_the_batch_axis_is_torchs_cross_entropy_of_a_log_softmax_over_the_images():
    logits, labels = torch.randn(30, 5, generator=torch.Generator().manual_seed(0)), torch.arange(30) % 5
    oracle = nn.CrossEntropyLoss()(torch.log_softmax(logits, dim=0), labels)
    torch.testing.assert_close(cross_entropy(logits[None], labels, axis="batch"), oracle)


@pytest.mark.parametrize("axis", ["batch", "class"])
def test_loss_of_replicates_is_the_sum_of_their_losses(axis):
    logits, labels = torch.randn(3, 30, 5, generator=torch.Generator().manual_seed(0)), torch.arange(30) % 5
    alone = sum(cross_entropy(one[None], labels, axis=axis) for one in logits)
    torch.testing.assert_close(cross_entropy(logits, labels, axis=axis), alone)


def test_loss_of_equal_logits_is_the_logarithm_of_the_number_of_classes():
    loss = cross_entropy(torch.zeros(1, 4, 10), torch.arange(4), axis="class")
    assert loss.item() == pytest.approx(torch.tensor(10.0).log().item())


def test_single_image_shown_alone_gets_equal_outputs_for_every_class_over_the_batch_axis():
    logits = torch.tensor([[[3.0, -1.0, 20.0]]])
    assert outputs(logits, axis="batch").tolist() == [[[0.0, 0.0, 0.0]]]


def test_largest_logit_stays_the_largest_over_the_class_axis():
    logits = torch.randn(2, 30, 5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(outputs(logits, axis="class").argmax(-1), logits.argmax(-1))


@pytest.mark.parametrize("axis", ["classes", "", "0"])
def test_unknown_axis_is_refused(axis):
    with pytest.raises(ValueError, match="is not one of batch, class"):
        outputs(torch.zeros(1, 2, 3), axis=axis)


# ------------------------------------------------------------------------------------------ training


@pytest.mark.parametrize("loss_axis", ["batch", "class"])
@pytest.mark.parametrize("hidden", [(8,), (8, 7)])
def test_replicates_trained_together_agree_with_each_trained_alone(tiny_dataset, loss_axis, hidden):
    together = trained(networks(6, *hidden, 3, seeds=[1, 2, 3]), tiny_dataset, n_batches=5, loss_axis=loss_axis)
    for replicate, seed in enumerate([1, 2, 3]):
        start = networks(6, *hidden, 3, seeds=[seed])
        alone = trained(networks(6, *hidden, 3, seeds=[seed]), tiny_dataset, n_batches=5, loss_axis=loss_axis)
        for weight, weight_alone, weight_start in zip(together.weights, alone.weights, start.weights, strict=True):
            torch.testing.assert_close(weight[replicate], weight_alone[0], rtol=0, atol=1e-5)
            assert (weight[replicate] - weight_start[0]).abs().max() > 1e-3  # 5 steps of Adam move 0.005


@pytest.mark.parametrize("loss_axis", ["batch", "class"])
def test_training_is_plain_pytorch(tiny_dataset, loss_axis):
    network = networks(6, 8, 3)
    plain = as_sequential(network)
    optimizer = torch.optim.Adam(plain.parameters(), lr=1e-3)
    for start in (0, 512, 0):
        images, labels = tiny_dataset.train.images[start : start + 512], tiny_dataset.train.labels[start : start + 512]
        answer = plain(images) if loss_axis == "class" else torch.log_softmax(plain(images), dim=0)
        optimizer.zero_grad()
        nn.CrossEntropyLoss()(answer, labels).backward()
        optimizer.step()
    trained(network, tiny_dataset, n_batches=3, loss_axis=loss_axis)
    for weight, plain_weight in zip(network.weights, plain.parameters(), strict=True):
        torch.testing.assert_close(weight[0], plain_weight, rtol=0, atol=1e-6)


def test_network_learns(tiny_dataset):
    network = networks(6, 32, 3)
    test = tiny_dataset.test
    before = accuracy(network, test.images, test.labels, loss_axis="class").overall.item()
    trained(network, tiny_dataset, n_batches=200, loss_axis="class")
    assert accuracy(network, test.images, test.labels, loss_axis="class").overall.item() > max(0.85, before)


# ------------------------------------------------------------------------------------------ accuracy


@pytest.mark.parametrize("n_images", [700, 513, 512, 511, 1])
@pytest.mark.parametrize("loss_axis", ["batch", "class"])
def test_accuracy_is_that_of_the_slow_loop(tiny_dataset, loss_axis, n_images):
    images, labels = tiny_dataset.test.images[:n_images], tiny_dataset.test.labels[:n_images]
    network = networks(6, 8, 3, seeds=[1, 2])
    found = accuracy(network, images, labels, loss_axis=loss_axis)
    for replicate in range(2):
        plain, right, alone, shares = as_sequential(network, replicate), 0, 0, []
        for start in range(0, n_images, BATCH_SIZE):
            logits, batch_labels = plain(images[start : start + BATCH_SIZE]), labels[start : start + BATCH_SIZE]
            answers = logits - logits.logsumexp(0) if loss_axis == "batch" else logits
            n_right = sum(int(a.argmax() == label) for a, label in zip(answers, batch_labels, strict=True))
            alone += sum(int(a.argmax() == label) for a, label in zip(logits, batch_labels, strict=True))
            right += n_right
            shares.append(n_right / len(batch_labels))
        assert found.overall[replicate].item() == pytest.approx(right / n_images)
        assert found.batch_mean[replicate].item() == pytest.approx(sum(shares) / len(shares))
        assert found.single_image[replicate].item() == pytest.approx(alone / n_images)


def test_class_constants_make_single_images_as_good_as_batches_that_hold_all_classes_alike():
    """Logits that are right but for a constant a class, which a batch of all classes cannot see."""
    labels = torch.arange(500) % 5
    right = 3.0 * nn.functional.one_hot(labels, 5) + torch.randn(500, 5, generator=torch.Generator().manual_seed(0))
    shifted = right + torch.tensor([0.0, 40.0, -30.0, 5.0, -8.0])
    network = FixedLogits(5)
    constants = class_constants(network, shifted)
    torch.testing.assert_close(constants, shifted.exp().sum(0).log()[None], rtol=1e-5, atol=1e-5)
    found = accuracy(network, shifted, labels, loss_axis="batch", constants=constants)
    assert found.single_image.item() == pytest.approx(0.2)  # everything is taken for class 1
    assert found.calibrated.item() > 0.9
    assert found.calibrated.item() == found.overall.item()  # one batch, whose constants these are
    assert accuracy(network, shifted, labels, loss_axis="batch").calibrated.isnan().all()


def test_mean_of_batch_accuracies_gives_the_images_of_the_smaller_batch_more_weight():
    logits = torch.zeros(700, 2)
    logits[:512, 0] = 1  # right in the first batch
    logits[512:, 1] = 1  # wrong in the second, of 188
    found = accuracy(FixedLogits(2), logits, torch.zeros(700, dtype=torch.int64), loss_axis="class")
    assert found.overall.item() == pytest.approx(512 / 700)
    assert found.batch_mean.item() == 0.5


def test_one_batch_on_mnist_gives_the_published_accuracy(mnist):
    network = networks(784, 512, 10, seeds=[PUBLISHED_SEED])
    trained(network, mnist, n_batches=1, loss_axis="batch")
    found = accuracy(network, mnist.test.images, mnist.test.labels, loss_axis="batch")
    assert found.batch_mean.item() == pytest.approx(0.51145, abs=5e-4)
    assert pytest.approx(0.51145, abs=1e-5) == ONE_BATCH_ACCURACY
