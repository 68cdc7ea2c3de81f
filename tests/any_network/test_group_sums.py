# pyright: reportAttributeAccessIssue=false, reportIndexIssue=false, reportCallIssue=false, reportArgumentType=false
# pyright: reportOptionalMemberAccess=false, reportOptionalSubscript=false, reportOptionalOperand=false
# A module's attributes have no types, and these tests look into many.
import module_zoo as zoo
import pytest
import torch
import torch_pruning as tp
from torch import nn

from dtc_helpers.any_network.group_sums import group_sums
from dtc_helpers.any_network.tracing import all_groups, traced


def sums_of(network, example, name, **options):
    """Sums of the group whose root, or another producer, has this name."""
    for group in all_groups(traced(network, example), {}):
        sums = group_sums(group, **options)
        if name in sums.producers:
            return sums
    raise AssertionError(f"no group of {name}")


def loop_makes(layer):
    """Sum of the weights that make each channel, one weight at a time."""
    weight, n_groups = layer.weight.detach().double(), getattr(layer, "groups", 1)
    total = torch.zeros(getattr(layer, "out_channels", weight.shape[0]), dtype=torch.float64)
    for index in torch.cartesian_prod(*(torch.arange(size) for size in weight.shape)).tolist():
        i, j = index[:2]
        if getattr(layer, "transposed", False):  # weight[i] of input i, whose group has outputs of its own
            group = i // (layer.in_channels // n_groups)
            total[group * (layer.out_channels // n_groups) + j] += weight[tuple(index)]
        else:
            total[i] += weight[tuple(index)]
    return total


def loop_reads(layer):
    """Sum of the weights that read each channel, one weight at a time."""
    weight, n_groups = layer.weight.detach().double(), getattr(layer, "groups", 1)
    total = torch.zeros(getattr(layer, "in_channels", weight.shape[1]), dtype=torch.float64)
    for index in torch.cartesian_prod(*(torch.arange(size) for size in weight.shape)).tolist():
        i, j = index[:2]
        if getattr(layer, "transposed", False):
            total[i] += weight[tuple(index)]
        else:
            group = i // (weight.shape[0] // n_groups)
            total[group * (len(total) // n_groups) + j] += weight[tuple(index)]
    return total


def assert_sums(sums, incoming, outgoing):
    torch.testing.assert_close(sums.incoming, incoming, rtol=0, atol=1e-5)
    torch.testing.assert_close(sums.outgoing, outgoing, rtol=0, atol=1e-5)


def test_perceptron_has_the_sums_of_its_two_matrices():
    network = zoo.mlp()
    assert_sums(sums_of(network, zoo.vectors(), "0"), loop_makes(network[0]), loop_reads(network[2]))


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("kind", [nn.Conv2d, nn.ConvTranspose2d])
def test_kernels_are_summed_and_groups_read_only_their_own(kind, groups):
    network = nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), kind(6, 4, 2, groups=groups), nn.ReLU(), nn.Conv2d(4, 2, 3))
    first, middle, last = network[0], network[2], network[4]
    assert_sums(sums_of(network, zoo.images(), "0"), loop_makes(first), loop_reads(middle))
    assert_sums(sums_of(network, zoo.images(), "2"), loop_makes(middle), loop_reads(last))


def test_grouped_convolution_has_the_sums_of_its_dense_twin():
    grouped, dense = nn.Conv2d(6, 4, 3, groups=2), nn.Conv2d(6, 4, 3)
    with torch.no_grad():
        dense.weight.zero_()
        for g in range(2):
            dense.weight[2 * g : 2 * g + 2, 3 * g : 3 * g + 3] = grouped.weight[2 * g : 2 * g + 2]
    first, last = nn.Conv2d(1, 6, 3), nn.Conv2d(4, 2, 3)
    mine, twin = (nn.Sequential(first, nn.ReLU(), each, nn.ReLU(), last) for each in (grouped, dense))
    for name in ("0", "2"):
        a, b = (sums_of(network, zoo.images(), name) for network in (mine, twin))
        assert_sums(a, b.incoming, b.outgoing)


def test_all_columns_of_a_flattened_channel_read_it():
    network = zoo.lenet()
    columns = network[6].weight.detach().double().sum(0)  # 8 channels of 9 pixels
    by_hand = torch.stack([columns[9 * channel : 9 * channel + 9].sum() for channel in range(8)])
    assert_sums(sums_of(network, zoo.images(), "3"), loop_makes(network[3]), by_hand)


def test_members_of_a_residual_group_add():
    network = zoo.resnet()
    sums = sums_of(network, zoo.images(), "conv0")
    assert (set(sums.producers), set(sums.consumers)) == ({"conv0", "conv2"}, {"conv1", "conv3", "short"})
    made = loop_makes(network.conv0) + loop_makes(network.conv2)
    assert_sums(sums, made, loop_reads(network.conv1) + loop_reads(network.conv3) + loop_reads(network.short))


def test_channels_that_are_concatenated_keep_their_own_columns():
    network = zoo.dense()
    columns = loop_reads(network.c)[5:] + loop_reads(network.out)[5:9]
    assert_sums(sums_of(network, zoo.images(), "b"), loop_makes(network.b), columns)


def test_depthwise_weights_norms_and_biases_are_no_weights_between_channels():
    network = zoo.depthwise()
    assert_sums(sums_of(network, zoo.images(), "0"), loop_makes(network[0]), loop_reads(network[5]))


def test_layer_that_is_used_twice_makes_and_reads():
    network = zoo.reused()
    made = loop_makes(network.a) + loop_makes(network.twice)
    assert_sums(sums_of(network, zoo.vectors(), "a"), made, loop_reads(network.twice) + loop_reads(network.out))


def test_power_of_two_sums_squares():
    network = zoo.mlp()
    sums = sums_of(network, zoo.vectors(), "0", power=2)
    assert_sums(
        sums, network[0].weight.detach().square().sum(1).double(), network[2].weight.detach().square().sum(0).double()
    )


def test_attention_reads_by_its_inner_projections_and_makes_by_the_outer():
    network = zoo.Named(
        lambda net, x: net.out(net.attention(*[torch.relu(net.into(x))] * 3, need_weights=False)[0].mean(1)),
        into=nn.Linear(8, 8), attention=nn.MultiheadAttention(8, 2, batch_first=True), out=nn.Linear(8, 3),
    )  # fmt: skip
    sums, attention = sums_of(network, zoo.sequences(), "into"), network.attention
    made = loop_makes(network.into) + attention.out_proj.weight.detach().double().sum(1)
    assert_sums(sums, made, attention.in_proj_weight.detach().double().sum(0) + loop_reads(network.out))


def test_group_of_some_channels_has_their_sums_alone():
    network, some = zoo.lenet(), [5, 1, 2]
    graph = traced(network, zoo.images())
    group = graph.get_pruning_group(graph.model[3], tp.prune_conv_out_channels, some)
    whole = sums_of(network, zoo.images(), "3")
    assert_sums(group_sums(group), whole.incoming[some], whole.outgoing[some])
