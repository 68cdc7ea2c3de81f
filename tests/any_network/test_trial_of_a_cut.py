# pyright: reportAttributeAccessIssue=false, reportIndexIssue=false, reportCallIssue=false, reportArgumentType=false
# pyright: reportOptionalMemberAccess=false, reportOptionalSubscript=false, reportOptionalOperand=false
# A module's attributes have no types, and these tests look into many.
import copy

import module_zoo as zoo
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune, spectral_norm, weight_norm

from dtc_helpers.any_network import trial
from dtc_helpers.any_network.choosing import channels_to_cut
from dtc_helpers.any_network.graph import Limits, prunable
from dtc_helpers.any_network.importance import RandomImportance
from dtc_helpers.any_network.transcript import make, transcript
from dtc_helpers.any_network.trial import TOLERANCE, check_on_copies, tried
from dtc_helpers.any_network.troubles import CutRefusedError, check_network
from dtc_helpers.surgery import n_keep

OUTPUT = "its channels are the output of the network"
FUNCTIONAL = "functional weights: parameters that are used without a layer"
UNREACHED = "the trace does not reach it: the answer to the examples does not depend on it"
GROUPED_QUERIES = "columns that do not lead back to single channels, as in grouped-query attention"
ATTENTION = "MultiheadAttention: its channels cannot be cut"
PARAMETRISED = "has a parametrisation: remove it first"
REMOVE_NORM = r"0 has weight_g and weight_v in place of its weights: remove that first \(torch.nn.utils.remove"
TOGETHER = r"fc: its channel 0 goes with others of it, .*protect=\['fc'\]"
WHOLE_HEADS = Limits(heads={"attention": "n_heads"})
HEAD_WIDTHS = Limits(head_widths={"attention": "head_width"})


def averages(norm):
    return f"its channels go through {norm}, which averages over them: a cut would change all others"


def rms_norm():
    return nn.Sequential(nn.Linear(6, 8), nn.RMSNorm(8), nn.Linear(8, 5), nn.ReLU(), nn.Linear(5, 3))


def with_idle_layer():
    layers = {"a": nn.Linear(6, 5), "b": nn.Linear(5, 3), "idle": nn.Linear(6, 4)}
    return zoo.Named(lambda net, x: net.b(torch.relu(net.a(x))), **layers)


def parametrised(name):
    network = zoo.mlp()
    change = parametrizations.weight_norm if name == "0" else parametrizations.spectral_norm
    network[int(name)] = change(network[int(name)])
    return network


def limits_of(name):
    return WHOLE_HEADS if name == "vit" else Limits()


def attempt(network, example, limits=None, keep_fraction=0.6):
    """What was found, and the attempt at a random cut."""
    limits = limits or Limits()
    found = prunable(network, example, limits)
    gone = channels_to_cut(found, importance=RandomImportance(1), keep_fraction=keep_fraction)
    return found, tried(network, example, found, gone, limits)


def state(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def reasons(network, example, limits=None):
    return {each.layer: each.reason for each in prunable(network, example, limits or Limits()).left_alone}


def layers_cut(network, example, limits=None):
    return {name for made in prunable(network, example, limits or Limits()).groups for name in made.layers}


# ------------------------------------------------------------------------------------- masked = cut


@pytest.mark.parametrize("name", zoo.CUT_RIGHT)
def test_network_of_zeros_and_cut_network_agree_and_the_cut_is_no_trifle(name):
    make_network, examples = zoo.CUT_RIGHT[name]
    network, example = make_network().eval(), examples()
    with torch.no_grad():
        whole = network(example)
        _, made = attempt(network, example, limits_of(name))
        masked = hand_masked(network, made.transcript.kept, example)
        make(network, made.transcript)
        cut = network(example)
    assert made.difference <= TOLERANCE
    assert (whole - cut).abs().max() > 1e-3
    if masked is not None:
        torch.testing.assert_close(masked, cut, rtol=0, atol=1e-5)


def hand_masked(network, kept, example):
    """Answer of a network whose layers give zeros for the channels that go: a mask after the fact, without any graph.

    Norms and depthwise layers come after and would make something of the zeros: only for networks without.
    """
    layers = dict(network.named_modules())
    if any(isinstance(layer, (nn.modules.batchnorm._BatchNorm, nn.MultiheadAttention)) for layer in layers.values()):
        return None
    if any(getattr(layer, "bias", None) is not None and getattr(layer, "groups", 1) > 1 for layer in layers.values()):
        return None
    if "attention" in layers:
        return None

    def silenced(layer, _, output, stays):
        axis = 1 if isinstance(layer, nn.modules.conv._ConvNd) else -1
        mask = torch.zeros(output.shape[axis]).index_fill(0, torch.tensor(stays), 1)
        return output * (mask.view(-1, *[1] * (output.ndim - 2)) if axis == 1 else mask)

    hooks = [
        layers[name].register_forward_hook(lambda layer, _, output, stays=stays: silenced(layer, _, output, stays))
        for name, stays in kept.items()
    ]
    answer = network(example)
    for hook in hooks:
        hook.remove()
    return answer


@pytest.mark.parametrize("name", zoo.CUT_RIGHT)
def test_as_many_units_stay_as_the_paper_keeps(name):
    make_network, examples = zoo.CUT_RIGHT[name]
    network = make_network()
    found, made = attempt(network, examples(), limits_of(name))
    for group in found.groups:
        n_left = n_keep(len(group.units), 0.6) * group.units.shape[1]
        assert {len(made.transcript.kept[layer]) for layer in group.layers} == {n_left}


@pytest.mark.parametrize("name", zoo.CUT_RIGHT)
def test_kept_channels_are_those_whose_biases_are_left(name):
    """The ledger says what was done, not what was asked for."""
    make_network, examples = zoo.CUT_RIGHT[name]
    network, before = make_network(), {}
    for layer, module in network.named_modules():
        if getattr(module, "bias", None) is not None:
            module.bias.data = torch.arange(len(module.bias)).float()
            before[layer] = module
    _, made = attempt(network, examples(), limits_of(name))
    make(network, made.transcript)
    for layer, channels in made.transcript.kept.items():
        assert before[layer].bias.tolist() == channels


def test_channels_of_all_convolution_groups_go_together():
    network = zoo.resnet(groups=4)
    found, made = attempt(network, zoo.images())
    (group,) = [each for each in found.groups if "conv0" in each.layers]
    assert group.units.tolist() == [[0, 2, 4, 6], [1, 3, 5, 7]]
    assert made.transcript.attributes["conv1"]["in_channels"] == 4


def test_whole_heads_go_and_the_module_is_told():
    network, example = zoo.vit(), zoo.sequences()
    found, made = attempt(network, example, WHOLE_HEADS)
    (group,) = [each for each in found.groups if each.attention]
    assert set(group.layers) == {"attention.q", "attention.k", "attention.v"}
    assert group.units.tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]
    make(network, made.transcript)
    assert (network.attention.n_heads, network.attention.head_width) == (2, 2)
    assert network.attention.q.out_features == network.attention.o.in_features == 4


def test_heads_become_narrower_together_where_the_scale_is_kept():
    """The same dimensions go from queries, keys, values and output of every head."""
    network, example = zoo.vit(n_heads=2, keeps_scale=True), zoo.sequences()
    found, made = attempt(network, example, HEAD_WIDTHS)
    (group,) = [each for each in found.groups if each.attention]
    assert group.units.tolist() == [[0, 4], [1, 5], [2, 6], [3, 7]]
    assert made.difference <= TOLERANCE
    make(network, made.transcript)
    assert (network.attention.n_heads, network.attention.head_width) == (2, 2)
    assert network.attention.q.out_features == network.attention.o.in_features == 4


@pytest.mark.parametrize("n_heads", [0, 3, -4])
def test_number_of_heads_that_does_not_divide_the_channels_is_refused(n_heads):
    network = zoo.vit()
    network.attention.number = n_heads
    message = rf"attention\.number = {n_heads}: expected a number that divides the 8 channels of attention\.\w$"
    with pytest.raises(ValueError, match=message):
        layers_cut(network, zoo.sequences(), Limits(heads={"attention": "number"}))


def test_number_of_heads_may_be_one_of_numpy():
    network = zoo.vit()
    network.attention.n_heads = np.int64(4)
    WHOLE_HEADS.check(network)
    assert attempt(network, zoo.sequences(), WHOLE_HEADS)[1].transcript.attributes["attention"] == {"n_heads": 2}


def test_narrower_heads_are_refused_where_the_scale_is_computed_from_their_width():
    with pytest.raises(CutRefusedError, match=r"attention\.\w: the cut network and the masked one differ by"):
        attempt(zoo.vit(n_heads=2), zoo.sequences(), HEAD_WIDTHS)


# ------------------------------------------------------------------------------------- left alone, and why


@pytest.mark.parametrize(
    ("network", "example", "layer", "reason"),
    [
        (zoo.mlp(), zoo.vectors(), "2", OUTPUT),
        (zoo.mlp(hidden=(1, 5)), zoo.vectors(), "0", "1 channel or head: the last one cannot go"),
        (zoo.recurrent(nn.LSTM), zoo.sequences(), "memory", "LSTM: its channels cannot be cut"),
        (zoo.recurrent(nn.LSTM), zoo.sequences(), "into", "its channels go through an LSTM, which cannot be cut"),
        (zoo.recurrent(nn.GRU), zoo.sequences(), "memory", "GRU: its channels cannot be cut"),
        (zoo.recurrent(nn.GRU), zoo.sequences(), "into", "its channels go through a GRU, which cannot be cut"),
        (zoo.recurrent(nn.RNN), zoo.sequences(), "into", "its channels go through an RNN, which cannot be cut"),
        (zoo.Raw(), zoo.vectors(), "Raw", FUNCTIONAL),
        (zoo.GroupedQueries(), zoo.sequences(), "k", GROUPED_QUERIES),
        (zoo.vit(), zoo.sequences(), "embed", averages("LayerNorm")),
        (zoo.group_norm(), zoo.images(), "0", averages("GroupNorm")),
        (rms_norm(), zoo.vectors(), "0", averages("RMSNorm")),
        (nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), zoo.sequences(), "self_attn", ATTENTION),
        (with_idle_layer(), zoo.vectors(), "idle", UNREACHED),
        (zoo.functional_tie(), zoo.vectors(), "encode", OUTPUT),
    ],
)  # fmt: skip
def test_layer_that_is_left_alone_is_reported_with_the_reason(network, example, layer, reason):
    limits = WHOLE_HEADS if isinstance(network, zoo.Named) and "attention" in network._modules else Limits()
    assert reasons(network, example, limits)[layer] == reason
    before = state(network)
    _, made = attempt(network, example, limits)
    assert made.difference <= TOLERANCE
    assert layer not in made.transcript.kept
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize("name", [*zoo.CUT_RIGHT, "lstm", "raw", "gqa"])
def test_every_layer_with_weights_is_cut_or_reported(name):
    others = {
        "lstm": (lambda: zoo.recurrent(nn.LSTM), zoo.sequences),
        "raw": (zoo.Raw, zoo.vectors),
        "gqa": (zoo.GroupedQueries, zoo.sequences),
    }
    make_network, examples = {**zoo.CUT_RIGHT, **others}[name]
    network = make_network()
    told = layers_cut(network, examples(), limits_of(name)) | set(reasons(network, examples(), limits_of(name)))
    weighted = (nn.Linear, nn.modules.conv._ConvNd, nn.RNNBase)
    inside = {"self_attn.out_proj"}  # part of an attention that is reported
    depthwise = {name for name, layer in network.named_modules() if getattr(layer, "groups", 1) == 8}
    assert {name for name, layer in network.named_modules() if isinstance(layer, weighted)} - inside - depthwise <= told


def test_layers_and_modules_are_protected_by_name():
    network, example = zoo.vit(), zoo.sequences()
    assert layers_cut(network, example, Limits(protect=["attention", "up"])) == set()
    assert reasons(network, example, Limits(protect=["attention", "up"]))["attention.q"] == "protected by you"
    with pytest.raises(ValueError, match=r"the network has no module attentoin"):
        Limits(protect=["attentoin"]).check(network)
    for empty in ("inner", ""):
        with pytest.raises(
            ValueError, match=rf"protect = \['{empty}'\]: no layer with channels is in it\. Expected names"
        ):
            Limits(protect=["head", empty]).check(zoo.Named(None, head=nn.PReLU(), inner=nn.Sequential(nn.ReLU())))
    for layer in (nn.InstanceNorm2d(3), nn.LSTM(3, 3)):
        Limits(protect=["layer"]).check(zoo.Named(None, layer=layer))
    with pytest.raises(ValueError, match=r"attention.heads = None: expected the number of heads"):
        Limits(heads={"attention": "heads"}).check(network)
    with pytest.raises(ValueError, match=r"attention.width = None: expected the width of a head"):
        Limits(head_widths={"attention": "width"}).check(network)
    with pytest.raises(ValueError, match=r"attention: expected whole heads or their widths to go, not both"):
        Limits(heads={"attention": "n_heads"}, head_widths={"attention": "head_width"}).check(network)


@pytest.mark.parametrize("layer", ["1", "2", "3"])
def test_protected_layer_between_keeps_its_channels(layer):
    """Batch norm, PReLU and depthwise convolution make no channels, but have one of each."""
    network, example = zoo.depthwise(), zoo.images()
    assert layers_cut(network, example) == {"0", "5"}
    limits = Limits(protect=[layer])
    assert layers_cut(network, example, limits) == {"5"}
    assert reasons(network, example, limits)["0"] == "protected by you"
    assert layers_cut(network, example, Limits(protect=["5"])) == {"0"}  # it reads those of "0"


def test_protected_rms_norm_keeps_its_channels():
    """Its weight is a parameter without a layer for Torch-Pruning."""
    limits = Limits(protect=["1"], cut_norm_coupled=True)
    assert layers_cut(rms_norm(), zoo.vectors(), limits) == {"2"}
    assert reasons(rms_norm(), zoo.vectors(), limits)["0"] == "protected by you"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"protect": "10"}, r"protect = '10': expected a list of names of layers or modules: protect=\['10'\]"),
        ({"protect": None}, r"protect = None: expected a list of names of layers or modules: protect=\['head'\]"),
        ({"protect": [3]}, r"protect = \[3\]: expected a list of names"),
        ({"narrowest": "4"}, "narrowest = '4': expected int, got str"),
        ({"narrowest": None}, "narrowest = None: expected int, got NoneType"),
        ({"narrowest": 2.5}, "narrowest = 2.5: expected int, got float"),
        ({"narrowest": -1}, "narrowest = -1 is outside 0"),
        ({"heads": ["attention"]}, r"heads = \['attention'\]: expected"),
        ({"cut_norm_coupled": "no"}, "cut_norm_coupled = 'no': expected bool, got str"),
    ],
)
def test_limits_that_cannot_be_are_refused_in_words(wrong, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Limits(**wrong)


@pytest.mark.parametrize("names", [(), [], ("0",), ["0"]])
def test_names_to_protect_come_as_a_list_or_a_tuple(names):
    assert Limits(protect=names) == Limits(protect=tuple(names))


def test_narrow_layers_are_spared():
    assert layers_cut(zoo.lenet(), zoo.images(), Limits(narrowest=6)) == {"3", "6"}
    assert reasons(zoo.lenet(), zoo.images(), Limits(narrowest=6))["0"] == "6 channels: layers of at most 6 are spared"


def test_channels_through_a_norm_are_cut_on_request():
    network, example = zoo.group_norm(), zoo.images()
    found, made = attempt(network, example, Limits(cut_norm_coupled=True))
    assert made.difference > 1e-3  # the norm averages over fewer
    assert [each.norm_coupled for each in found.groups] == [True, False]
    make(network, made.transcript)
    assert (network[1].num_channels, network[0].out_channels) == (4, 4)
    assert network(example).isfinite().all()


def test_fault_beside_a_norm_is_not_hidden_by_it():
    def forward(net, x):
        return net.out(torch.relu(net.conv(net.norm(net.first(x)))).permute(0, 2, 3, 1).flatten(1))

    layers = {"first": nn.Conv2d(1, 4, 1), "norm": nn.GroupNorm(2, 4), "conv": nn.Conv2d(4, 6, 3)}
    network = zoo.Named(forward, **layers, out=nn.Linear(600, 3))
    with pytest.raises(CutRefusedError, match=r"conv: the cut network and the masked one differ by"):
        attempt(network, zoo.images(), Limits(cut_norm_coupled=True))


# ------------------------------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("network", "example", "message"),
    [
        (zoo.tied(), zoo.vectors(), r"0\.weight and 2\.weight are one tensor: a cut would untie them"),
        (zoo.channels_last(), zoo.images(), r"conv: the cut network and the masked one differ by \d[.\d]* on your"),
        (zoo.Positions(), zoo.sequences(), r"embed: it meets the raw parameter position, and which of its axes"),
        (zoo.vit(), zoo.sequences(), r"attention\.\w: the cut network does not work \(RuntimeError: shape"),
        (parametrised("0"), zoo.vectors(), f"0 {PARAMETRISED}"),
        (parametrised("2"), zoo.vectors(), f"2 {PARAMETRISED}"),
        (zoo.gated(zoo.halves), zoo.vectors(), TOGETHER),
        (zoo.gated(zoo.odd_and_even), zoo.vectors(), TOGETHER),
        (zoo.gated(lambda y: y.split([3, 14, 3], 1)[::2]), zoo.vectors(), TOGETHER),
    ],
)  # fmt: skip
def test_cut_that_would_be_wrong_is_refused_and_nothing_is_changed(network, example, message):
    before = state(network)
    with pytest.raises(CutRefusedError, match=message) as caught:
        attempt(network, example)
    after = network.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(before[name], after[name]) for name in before)
    protected = Limits(protect=list(caught.value.reasons))
    assert not layers_cut(network, example, protected) & set(caught.value.reasons)


@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (weight_norm, REMOVE_NORM),
        (spectral_norm, "0 has weight_orig in place of its weights"),
        (lambda layer: prune.l1_unstructured(layer, "weight", 0.5), r"0 has weight_orig .*prune\.remove\(layer"),
        (lambda layer: prune.l1_unstructured(layer, "bias", 0.5), r"0 has bias_orig"),
        (torch.compile, "0 is a wrapper, OptimizedModule: give the network in it"),
        (nn.DataParallel, "0 is a wrapper, DataParallel"),
    ],
)  # fmt: skip
def test_wrapped_and_reparametrised_networks_are_refused_with_advice(change, message):
    network = nn.Sequential(change(nn.Linear(6, 8)), nn.ReLU(), nn.Linear(8, 3))
    with pytest.raises(ValueError, match=message):
        check_network(network)


def test_answer_that_is_not_finite_is_no_agreement():
    network = zoo.mlp()
    network[2].bias.data[0] = torch.nan
    with pytest.raises(CutRefusedError, match="differ by inf"):
        attempt(network, zoo.vectors())


@pytest.mark.parametrize(
    "answer", [lambda y: (y, None), lambda y: (y, 3), lambda y: {"y": y, "loss": 1.5}, lambda y: (y.argmax(1), y)]
)
def test_only_the_tensors_of_an_answer_count(answer):
    assert set(attempt(answering(answer), zoo.vectors())[1].transcript.kept) == {"a"}


def answering(answer):
    return zoo.Named(lambda net, x: answer(net.b(torch.relu(net.a(x)))), a=nn.Linear(6, 8), b=nn.Linear(8, 3))


def test_infinities_of_a_mask_do_not_differ():
    network = answering(lambda y: y.masked_fill(torch.tensor([True, False, False]), -torch.inf))
    assert attempt(network, zoo.vectors())[1].difference <= TOLERANCE


def test_answers_of_the_uncut_network_that_are_not_finite_are_called_its_own():
    message = r"Named: .* differ by inf on your examples: already the answers of the uncut network are not finite\.$"
    with pytest.raises(CutRefusedError, match=message):
        attempt(answering(lambda y: y * torch.nan), zoo.vectors())


@pytest.mark.parametrize(
    ("bias", "head", "example"), [(False, 1, torch.zeros(2, 1, 12, 12)), (True, 0, zoo.images())], ids=["zeros", "head"]
)
def test_wrong_cut_is_found_where_the_examples_do_not_show_it(bias, head, example):
    network = zoo.channels_last()
    network.conv = nn.Conv2d(1, 6, 3, bias=bias)
    for parameter in network.out.parameters():
        parameter.data *= head
    with pytest.raises(CutRefusedError, match=r"conv: the cut network and the masked one differ by \d[.\d]* on your"):
        attempt(network, example)


@pytest.mark.parametrize("name", [name for name in zoo.CUT_RIGHT if "resnet" not in name])
def test_right_cut_is_made_where_all_channels_are_dead_or_the_head_is_zero(name):
    make_network, examples = zoo.CUT_RIGHT[name]
    network = make_network()
    for layer in network.modules():
        if isinstance(layer, (nn.Linear, nn.modules.conv._ConvNd)):
            layer.bias.data -= 50
    assert attempt(network, examples(), limits_of(name))[1].difference <= TOLERANCE
    *_, last = (layer for layer in network.modules() if isinstance(layer, (nn.Linear, nn.modules.conv._ConvNd)))
    for parameter in last.parameters():
        parameter.data.zero_()
    assert attempt(network, examples(), limits_of(name))[1].difference <= TOLERANCE


def test_network_that_takes_no_random_numbers_is_tried_with_random_weights():
    def forward(net, x):
        assert x.min() > 0
        return net.b(torch.relu(net.a(x.log())))

    network = zoo.Named(forward, a=nn.Linear(6, 8), b=nn.Linear(8, 3))
    network.a.bias.data.fill_(-1e3)
    assert attempt(network, zoo.vectors().exp())[1].difference <= TOLERANCE


def positive(x):
    assert x.min() > 0
    return x


@pytest.mark.parametrize("domain", [positive, torch.sqrt])
def test_layers_that_no_answer_depends_on_are_refused_for_want_of_examples(domain):
    layers = {"a": nn.Linear(6, 8), "b": nn.Linear(8, 3)}
    network = zoo.Named(lambda net, x: 0 * net.b(torch.relu(net.a(domain(x)))), **layers)
    with pytest.raises(CutRefusedError, match="a: zeroing what goes changes no answer on these examples: give real"):
        attempt(network, zoo.vectors().exp())


def test_nothing_but_channels_through_a_norm_may_be_cut():
    limits = Limits(cut_norm_coupled=True, protect=["3"])
    assert set(attempt(zoo.group_norm(), zoo.images(), limits)[1].transcript.kept) == {"0"}


def with_branch(branch):
    """Second answer in training only, which the trace does not see."""

    def forward(net, x):
        hidden = torch.relu(net.a(x))
        return (net.b(hidden), branch(net, hidden)) if net.training else net.b(hidden)

    layers = {"a": nn.Linear(6, 8), "b": nn.Linear(8, 3), "aux": nn.Linear(8, 2), "norm": nn.BatchNorm1d(3)}
    return zoo.Named(forward, **layers)


def test_branch_that_runs_in_training_only_is_refused():
    network = with_branch(lambda net, hidden: net.aux(hidden)).eval()
    message = (
        r"a: in train\(\) the cut network does not work \(RuntimeError: mat1 and mat2 .*\)\. The trace does not "
        r"reach aux: if they run in training only, drop them, or protect the layer before.*protect=\['a'\]"
    )
    with pytest.raises(CutRefusedError, match=message):
        attempt(network, zoo.vectors())
    assert not network.training


def test_network_that_does_not_work_in_training_is_cut_for_all_that():
    network = with_branch(lambda net, hidden: net.norm(net.b(hidden)))
    assert attempt(network, zoo.vectors(n=1))[1].difference <= TOLERANCE  # batch norm refuses a single value
    assert network.norm.num_batches_tracked == 0


def test_answers_in_structures_are_compared_and_a_hidden_one_of_another_width_is_no_agreement():
    def forward(net, x):
        hidden = torch.relu(net.a(x))
        return {"out": (net.b(hidden),), "hidden": [hidden] if net.shown else []}

    network = zoo.Named(forward, a=nn.Linear(6, 8), b=nn.Linear(8, 3))
    network.shown = False
    assert attempt(network, zoo.vectors())[1].difference <= TOLERANCE
    network.shown = True
    with pytest.raises(CutRefusedError, match=r"a: .* differ by inf"):
        attempt(network, zoo.vectors())


def test_two_faults_that_are_only_wrong_together_are_refused_too(monkeypatch):
    network, example = zoo.mlp(hidden=(8, 7)), zoo.vectors()

    def both_wrong(network, script, example_inputs):
        return 1.0 if len(script.kept) == 2 else 0.0

    monkeypatch.setattr(trial, "check_on_copies", both_wrong)
    with pytest.raises(CutRefusedError, match=r"together: the cut network .* differ by 1 on your examples\.$"):
        attempt(network, example)


def test_network_that_cannot_be_traced_is_said_with_the_place():
    message = (
        r"Named: Torch-Pruning cannot trace this network \(ZeroDivisionError: .*\) at _Reshape_\d+\(\), after the "
        r"layer [abcd]\. Channel shuffles in a row, for example, cannot be traced: give a network, or a part of one, w"
    )
    with pytest.raises(CutRefusedError, match=message):
        attempt(zoo.shuffled(), zoo.images())


def test_error_of_the_network_itself_comes_as_it_is():
    with pytest.raises(RuntimeError, match="mat1 and mat2 shapes cannot be multiplied"):
        attempt(zoo.mlp(), zoo.vectors(size=5))


# ------------------------------------------------------------------------------------- what stays as it was


def test_trace_and_trial_leave_the_network_as_it_was():
    network = zoo.resnet()
    network.bn0.eval()
    network.conv3.weight.requires_grad_(False)
    network(zoo.images()).sum().backward()
    before, grads = state(network), {name: p.grad for name, p in network.named_parameters()}
    modes = {name: module.training for name, module in network.named_modules()}
    rng = torch.get_rng_state()
    attempt(network, zoo.images())
    assert {name: module.training for name, module in network.named_modules()} == modes
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert all(parameter.grad is grads[name] for name, parameter in network.named_parameters())
    assert not network.conv3.weight.requires_grad
    assert torch.equal(torch.get_rng_state(), rng)


def test_all_frozen_first_layer_is_cut_and_stays_frozen():
    network = zoo.lenet()
    network[0].requires_grad_(False)
    with torch.no_grad():
        _, made = attempt(network, zoo.images())
        make(network, made.transcript)
    assert network[0].out_channels == 3
    assert not network[0].weight.requires_grad
    assert network[3].weight.requires_grad


def test_parameters_stay_the_same_objects_with_hooks_gradients_and_attributes():
    network, example, called = zoo.lenet(), zoo.images(), []
    network[3].register_forward_hook(lambda *_: called.append("module"))
    network[3].weight.register_hook(lambda grad: called.append(tuple(grad.shape)))
    network[3].weight.mine = "attribute"
    loss = network(example).sum()
    loss.backward()
    ids, old = [id(p) for p in network.parameters()], copy.deepcopy(network)
    grad, script = network[3].weight.grad.clone(), attempt(network, example)[1].transcript
    make(network, script)
    stay = [script.kept["3"], script.kept["0"]]
    assert [id(p) for p in network.parameters()] == ids
    assert torch.equal(network[3].weight, old[3].weight[stay[0]][:, stay[1]])
    assert torch.equal(network[3].weight.grad, grad[stay[0]][:, stay[1]])
    assert network[3].weight.mine == "attribute"
    called.clear()
    network(example).sum().backward()  # the loss of before is still held: autograd must not expect the old shapes
    assert called == ["module", (5, 3, 3, 3)]
    assert loss.isfinite()


def test_parameters_of_double_precision_are_cut_alike():
    network, example = zoo.lenet().double(), zoo.images().double()
    loss = network(example).sum()
    make(network, attempt(network, example)[1].transcript)
    network(example).sum().backward()
    assert {p.dtype for p in network.parameters()} == {torch.float64}
    assert loss.isfinite()


def test_zero_for_what_goes_is_what_the_check_compares_with():
    network, example = zoo.mlp(), zoo.vectors()
    script = transcript(prunable(network, example, Limits()), {"0": torch.tensor([0, 3])})
    assert check_on_copies(network, script, example) <= TOLERANCE
    script.places["2.weight"] = script.places["2.weight"].roll(1, 1)  # columns of the neighbours
    assert check_on_copies(network, script, example) > 1e-3


@pytest.mark.parametrize("scale", [1e-30, 1e-4, 1.0, 1e6])
def test_difference_is_relative_to_the_answers_however_small_they_are(scale):
    network = zoo.channels_last()
    network.out.weight.data *= scale
    network.out.bias.data *= scale
    with pytest.raises(CutRefusedError, match=r"conv: the cut network and the masked one differ by \d[.\d]* on your"):
        attempt(network, zoo.images())
    right = zoo.lenet()
    right[8].weight.data *= scale
    assert attempt(right, zoo.images())[1].difference <= TOLERANCE


def test_answers_that_vanish_do_not_differ():
    network = zoo.mlp(bias=False)
    network[2].weight.data.zero_()
    assert attempt(network, zoo.vectors())[1].difference == 0


def test_answers_that_vanish_without_what_goes_are_compared_with_those_of_before():
    """What is left cancels but for rounding, which is no difference beside what there was."""
    one, tiny = torch.tensor([[1.0]]), torch.tensor([[1e-12]])
    assert trial._difference(tiny, -tiny, one) <= TOLERANCE
    assert trial._difference(one, -one, tiny) > 1
    assert trial._difference(one, one, torch.inf * one) == torch.inf


def test_examples_come_as_a_tensor_as_arguments_or_by_name():
    def forward(net, x, scale):
        return net.b(torch.relu(net.a(x))) * scale

    network = zoo.Named(forward, a=nn.Linear(6, 8), b=nn.Linear(8, 3))
    assert attempt(network, (zoo.vectors(), torch.tensor(2.0)))[1].difference <= TOLERANCE
    network.forward = lambda x, scale: forward(network, x, scale)
    assert trial.called(network, {"x": zoo.vectors(), "scale": torch.tensor(2.0)}).shape == (4, 3)


def test_buffer_that_two_modules_hold_is_cut_in_both():
    def forward(net, x):
        made = net.a(x)
        return net.out(torch.relu(net.first(made) + net.second(made)))

    norms = {name: nn.BatchNorm1d(8) for name in ("first", "second")}
    network = zoo.Named(forward, a=nn.Linear(6, 8), **norms, out=nn.Linear(8, 3))
    network.second.running_mean = network.first.running_mean
    assert attempt(network, zoo.vectors())[1].difference <= TOLERANCE


def test_sparse_buffer_that_no_cut_touches_stays():
    def forward(net, x):
        return net.b(torch.sparse.mm(net.mixes, torch.relu(net.a(x))))

    network = zoo.Named(forward, a=nn.Linear(6, 8), b=nn.Linear(8, 3))
    network.register_buffer("mixes", torch.eye(len(zoo.vectors())).to_sparse())
    assert attempt(network, zoo.vectors())[1].difference <= TOLERANCE


def test_one_example_is_not_taken_apart():
    _, made = attempt(zoo.conv1d(), zoo.images(n=1)[:, :, 0])
    assert made.difference <= TOLERANCE


def test_importance_that_gives_nothing_is_said():
    network = zoo.mlp()
    found = prunable(network, zoo.vectors(), Limits())
    with pytest.raises(RuntimeError, match="0: the importance gave no number for each of 9 channels"):
        channels_to_cut(found, importance=lambda _: None, keep_fraction=0.5)
