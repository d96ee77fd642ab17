#!/usr/bin/python3
"""Makes the tiny TorchScript files in data/ that model_test.cpp loads: harmless ones and hostile ones.

Needs python3-torch; run by hand when a model is added. The hostile ones would read or write files of the server if they
were run.
"""

import os

import torch
from torch import Tensor, nn

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")
SPEC = '{"height": 8, "width": 8, "mean": [0, 0, 0], "std": [1, 1, 1]}'


class Good(nn.Module):
    """Convolution, normalisation, activation, pooling: 4 numbers."""

    def __init__(self, spatial: bool = False):
        super().__init__()
        torch.manual_seed(7)
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.norm.running_mean += 0.1
        self.drop = nn.Dropout(0.5)
        self.spatial = spatial

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.norm(self.conv(x)))
        if self.spatial:
            return x
        return self.drop(x).mean([2, 3])


class ReadsFile(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        secret = torch.from_file("/etc/passwd", False, 16, dtype=torch.uint8)
        return x.mean([2, 3]) + secret.sum()


class WritesFile(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        torch.save(x, "/tmp/medvec-hostile-model")
        return x.mean([2, 3])


@torch.jit.script
def helper(x: Tensor) -> Tensor:
    if x.sum() > 0:
        for _ in range(3):
            torch.save(x, "/tmp/medvec-hostile-model")
    return x


class HidesInFunction(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return helper(x).mean([2, 3])


class HidesInSubmodule(nn.Module):
    def __init__(self):
        super().__init__()
        self.part = nn.Sequential(ReadsFile())

    def forward(self, x: Tensor) -> Tensor:
        return self.part(x)


class HidesInSetState(nn.Module):
    """Code that runs while the file is loaded."""

    def __init__(self):
        super().__init__()
        self.weight = torch.ones(3)
        self.training = False

    @torch.jit.export
    def __getstate__(self):
        return self.weight, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[Tensor, bool]):
        self.weight = state[0]
        self.training = state[1]
        torch.save(self.weight, "/tmp/medvec-hostile-model")

    def forward(self, x: Tensor) -> Tensor:
        return x.mean([2, 3]) * self.weight


class HarmlessSetState(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.ones(3)
        self.training = False

    @torch.jit.export
    def __getstate__(self):
        return self.weight, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[Tensor, bool]):
        self.weight = state[0]
        self.training = state[1]

    def forward(self, x: Tensor) -> Tensor:
        return x.mean([2, 3]) * self.weight


class Random(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean([2, 3]) + torch.rand(3)


class RandomInTraining(nn.Module):
    """As stochastic depth: chance in a branch that inference does not take."""

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            x = x * torch.empty(1).bernoulli_(0.5)
        return x.mean([2, 3])


class Remembers(nn.Module):
    def __init__(self):
        super().__init__()
        self.count = 0

    def forward(self, x: Tensor) -> Tensor:
        self.count += 1
        return x.mean([2, 3]) + self.count


class RemembersInPlace(nn.Module):
    """No attribute is set, and yet there is a state."""

    def __init__(self):
        super().__init__()
        self.register_buffer("total", torch.zeros(3))

    def forward(self, x: Tensor) -> Tensor:
        self.total.add_(1)
        return x.mean([2, 3]) + self.total


class Infinite(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean([2, 3]) / 0


class Prints(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        print(x)
        return x.mean([2, 3])


class InPlace(nn.Module):
    """Changes its input."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mul_(2).add_(1).mean([2, 3])


class Tuple(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x, x


def save(name, module, extra=None):
    torch.jit.save(torch.jit.script(module.eval()), os.path.join(HERE, name + ".pt"), _extra_files=extra or {})


if __name__ == "__main__":
    save("good", Good(), {"medvec.json": SPEC})
    save("spatial", Good(spatial=True))
    save("reads_file", ReadsFile())
    save("writes_file", WritesFile())
    save("hides_in_function", HidesInFunction())
    save("hides_in_submodule", HidesInSubmodule())
    save("hides_in_setstate", HidesInSetState())
    save("harmless_setstate", HarmlessSetState())
    save("random", Random())
    save("random_in_training", RandomInTraining())
    save("remembers", Remembers())
    save("remembers_in_place", RemembersInPlace())
    save("infinite", Infinite())
    save("prints", Prints())
    save("in_place", InPlace())
    save("tuple", Tuple())
