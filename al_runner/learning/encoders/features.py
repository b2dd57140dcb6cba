"""The features of any network."""

from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from al_runner.data.dataset import SPLITS, Dataset
from al_runner.errors import InputError
from al_runner.learning.batches import images_at
from al_runner.learning.chunks import through
from al_runner.learning.encoders.kept import write_features
from al_runner.learning.inference import deepest_layer, feature_numbers
from al_runner.learning.machine import Machine

N_OUTPUTS = 2
"""Of a network of which only the features are used."""


class _Enough(Exception):  # noqa: N818  (a way out, not an error)
    """The features are there: the rest of the forward pass is not needed."""

    def __init__(self, features: Tensor) -> None:
        self.features = features


class Features(nn.Module):
    """A network up to what its last linear layer sees: float32 [n, D].

    Of a network without one, such as those for segmentation, up to its deepest feature maps, whose means are
    the features. The forward pass ends there, so a decoder costs nothing.

    Args:
        network: stays whole, so that its weights keep their names.
        image: [1, channels, ...], such as it takes.

    Attributes:
        size: D.
        shape: of the image.
        trained: the names of the weights and buffers that the features depend on.
        ends_early: the forward pass ends where the features are; else it goes on to its end, in vain, for
            those who trace it and cannot follow a way out.

    Raises:
        InputError: it cannot take such images, or has neither a linear layer nor feature maps.
    """

    def __init__(self, network: nn.Module, image: Tensor) -> None:
        super().__init__()
        self.network = network
        self.shape = tuple(image.shape[1:])
        self.calls, self.left = 1, 0
        self.ends_early = True
        self._found: list[Tensor] = []
        linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
        try:
            if linear:
                self._handle = linear[-1].register_forward_pre_hook(self._sees)
            else:
                self._handle = deepest_layer(network, image).register_forward_hook(self._makes)
            self.calls = self._count(image)
            self.size, self.trained = self._used(image)
        except Exception as error:  # a library's, of any kind: nothing else runs here
            shape = "×".join(map(str, image.shape[1:]))
            why = " ".join(str(error).split())
            raise InputError(
                f"the encoder's network gives no features of images of {shape}: {why}"
            ) from error

    def forward(self, images: Tensor) -> Tensor:
        """[n, channels, ...] → [n, D]."""
        self.left = self.calls
        try:
            self.network(images)
        except _Enough as enough:
            return enough.features
        if not self._found:
            raise ValueError("the layer that sees the features was not called")
        return self._found.pop()

    def _sees(self, _: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self._reached(inputs[0])

    def _makes(self, _module: nn.Module, _inputs: object, maps: Tensor) -> None:
        self._reached(maps.flatten(2).mean(2))

    def _reached(self, features: Tensor) -> None:
        """The last call of the layer counts; tokens are averaged."""
        self.left -= 1
        if not self.left:
            between = tuple(range(1, features.ndim - 1))
            features = (features.mean(between) if between else features).float()
            if self.ends_early:
                raise _Enough(features)
            self._found.append(features)

    def _count(self, image: Tensor) -> int:
        """How often the layer is called in one forward pass."""
        self.left = 0  # so that no call is the last one
        self.network.eval()
        with torch.no_grad():
            self.network(image)
        return -self.left

    def _used(self, image: Tensor) -> tuple[int, frozenset[str]]:
        """The number of features, and the names of what they depend on: by calls, and by gradients."""
        called: set[str] = set()
        handles = [
            module.register_forward_pre_hook(lambda *_, name=name: called.add(name))
            for name, module in self.network.named_modules()
        ]
        try:
            features = self(image)
        finally:
            for handle in handles:
                handle.remove()
        named = {name: each for name, each in self.network.named_parameters() if each.requires_grad}
        gradients: tuple[Tensor | None, ...] = (None,) * len(named)
        if named and features.requires_grad:
            gradients = torch.autograd.grad(features.sum(), list(named.values()), allow_unused=True)
        used = {name for name, gradient in zip(named, gradients, strict=True) if gradient is not None}
        frozen_or_buffers = {
            name
            for name in self.network.state_dict()
            if name not in named and name.rpartition(".")[0] in called
        }
        return features.shape[1], frozenset(used | frozen_or_buffers)

    def release(self) -> None:
        """Leave the network as it was: its forward pass ends where it used to."""
        self._handle.remove()

    def weights(self) -> dict[str, Tensor]:
        """Copies of the weights that the features depend on, by their names in the network."""
        state = self.network.state_dict()
        return {name: state[name].detach().cpu().contiguous().clone() for name in sorted(self.trained)}


def blank(dataset: Dataset) -> Tensor:
    """[1, channels, ...], an image to try networks on."""
    return torch.zeros(1, dataset.channels, *dataset.image_size)


def ready(features: nn.Module, dataset: Dataset, machine: Machine) -> nn.Module:
    """A network on the device, in evaluation mode."""
    features.to(machine.device).eval()
    if len(dataset.image_size) == 2:
        features.to(memory_format=torch.channels_last)  # convolutions of images are faster so
    return features


def write_all(
    folder: Path,
    features: nn.Module,
    dataset: Dataset,
    machine: Machine,
    numbers: int = 0,
    advance: Callable[[], None] = lambda: None,
) -> None:
    """Write the features of all splits.

    Args:
        folder: where.
        features: images of −1..1 → [n, D].
        dataset: the images.
        machine: computes.
        numbers: in the first feature maps of an image, where it sees images of another size.
        advance: called for each image.
    """
    ready(features, dataset, machine)

    def compute(images: Tensor) -> Tensor:
        none = not len(images)  # people measure on no validation split; some networks cannot take no images
        with torch.inference_mode(), machine.autocast():
            found: Tensor = features(blank(dataset).to(machine.device) if none else images)
        return found[: len(images)].float()

    for name in SPLITS:
        split = dataset.splits[name]
        each = numbers or feature_numbers(features, split.images)

        def chunks(split=split, each=each) -> Iterator[Tensor]:  # type: ignore[no-untyped-def]
            def load(chunk: Tensor) -> Tensor:
                return images_at(split, chunk, machine)

            for found in through(torch.arange(len(split)), each, load, compute, machine):
                yield found
                for _ in found:
                    advance()

        write_features(folder, name, len(split), chunks())
