"""Small networks of every kind that a cut has to get right, has to leave alone, or has to refuse."""

# pyright: reportAttributeAccessIssue=false, reportIndexIssue=false, reportCallIssue=false, reportArgumentType=false
# pyright: reportOptionalMemberAccess=false, reportOptionalSubscript=false, reportOptionalOperand=false
# A module's attributes have no types, and these tests look into many.

import itertools

import torch
from torch import nn
from torch.nn import functional


class Named(nn.Module):
    """Layers by name and the function that joins them."""

    def __init__(self, forward, **layers):
        super().__init__()
        for name, layer in layers.items():
            setattr(self, name, layer)
        self.joined = forward

    def forward(self, *inputs):
        return self.joined(self, *inputs)


def images(n=4, channels=1, size=12, seed=0):
    return torch.randn(n, channels, size, size, generator=torch.Generator().manual_seed(seed))


def vectors(n=4, size=6, seed=0):
    return torch.randn(n, size, generator=torch.Generator().manual_seed(seed))


def sequences(n=3, length=5, size=8, seed=0):
    return torch.randn(n, length, size, generator=torch.Generator().manual_seed(seed))


def mlp(n_inputs=6, hidden=(9,), classes=3, bias=True):
    widths, layers = [n_inputs, *hidden], []
    for a, b in itertools.pairwise(widths):
        layers += [nn.Linear(a, b, bias=bias), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], classes, bias=bias))


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(72, 20),
        nn.ReLU(), nn.Linear(20, 3),
    )  # fmt: skip


def _block(net, x):
    x = functional.relu(net.bn0(net.conv0(x)))
    x = functional.relu(x + net.bn2(net.conv2(functional.relu(net.bn1(net.conv1(x))))))
    x = functional.relu(net.short(x) + net.bn4(net.conv4(functional.relu(net.bn3(net.conv3(x))))))
    return net.out(x.mean((2, 3)))


def resnet(groups=1):
    layers = {
        "conv0": nn.Conv2d(1, 8, 3, padding=1),
        "conv1": nn.Conv2d(8, 8, 3, padding=1, groups=groups),
        "conv2": nn.Conv2d(8, 8, 3, padding=1),
        "short": nn.Conv2d(8, 12, 1, stride=2),
        "conv3": nn.Conv2d(8, 12, 3, stride=2, padding=1, groups=groups),
        "conv4": nn.Conv2d(12, 12, 3, padding=1),
    }
    norms = {f"bn{i}": nn.BatchNorm2d(12 if i > 2 else 8) for i in range(5)}
    return with_statistics(Named(_block, **layers, **norms, out=nn.Linear(12, 3)))


def with_statistics(network, seed=1):
    """Random statistics and weights for all batch norms, so that they are no identity."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            for tensor in (module.running_mean, module.running_var, module.weight.data, module.bias.data):
                tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
    return network


def depthwise():
    return with_statistics(
        nn.Sequential(
            nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.PReLU(8), nn.Conv2d(8, 8, 3, groups=8), nn.ReLU(),
            nn.Conv2d(8, 5, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 3),
        )
    )  # fmt: skip


def dense():
    def forward(net, x):
        first = functional.relu(net.a(x))
        second = functional.relu(net.b(first))
        both = torch.cat([first, second], 1)
        third = functional.relu(net.c(net.bn(both)))
        return net.out(torch.cat([both, third], 1).mean((2, 3)))

    layers = {
        "a": nn.Conv2d(1, 5, 3, padding=1),
        "b": nn.Conv2d(5, 4, 3, padding=1),
        "c": nn.Conv2d(9, 6, 3, padding=1),
    }
    return with_statistics(Named(forward, **layers, bn=nn.BatchNorm2d(9), out=nn.Linear(15, 3)))


def conv1d():
    return nn.Sequential(
        nn.Conv1d(1, 6, 3), nn.ReLU(), nn.Conv1d(6, 8, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(32, 3)
    )


def transposed():
    return nn.Sequential(
        nn.Conv2d(1, 6, 3, stride=2), nn.ReLU(), nn.ConvTranspose2d(6, 8, 3, stride=2), nn.ReLU(), nn.Conv2d(8, 1, 3)
    )


def flatten_norm():
    return with_statistics(
        nn.Sequential(
            nn.Conv2d(1, 5, 5), nn.ReLU(), nn.Flatten(), nn.BatchNorm1d(320), nn.Linear(320, 7), nn.ReLU(),
            nn.BatchNorm1d(7), nn.Linear(7, 3),
        )
    )  # fmt: skip


def reused():
    def forward(net, x):
        x = functional.relu(net.a(x))
        for _ in range(2):
            x = functional.relu(net.twice(x))
        return net.out(x)

    return Named(forward, a=nn.Linear(6, 8), twice=nn.Linear(8, 8), out=nn.Linear(8, 3))


class Attention(nn.Module):
    """Heads by hand; the scale is kept or computed from the width of a head, which is kept where whole heads go."""

    def __init__(self, width=8, n_heads=4, keeps_scale=False):
        super().__init__()
        self.n_heads, self.head_width = n_heads, width // n_heads
        self.scale = self.head_width**-0.5 if keeps_scale else None
        self.q, self.k, self.v, self.o = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x):
        shape = (*x.shape[:2], self.n_heads, self.head_width)
        q, k, v = (part(x).view(shape).transpose(1, 2) for part in (self.q, self.k, self.v))
        mixed = torch.softmax(q @ k.transpose(2, 3) * (self.scale or self.head_width**-0.5), -1) @ v
        return self.o(mixed.transpose(1, 2).flatten(2))


def vit(**attention):
    """Patches, one block of attention and MLP with layer norms and a residual stream, and a classifier."""

    def forward(net, x):
        x = net.embed(x)
        x = x + net.attention(net.norm1(x))
        x = x + net.down(functional.gelu(net.up(net.norm2(x))))
        return net.head(net.norm3(x).mean(1))

    norms = {f"norm{i}": nn.LayerNorm(8) for i in (1, 2, 3)}
    layers = {"embed": nn.Linear(8, 8), "up": nn.Linear(8, 16), "down": nn.Linear(16, 8), "head": nn.Linear(8, 3)}
    return Named(forward, **layers, **norms, attention=Attention(**attention))


# ------------------------------------------------------------------------------- left alone or refused


def recurrent(kind):
    def forward(net, x):
        return net.out(torch.relu(net.hidden(net.memory(net.into(x))[0][:, -1])))

    layers = {"into": nn.Linear(8, 7), "memory": kind(7, 6, batch_first=True), "hidden": nn.Linear(6, 5)}
    return Named(forward, **layers, out=nn.Linear(5, 3))


def tied():
    """Two layers with one weight, square so that it fits both ways."""
    network = mlp(6, (6, 6, 5))
    network[4].weight = nn.Parameter(network[4].weight.detach())
    network[2].weight = network[0].weight
    return network


def gated(parts):
    """One layer whose output is split into parts that are multiplied: a channel of each can only go together."""

    def forward(net, x):
        a, b = parts(net.fc(x))
        return net.out(torch.relu(a) * torch.sigmoid(b))

    return Named(forward, fc=nn.Linear(6, 20), out=nn.Linear(parts(torch.zeros(1, 20))[0].shape[1], 3))


def halves(y):
    return y.chunk(2, 1)


def odd_and_even(y):
    return y[:, ::2], y[:, 1::2]


def shuffled():
    """Channel shuffles in a row, as in ShuffleNet: Torch-Pruning divides by zero."""

    def shuffle(x):
        return x.unflatten(1, (2, -1)).transpose(1, 2).flatten(1, 2)

    def forward(net, x):
        x = shuffle(torch.cat([net.a(x), net.b(x)], 1))
        for conv in (net.c, net.d):
            one, two = x.chunk(2, 1)
            x = shuffle(torch.cat([one, conv(two)], 1))
        return net.out(net.last(x).mean((2, 3)))

    halves = {name: nn.Conv2d(1 if name in "ab" else 4, 4, 1) for name in "abcd"}
    return Named(forward, **halves, last=nn.Conv2d(8, 5, 1), out=nn.Linear(5, 3))


def functional_tie():
    def forward(net, x):
        hidden = torch.relu(net.encode(x))
        return functional.linear(hidden, net.encode.weight.T) + net.out(torch.relu(net.other(x)))

    return Named(forward, encode=nn.Linear(6, 9), other=nn.Linear(6, 4), out=nn.Linear(4, 6))


def channels_last():
    """Convolution, permute to channels last, flatten: the columns of the linear layer go pixel by pixel."""

    def forward(net, x):
        return net.out(torch.relu(net.conv(x)).permute(0, 2, 3, 1).flatten(1))

    return Named(forward, conv=nn.Conv2d(1, 6, 3), out=nn.Linear(600, 3))


class Raw(nn.Module):
    """Weights without layers, beside two layers."""

    def __init__(self):
        super().__init__()
        self.w1, self.w2 = nn.Parameter(torch.randn(9, 6)), nn.Parameter(torch.randn(5, 9))
        self.a, self.b = nn.Linear(5, 7), nn.Linear(7, 3)

    def forward(self, x):
        x = functional.linear(functional.relu(functional.linear(x, self.w1)), self.w2)
        return self.b(torch.relu(self.a(x)))


class Positions(nn.Module):
    """A position embedding added to what a layer makes, without any norm."""

    def __init__(self):
        super().__init__()
        self.embed, self.out = nn.Linear(8, 6), nn.Linear(6, 3)
        self.position = nn.Parameter(torch.randn(1, 5, 6))

    def forward(self, x):
        return self.out(torch.relu(self.embed(x) + self.position).mean(1))


class GroupedQueries(nn.Module):
    """Four heads of queries, two of keys and values."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.o = nn.Linear(8, 8), nn.Linear(8, 4), nn.Linear(8, 4), nn.Linear(8, 8)
        self.out = nn.Linear(8, 3)

    def forward(self, x):
        q = self.q(x).unflatten(2, (4, 2)).transpose(1, 2)
        k, v = (part(x).unflatten(2, (2, 2)).transpose(1, 2) for part in (self.k, self.v))
        k, v = (part[:, :, None].expand(-1, -1, 2, -1, -1).flatten(1, 2) for part in (k, v))
        mixed = torch.softmax(q @ k.transpose(2, 3), -1) @ v
        return self.out(torch.relu(self.o(mixed.transpose(1, 2).flatten(2))))


def group_norm():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.GroupNorm(2, 8), nn.ReLU(), nn.Conv2d(8, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(6, 3),
    )  # fmt: skip


CUT_RIGHT = {
    "mlp": (mlp, vectors),
    "lenet": (lenet, images),
    "resnet": (resnet, images),
    "resnet with groups": (lambda: resnet(groups=4), images),
    "depthwise": (depthwise, images),
    "dense": (dense, images),
    "conv1d": (conv1d, lambda: images()[:, :, 0]),
    "transposed": (transposed, images),
    "flatten and norm": (flatten_norm, images),
    "reused": (reused, vectors),
    "vit": (vit, sequences),
    "encoder layer": (lambda: nn.TransformerEncoderLayer(8, 2, 16, dropout=0.5, batch_first=True), sequences),
}
