# pyright: reportAttributeAccessIssue=false, reportIndexIssue=false, reportCallIssue=false, reportArgumentType=false
# pyright: reportOptionalMemberAccess=false, reportOptionalSubscript=false, reportOptionalOperand=false
# A module's attributes have no types, and these tests look into many.
import copy
from dataclasses import replace

import module_zoo as zoo
import numpy as np
import pytest
import torch
import torch_pruning as tp
from torch import nn, optim
from torch.nn import functional

from dtc_helpers import paths
from dtc_helpers.any_network import compress_train as loop
from dtc_helpers.any_network.checkpoints import Checkpoints, load_network, read_checkpoint, shapes_of
from dtc_helpers.any_network.compress_train import compress_train_module
from dtc_helpers.any_network.graph import Limits
from dtc_helpers.any_network.importance import DTCImportance, RandomImportance, ScoreImportance
from dtc_helpers.any_network.plan import CutPlan
from dtc_helpers.any_network.troubles import CutRefusedError
from dtc_helpers.readings import READINGS
from dtc_helpers.surgery import schedule

LABELS = torch.arange(4) % 3


def train(network, optimizer, batch_numbers):
    """Batches that depend on their numbers only, and dropout, which draws from the global generator."""
    network.train()
    for number in batch_numbers:
        example = zoo.images(seed=number)
        optimizer.zero_grad()
        functional.cross_entropy(functional.dropout(network(example), 0.2), LABELS).backward()
        optimizer.step()


def plan_of(importance=None, **others):
    return CutPlan(
        importance or DTCImportance(seed=1), **{"cuts": 3, "batches_per_cut": 2, "keep_fraction": 0.7, **others}
    )


def run(network, optimizer=None, *, train=train, example=None, **others):
    arguments = {"plan": plan_of(), "example_inputs": zoo.images(), **others}
    optimizer = optimizer or optim.AdamW(network.parameters())
    return compress_train_module(network, train, optimizer=optimizer, **arguments)


def same(a, b):
    return len(a) == len(b) and all(torch.equal(x, y) for x, y in zip(a.values(), b.values(), strict=True))


# ---------------------------------------------------------------------------------------------- the loop


def test_widths_follow_the_schedule_of_the_paper_and_the_ledger_names_original_channels():
    network = zoo.lenet()
    first = copy.deepcopy(network)
    records = list(run(network, optim.SGD(network.parameters(), lr=0.0)))  # nothing learns: weights name the channels
    starts = {"0": 6, "3": 8, "6": 20}
    widths = {name: schedule(n, keep_fraction=0.7, stop_at=1)[:3] for name, n in starts.items()}
    assert [record.widths for record in records] == [{name: w[i] for name, w in widths.items()} for i in range(3)]
    assert [record.cut for record in records] == [1, 2, 3]
    last = records[-1]
    for name, channels in last.ledger.items():
        assert torch.equal(network[int(name)].bias, first[int(name)].bias[list(channels)])
    assert {name: len(channels) for name, channels in last.ledger.items()} == last.widths
    assert last.n_parameters == sum(parameter.numel() for parameter in network.parameters())
    assert {each.layer: each.reason for each in last.left_alone} == {"8": "its channels are the output of the network"}
    assert last.duality_gap is not None
    assert 0 <= last.duality_gap <= 1e-9  # 0 where the proof is exact
    assert last.difference <= 1e-5
    assert min(last.training.wall, last.training.processor, last.compression.wall, last.compression.processor) > 0


def test_records_of_one_run_do_not_change_with_the_next_cut():
    first, *others = records = list(run(zoo.lenet()))
    assert first.widths == {"0": 4, "3": 5, "6": 14}
    assert first.ledger != others[-1].ledger
    assert len({id(record.ledger) for record in records}) == 3


def test_all_groups_are_scored_before_any_is_cut():
    seen = []

    def importance(group):
        seen.append([tuple(parameter.shape) for parameter in group._DG.model.parameters()])
        return torch.arange(len(group[0].idxs))

    list(run(zoo.lenet(), plan=plan_of(importance, cuts=1)))
    assert len(seen) == 1 + 3  # once before the training
    assert seen[1] == seen[2] == seen[3]


@pytest.mark.parametrize(
    "importance",
    [RandomImportance(1), DTCImportance("published", seed=1), tp.importance.GroupMagnitudeImportance(),
     tp.importance.GroupTaylorImportance()],
    ids=["random", "published", "magnitude", "taylor"],
)  # fmt: skip
def test_rivals_cut_as_many_channels_of_the_same_layers(importance):
    widths = [record.widths for record in run(zoo.resnet(groups=2), plan=plan_of(importance))]
    assert widths == [record.widths for record in run(zoo.resnet(groups=2))]


def test_modes_hooks_flags_and_order_stay():
    network, called = zoo.resnet(), []
    network.bn0.eval()
    network.conv0.weight.requires_grad_(False)
    network.conv1.register_forward_hook(lambda *_: called.append(1))
    optimizer = optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.1)
    names, frozen = [name for name, _ in network.named_parameters()], network.conv0.weight.detach().clone()

    def train_quietly(network, optimizer, batch_numbers):
        for _ in batch_numbers:
            optimizer.zero_grad()
            functional.cross_entropy(network(zoo.images()), LABELS).backward()
            optimizer.step()

    (record,) = run(network, optimizer, train=train_quietly, plan=plan_of(cuts=1))
    assert [name for name, _ in network.named_parameters()] == names
    assert {name: p.requires_grad for name, p in network.named_parameters()} == {n: n != "conv0.weight" for n in names}
    assert torch.equal(network.conv0.weight, frozen[list(record.ledger["conv0"])])
    assert not network.bn0.training
    assert network.bn1.training
    called.clear()
    network(zoo.images())
    assert called == [1]


def test_it_ends_when_nothing_is_left_to_cut():
    records = list(run(zoo.lenet(), plan=plan_of(cuts=30, batches_per_cut=0, keep_fraction=0.3)))
    assert set(records[-1].widths.values()) == {1}
    assert len(records) < 5


def test_weights_that_are_not_finite_are_named_and_not_cut():
    network = zoo.lenet()

    def diverge(network, optimizer, batch_numbers):
        with torch.no_grad():
            network[3].weight[0] = torch.nan

    with pytest.raises(FloatingPointError, match=r"before cut 1: 3\.weight are NaN or infinite after training"):
        list(run(network, train=diverge))
    assert network[3].out_channels == 8


# ------------------------------------------------------------------------------- refused before any work


def never(network, optimizer, batch_numbers):
    raise AssertionError("it was trained")


@pytest.mark.parametrize(
    ("network", "example", "message"),
    [
        (zoo.tied(), zoo.vectors(), "one tensor: a cut would untie them"),
        (zoo.channels_last(), zoo.images(), "differ by"),
        (zoo.vit(), zoo.sequences(), "does not work"),
        (nn.Linear(6, 3), zoo.vectors(), "nothing was cut"),
        (nn.DataParallel(zoo.mlp()), zoo.vectors(), "the network is a wrapper, DataParallel"),
    ],
)
def test_networks_are_refused_before_they_are_trained(network, example, message):
    with pytest.raises(ValueError, match=message):
        list(run(network, train=never, example_inputs=example))


@pytest.mark.parametrize(
    ("network", "limits", "message"),
    [
        (zoo.mlp(), Limits(protect=["0"]), r"nothing was cut\. 0: protected by you; 2: its channels are the output"),
        (zoo.recurrent(nn.LSTM), Limits(protect=["hidden"]), "memory: LSTM: its channels cannot be cut"),
    ],
)
def test_where_nothing_can_be_cut_it_is_not_advised_to_protect_more(network, limits, message):
    example = zoo.vectors() if isinstance(network, nn.Sequential) else zoo.sequences()
    with pytest.raises(CutRefusedError, match=message) as caught:
        run(network, train=never, example_inputs=example, plan=plan_of(limits=limits))
    assert "protect=" not in str(caught.value)


def test_optimizers_typing_errors_and_wrong_numbers_are_refused_before_training():
    network = zoo.lenet()
    with pytest.raises(ValueError, match="LBFGS cannot be carried"):
        run(network, optim.LBFGS(network.parameters()), train=never)
    with pytest.raises(ValueError, match="the network has no module out"):
        run(network, train=never, plan=plan_of(limits=Limits(protect=["out"])))
    for wrong, message in (
        ({"cuts": 0}, "cuts = 0"),
        ({"keep_fraction": 1.0}, "keep_fraction = 1"),
        ({"batches_per_cut": -1}, "batches"),
    ):
        with pytest.raises(ValueError, match=message):
            plan_of(**wrong)


@pytest.mark.parametrize(
    ("importance", "came"),
    [
        (lambda group: np.ones(len(group[0].idxs)), "ndarray"),
        (lambda _: None, "NoneType"),
        (lambda _: torch.ones(2), r"a tensor of shape \(2,\)"),
    ],
)
def test_importance_that_gives_no_number_a_channel_is_refused_before_training(importance, came):
    message = rf"0: the importance gave no number for each of 6 channels, but {came}: expected a tensor of shape \(6,\)"
    with pytest.raises(RuntimeError, match=message):
        run(zoo.lenet(), train=never, plan=plan_of(importance))


@pytest.mark.parametrize(
    ("scores", "came"),
    [
        (lambda group: torch.full((len(group[0].idxs),), torch.nan), "NaN"),
        (lambda group: torch.ones(len(group[0].idxs)) * 1j, "complex numbers"),
    ],
)
def test_scores_without_an_order_are_refused_before_training(scores, came):
    with pytest.raises(
        RuntimeError, match=f"0: the importance gave {came}: expected numbers that can be put in an order"
    ):
        run(zoo.lenet(), train=never, plan=plan_of(scores))


@pytest.mark.parametrize(
    ("importance", "error", "message"),
    [
        (lambda _: 1 / 0, ZeroDivisionError, "division by zero"),
        (never, TypeError, "missing 2 required positional arguments: 'optimizer' and 'batch_numbers'"),
    ],
)
def test_error_of_an_importance_comes_before_training(importance, error, message):
    with pytest.raises(error, match=message):
        run(zoo.lenet(), train=never, plan=plan_of(importance))


def test_importance_that_cannot_be_copied_is_not_tried():
    class Mine:
        def __call__(self, group):
            return torch.arange(len(group[0].idxs))

        def __deepcopy__(self, _):
            raise RuntimeError

    assert len(list(run(zoo.lenet(), plan=plan_of(Mine(), cuts=1)))) == 1


def test_class_in_place_of_an_importance_is_refused():
    with pytest.raises(TypeError, match=r"importance = DTCImportance: expected one that is made, with \(…\) after it"):
        CutPlan(DTCImportance)


def test_tensor_with_its_history_in_a_module_is_named():
    def forward(net, x):
        hidden = torch.relu(net.a(x))
        net.inner.seen = [hidden]
        return net.b(hidden)

    network = zoo.Named(forward, a=nn.Linear(6, 8), b=nn.Linear(8, 3), inner=nn.Identity())

    def train_and_remember(network, optimizer, batch_numbers):
        network(zoo.vectors())

    message = (
        r"cannot be copied: inner\.seen hold what was computed with gradients\. Store it detached, x\.detach\(\), or"
    )
    with pytest.raises(ValueError, match=message):
        list(run(network, train=train_and_remember, example_inputs=zoo.vectors()))
    with pytest.raises(ValueError, match=message):
        list(run(network, train=never, example_inputs=zoo.vectors()))


def test_score_that_gives_no_scores_is_refused_before_training():
    importance = ScoreImportance(lambda layer: layer.incoming_sums, reading=READINGS["described"], seed=1)
    with pytest.raises(TypeError, match=r"the score gave Tensor: expected Scores with values \(1, 6\)"):
        run(zoo.lenet(), train=never, plan=plan_of(importance))


def test_trial_of_the_importance_disturbs_neither_it_nor_any_random_stream():
    class Mine:
        generator, calls, cut = np.random.default_rng(1), [], 7

        def __init__(self):
            self.calls, self.generator = [], np.random.default_rng(1)

        def __call__(self, group):
            self.calls.append(self.cut)
            np.random.rand()
            return torch.rand(len(group[0].idxs)) + float(self.generator.random())

    network, mine, dtc = zoo.lenet(), Mine(), DTCImportance(seed=1)
    states = torch.get_rng_state(), np.random.get_state()[1].tolist(), str(np.random.get_state()[2:])
    for importance in (mine, dtc):
        run(network, train=never, plan=plan_of(importance))
    now = torch.get_rng_state(), np.random.get_state()[1].tolist(), str(np.random.get_state()[2:])
    assert torch.equal(states[0], now[0])
    assert states[1:] == now[1:]
    assert (mine.calls, mine.cut, dtc.cut, dtc.gaps) == ([], 7, 1, {})
    assert mine.generator.random() == np.random.default_rng(1).random()
    assert all(parameter.grad is None for parameter in network.parameters())


def test_importance_may_need_what_only_the_training_gives():
    seen = {}

    def importance(group):
        return seen["scores"][: len(group[0].idxs)]

    def train_and_see(network, optimizer, batch_numbers):
        train(network, optimizer, batch_numbers)
        seen["scores"] = torch.arange(20.0)

    assert len(list(run(zoo.lenet(), train=train_and_see, plan=plan_of(importance, cuts=1)))) == 1


def test_cut_that_turns_out_wrong_while_it_runs_is_not_made(monkeypatch):
    network = zoo.lenet()
    records = run(network)
    next(records)
    shapes, of_trial = [tuple(p.shape) for p in network.parameters()], loop.tried

    def refusing(*arguments):
        raise CutRefusedError({"3": "wrong"})

    monkeypatch.setattr(loop, "tried", refusing)
    with pytest.raises(CutRefusedError, match="3: wrong"):
        next(records)
    assert [tuple(p.shape) for p in network.parameters()] == shapes
    assert of_trial is not refusing


# ------------------------------------------------------------------------------------------- checkpoints


class Killed(Exception):  # noqa: N818
    pass


def with_scheduler(make_network=zoo.resnet):
    torch.manual_seed(5)
    network = make_network()
    optimizer = optim.AdamW(network.parameters(), lr=0.01)
    return network, optimizer, optim.lr_scheduler.StepLR(optimizer, 2, gamma=0.5), torch.Generator().manual_seed(3)


def start(folder, *, resume=False, killed_at=None, **others):
    network, optimizer, scheduler, generator = with_scheduler()

    def train_and_decay(network, optimizer, batch_numbers):
        for number in batch_numbers:
            if number == killed_at:
                raise Killed
            train(network, optimizer, [number])
            with torch.no_grad():
                network.out.bias += torch.rand(3, generator=generator)
            scheduler.step()

    also = {"scheduler": scheduler, "noise": generator}
    plan = plan_of(cuts=5, **others)
    kept = Checkpoints(folder, also=also, resume=resume)
    return network, optimizer, run(network, optimizer, train=train_and_decay, plan=plan, checkpoints=kept)


@pytest.mark.parametrize("killed_at", [2, 5, 8, 9])
def test_run_that_was_killed_and_goes_on_equals_the_uninterrupted_one_bit_for_bit(killed_at, tmp_path):
    whole, optimizer, records = start(tmp_path / "whole")
    whole_records = list(records)
    _, _, records = start(tmp_path / "killed", killed_at=killed_at)
    with pytest.raises(Killed):
        list(records)
    torch.manual_seed(99)
    network, other, records = start(tmp_path / "killed", resume=True)
    torch.rand(3)
    later = list(records)
    assert same(network.state_dict(), whole.state_dict())
    assert str(other.state_dict()) == str(optimizer.state_dict())
    assert [record.ledger for record in later] == [record.ledger for record in whole_records[killed_at // 2 :]]
    for cut in range(1, 6):
        a, b = (read_checkpoint(tmp_path / name / f"cut_000{cut}.pt") for name in ("whole", "killed"))
        assert same(a["tensors"], b["tensors"])
        assert torch.equal(a["generators"]["cpu"], b["generators"]["cpu"])
        assert torch.equal(a["also"]["noise"], b["also"]["noise"])


def test_cut_network_is_rebuilt_from_the_constructor(tmp_path):
    network, _, records = start(tmp_path)
    last = list(records)[-1]
    loaded = load_network(tmp_path / "cut_0005.pt", zoo.resnet)
    assert same(loaded.state_dict(), network.state_dict())
    assert loaded.conv1.out_channels == last.widths["conv1"] == loaded.bn1.num_features
    assert torch.equal(loaded.eval()(zoo.images()), network.eval()(zoo.images()))
    record = read_checkpoint(tmp_path / "cut_0005.pt")["record"]
    assert record["ledger"] == last.ledger
    assert record["left_alone"][-1] == {"layer": "out", "reason": "its channels are the output of the network"}


def test_groups_and_heads_are_rebuilt_too(tmp_path):
    def run_on(network, example, limits):
        def no_training(network, optimizer, batch_numbers):
            pass

        optimizer = optim.SGD(network.parameters(), lr=0.1)
        plan = plan_of(cuts=1, keep_fraction=0.6, limits=limits)
        kept = Checkpoints(tmp_path / str(len(example.shape)))
        list(run(network, optimizer, train=no_training, example_inputs=example, plan=plan, checkpoints=kept))
        return kept.paths[-1]

    heads = Limits(heads={"attention": "n_heads"})
    vit = zoo.vit()
    assert load_network(run_on(vit, zoo.sequences(), heads), zoo.vit).attention.n_heads == 2
    network = zoo.depthwise()
    loaded = load_network(run_on(network, zoo.images(), Limits()), zoo.depthwise)
    assert loaded[3].groups == network[3].groups == 5
    assert torch.equal(loaded.eval()(zoo.images()), network.eval()(zoo.images()))


def test_checkpoints_of_another_run_are_refused(tmp_path):
    list(start(tmp_path)[2])
    with pytest.raises(FileExistsError, match="holds checkpoints: choose resume=True, or another folder"):
        start(tmp_path)
    with pytest.raises(ValueError, match=r"another run: \{'keep_fraction': 0.7\} there, \{'keep_fraction': 0.5\} here"):
        start(tmp_path, resume=True, keep_fraction=0.5)
    with pytest.raises(ValueError, match=r"another run: {'importance': 'DTCImportance described"):
        start(tmp_path, resume=True, importance=RandomImportance(1))
    with pytest.raises(ValueError, match=r"another network: only one of both has 0\.bias"):
        load_network(tmp_path / "cut_0001.pt", zoo.mlp)


def test_finished_run_has_nothing_left_to_do(tmp_path):
    list(start(tmp_path)[2])
    network, _, records = start(tmp_path, resume=True)
    assert list(records) == []
    assert len(network.conv1.weight) < 8


def test_state_that_only_a_pickle_could_hold_is_refused_before_training(tmp_path):
    class Strange:
        def state_dict(self):
            return {"strange": Killed}

    kept = Checkpoints(tmp_path, also={"mine": Strange()})
    with pytest.raises(ValueError, match="the state of 'mine' is more than tensors and plain values"):
        run(zoo.lenet(), train=never, checkpoints=kept)


@pytest.mark.parametrize(
    ("rate", "limits", "message"),
    [
        (
            np.float64(0.1),
            Limits(),
            r"the state of 'optimizer' .* \(numpy\..*scalar, numpy\.dtype\): write float\(…\) for a",
        ),
        (0.1, Limits(head_widths={np.str_("0"): "out_features"}), "the state of 'plan' is more than"),
    ],
)
def test_settings_that_only_a_pickle_could_hold_are_refused_before_training(rate, limits, message, tmp_path):
    network = zoo.lenet()
    with pytest.raises(ValueError, match=message):
        run(
            network,
            optim.SGD(network.parameters(), lr=rate),
            train=never,
            plan=plan_of(limits=limits),
            checkpoints=Checkpoints(tmp_path),
        )


def test_names_of_numpy_are_kept_as_those_of_python(tmp_path):
    kept = Checkpoints(tmp_path)
    list(run(zoo.lenet(), plan=plan_of(cuts=1, limits=Limits(protect=[np.str_("0")])), checkpoints=kept))
    assert read_checkpoint(kept.path(1))["plan"]["protect"] == ["0"]


def test_state_that_cannot_be_read_again_is_not_written_later(tmp_path):
    def train_strangely(network, optimizer, batch_numbers):
        optimizer.param_groups[0]["lr"] = np.float64(0.1)

    kept = Checkpoints(tmp_path)
    with pytest.raises(ValueError, match="the state of 'the run' is more than tensors and plain values"):
        list(run(zoo.lenet(), train=train_strangely, checkpoints=kept))
    assert kept.paths == []


def test_files_are_in_the_order_of_their_numbers(tmp_path):
    kept = Checkpoints(tmp_path)
    for cut in (10_000, 2, 9_999):
        kept.path(cut).touch()
    assert kept.paths == [kept.path(cut) for cut in (2, 9_999, 10_000)]


def test_plan_of_fewer_cuts_than_are_done_is_refused(tmp_path):
    list(run_small(tmp_path)[1])
    with pytest.raises(ValueError, match=r"cuts = 1: 2 are done already\. Expected as many or more"):
        run_small(tmp_path, resume=True, cuts=1)


def test_optimizer_of_another_order_is_refused(tmp_path):
    def backwards(parameters, lr):
        return optim.Adam(list(parameters)[::-1], lr=lr)

    make = small(6, (6, 6, 6))
    list(run_small(tmp_path, make)[1])
    with pytest.raises(
        ValueError, match=r"the optimiser holds other parameters .*, or in another order: make it as it was"
    ):
        run_small(tmp_path, make, backwards, resume=True)


def test_flipped_bit_is_found(tmp_path):
    list(run_small(tmp_path)[1])
    path = tmp_path / "cut_0002.pt"
    content, weights = bytearray(path.read_bytes()), read_checkpoint(path)["tensors"]["0.weight"].numpy().tobytes()
    content[content.index(weights)] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"cut_0002\.pt cannot be read as a checkpoint, .*\(BadZipFile\)"):
        read_checkpoint(path)


def test_file_that_is_no_checkpoint_is_refused(tmp_path):
    torch.save({"format": 99}, tmp_path / "cut_0001.pt")
    with pytest.raises(ValueError, match="is no checkpoint of format 1"):
        read_checkpoint(tmp_path / "cut_0001.pt")


def test_plan_may_be_extended(tmp_path):
    network, optimizer, scheduler, _ = with_scheduler()
    kept = Checkpoints(tmp_path, also={"scheduler": scheduler})
    list(run(network, optimizer, plan=plan_of(cuts=2), checkpoints=kept))
    more = list(run(network, optimizer, plan=plan_of(cuts=3), checkpoints=replace(kept, resume=True)))
    assert [record.cut for record in more] == [3]
    assert read_checkpoint(kept.path(3))["shapes"] == shapes_of(zoo.resnet())  # not those of the network already cut


@pytest.mark.parametrize("n_bytes", [0, 1, 100, 0.5, 0.99])
def test_half_a_file_is_named_with_what_to_do(n_bytes, tmp_path):
    list(start(tmp_path)[2])
    path = tmp_path / "cut_0005.pt"
    whole = path.read_bytes()
    path.write_bytes(whole[: n_bytes if n_bytes in (0, 1, 100) else int(n_bytes * len(whole))])
    for read in (lambda: start(tmp_path, resume=True), lambda: load_network(path, zoo.resnet)):
        with pytest.raises(ValueError, match=r"cut_0005\.pt cannot be read as a checkpoint, .*take it out"):
            read()
    path.rename(tmp_path / "damaged")
    assert [record.cut for record in start(tmp_path, resume=True)[2]] == [5]


def test_file_that_is_not_there_is_said_as_ever(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"cut_0009\.pt"):
        load_network(tmp_path / "cut_0009.pt", zoo.resnet)


def small(n_inputs=6, hidden=(20,)):
    return lambda: zoo.mlp(n_inputs, hidden)


def run_small(folder, make_network=zoo.mlp, make_optimizer=optim.Adam, *, resume=False, cuts=2, **also):
    network = make_network()

    def one_step(network, optimizer, batch_numbers):
        optimizer.zero_grad()
        network(torch.ones(2, 6)).sum().backward()
        optimizer.step()

    kept = Checkpoints(folder, also=also, resume=resume)
    optimizer = make_optimizer(network.parameters(), lr=0.1)
    arguments = {"train": one_step, "example_inputs": zoo.vectors(), "checkpoints": kept}
    return network, run(network, optimizer, plan=plan_of(cuts=cuts), **arguments)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (small(7), r"another network .* 0\.weight is \(20, 7\), and was \(20, 6\)\. Give that one"),
        (small(6, (30,)), r"0\.weight is \(30, 6\), and was \(20, 6\); 0\.bias is \(30,\), and was \(20,\); 2\.weight"),
    ],
)
def test_network_of_other_widths_is_refused(other, message, tmp_path):
    list(run_small(tmp_path, small())[1])
    with pytest.raises(ValueError, match=message):
        load_network(tmp_path / "cut_0001.pt", other)
    with pytest.raises(ValueError, match=message):
        run_small(tmp_path, other, resume=True)
    assert load_network(tmp_path / "cut_0001.pt", small())[0].out_features == 14


def test_shapes_before_any_cut_are_those_of_the_first_start(tmp_path):
    list(run_small(tmp_path, small())[1])
    (tmp_path / "cut_0002.pt").unlink()
    list(run_small(tmp_path, small(), resume=True)[1])
    assert read_checkpoint(tmp_path / "cut_0002.pt")["shapes"]["0.weight"] == (20, 6)
    assert load_network(tmp_path / "cut_0002.pt", small())[0].out_features == 10


def test_older_files_without_shapes_and_optimizer_are_read_as_before(tmp_path):
    network, records = run_small(tmp_path, small())
    list(records)
    for path in (tmp_path / "cut_0001.pt", tmp_path / "cut_0002.pt"):
        content = read_checkpoint(path)
        del content["shapes"], content["plan"]["optimizer"], content["parameters"]
        torch.save(content, path)
    assert same(load_network(path, small()).state_dict(), network.state_dict())
    path.unlink()
    assert [record.cut for record in run_small(tmp_path, small(), resume=True)[1]] == [2]


def test_another_optimizer_and_other_names_in_also_are_refused(tmp_path):
    noise = torch.Generator()
    list(run_small(tmp_path, noise=noise)[1])
    message = r"another run: \{'optimizer': 'Adam'\} there, \{'optimizer': 'SGD'\} here"
    with pytest.raises(ValueError, match=message):
        run_small(tmp_path, make_optimizer=optim.SGD, resume=True, noise=noise)
    for also, names in (({"other": noise}, "other"), ({}, "nothing"), ({"noise": noise, "a": noise}, "a, noise")):
        with pytest.raises(ValueError, match=f"also names {names}, the checkpoints have noise: give the same"):
            run_small(tmp_path, resume=True, **also)


def test_relative_path_of_a_checkpoint_starts_at_the_project(tmp_path, monkeypatch):
    list(run_small(tmp_path / "project" / "my_run")[1])
    monkeypatch.setattr(paths, "project_root", lambda: tmp_path / "project")
    monkeypatch.chdir(tmp_path)
    assert load_network("my_run/cut_0001.pt", zoo.mlp)[0].out_features == 6
