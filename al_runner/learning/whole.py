"""A model as one module: images as they are stored → probabilities, calibrated."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from al_runner.data.dataset import Dataset, normalize
from al_runner.learning.calibration import tempered
from al_runner.learning.chunks import through
from al_runner.learning.encoders.features import Features
from al_runner.learning.inference import feature_numbers
from al_runner.learning.learner import NetworkLearner
from al_runner.learning.linear import LinearLearner
from al_runner.learning.linear.planes import Planes
from al_runner.learning.machine import Machine
from al_runner.learning.proxied import ProxiedLearner
from al_runner.loop.protocols import Learner


def of_masks(probs: Tensor, image_size: tuple[int, ...]) -> Tensor:
    """Probabilities of pixels [n, pixels, C] as maps [n, C, ...].

    Of labels that may overlap, [n, pixels, L, 2], those that they are present: [n, L, ...].
    """
    maps = probs[..., 1] if probs.ndim > 3 else probs
    return maps.movedim(-1, 1).unflatten(2, image_size)


class Whole(nn.Module):
    """What a learner has learned, and what is before and after it.

    Args:
        network: images of −1..1 → what `last` takes; computed in the machine's precision.
        last: → probabilities, the class axis last; computed in float32.
        image_size: of masks; None = a class is that of the whole image.
        temperature: divides the logits; None = nothing does.
    """

    def __init__(
        self,
        network: nn.Module,
        last: nn.Module,
        image_size: tuple[int, ...] | None = None,
        temperature: float | None = None,
    ) -> None:
        super().__init__()
        self.network, self.last, self.image_size, self.temperature = network, last, image_size, temperature

    def forward(self, images: Tensor) -> Tensor:
        """uint8 [n, channels, ...] → [n, C], [n, L, 2] of several labels, or [n, C, ...] of masks."""
        return self.finish(self.network(normalize(images)))

    def finish(self, outputs: Tensor) -> Tensor:
        """The network's outputs → probabilities."""
        probs: Tensor = self.last(outputs.float())
        if self.image_size is not None:
            return of_masks(probs, self.image_size)
        return probs if self.temperature is None else tempered(probs, self.temperature)

    def predictions(self, images: Tensor, machine: Machine) -> Iterator[Tensor]:
        """Of images on the CPU, uint8 [n, channels, ...], chunk by chunk, as a learner computes them."""

        def finished(chunk: Tensor) -> Tensor:
            with torch.inference_mode():
                with machine.autocast():
                    outputs = self.network(chunk)
                return self.finish(outputs).cpu()

        def load(chunk: Tensor) -> Tensor:
            return normalize(images[chunk].to(machine.device))

        numbers = feature_numbers(self.network, images)
        yield from through(torch.arange(len(images)), numbers, load, finished, machine)

    def traceable(self) -> "Whole":
        """The same on the CPU; features no longer end a forward pass, which nobody could trace."""
        for module in self.modules():
            if isinstance(module, Features):
                module.ends_early = False
        return self.cpu().to(memory_format=torch.contiguous_format).eval()


class _Function(nn.Module):
    """A function as the last module."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, values: Tensor) -> Tensor:
        return self.function(values)


class _Linear(nn.Module):
    """Linear functions of features, and what they say."""

    slopes: Tensor
    intercepts: Tensor

    def __init__(self, planes: Planes, probabilities: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.register_buffer("slopes", planes.slopes)
        self.register_buffer("intercepts", planes.intercepts)
        self.shape: Sequence[int] = planes.shape
        self.probabilities = probabilities
        probabilities(planes.intercepts.view(1, *planes.shape))  # keeps what depends on labels

    def forward(self, features: Tensor) -> Tensor:
        return self.probabilities(Planes(self.slopes, self.intercepts, tuple(self.shape)).logits(features))


def about(learner: Learner) -> Learner:
    """The learner that a run is about: of two, not the proxy, which strategies alone ask."""
    return learner.main if isinstance(learner, ProxiedLearner) else learner


def whole(
    learner: Learner, dataset: Dataset, encoder: nn.Module | None = None, temperature: float | None = None
) -> Whole:
    """A learner's model, of a data set's images.

    Args:
        learner: has learned.
        dataset: its images, before an encoder saw them.
        encoder: images of −1..1 → features, where the learner has features; None = it has images.
        temperature: as in `Whole`.
    """
    learner = about(learner)
    size = dataset.image_size if dataset.task.dense else None
    if isinstance(learner, LinearLearner):
        if encoder is None:
            raise TypeError("a linear head has features, which an encoder makes")
        return Whole(encoder, _Linear(learner.planes, learner.probabilities), size, temperature).eval()
    if not isinstance(learner, NetworkLearner):
        raise TypeError(f"a {type(learner).__name__} has no network")
    network = learner.network if encoder is None else nn.Sequential(encoder, learner.network)
    return Whole(network, _Function(learner.probabilities), size, temperature).eval()
