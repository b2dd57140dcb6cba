"""A learner that is trained for one task and answers for another."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from al_runner.errors import within
from al_runner.learning import states
from al_runner.learning.inference import Reduce
from al_runner.learning.learner import NetworkLearner
from al_runner.loop.protocols import Evaluation
from al_runner.loop.schedule import Round
from al_runner.models.saliency.base import Saliency

PREFIX = "proxy_"
"""Of the names of what is measured of the proxy: `proxy_val/auroc`."""
Value = TypeVar("Value")


class ProxiedLearner:
    """A learner with a proxy: a network for another task of the same samples, which answers what is asked.

    Both are trained in every round on the same samples, each on labels of its own. What strategies ask, the
    proxy answers; what the run is about, the metrics, are the learner's, and the proxy's beside them.

    Args:
        main: is trained on the oracle's labels.
        proxy: on those of its own data set, whose training samples are the same.
        epochs: of the proxy in each round.
    """

    def __init__(self, main: NetworkLearner, proxy: NetworkLearner, epochs: int) -> None:
        self.main, self.proxy, self.epochs = main, proxy, epochs

    def fit(self, indices: Tensor, labels: Tensor, step: Round) -> Mapping[str, float]:
        """Train both, but the proxy no more for a final model: nothing is asked after it.

        Raises:
            InputError: a loss is not finite.
        """
        found = self.main.fit(indices, labels, step)
        if step.final:
            return found
        own = replace(step, epochs=self.epochs, record_max=None, agreement=0)
        with within("proxy"):
            return {**found, **_named(self.proxy.fit(indices, self._labels(indices), own))}

    def _labels(self, indices: Tensor) -> Tensor:
        """The proxy's labels of training `indices`."""
        return self.proxy.dataset.train.targets[indices]

    def predict(self, indices: Tensor, reduce: Reduce | None = None) -> Tensor:
        """The proxy's."""
        return self.proxy.predict(indices, reduce)

    def sample(self, indices: Tensor, generator: torch.Generator, reduce: Reduce | None = None) -> Tensor:
        """The proxy's."""
        return self.proxy.sample(indices, generator, reduce)

    def sample_with_noise(
        self, indices: Tensor, generator: torch.Generator, reduce: Callable[[Tensor, Tensor | None], Tensor]
    ) -> Tensor:
        """The proxy's."""
        return self.proxy.sample_with_noise(indices, generator, reduce)

    def embed(self, indices: Tensor) -> Tensor:
        """The proxy's."""
        return self.proxy.embed(indices)

    def saliency(self, indices: Tensor, method: Saliency, reduce: Reduce | None = None) -> Tensor:
        """The proxy's."""
        return self.proxy.saliency(indices, method, reduce)

    def images(self, indices: Tensor) -> Tensor:
        """Those that the proxy sees."""
        return self.proxy.images(indices)

    def worth(
        self,
        indices: Tensor,
        labels: Tensor,  # noqa: ARG002
        others: Tensor,
        other_labels: Tensor,  # noqa: ARG002
        step: Round,
        epochs: int,
    ) -> Tensor:
        """What the samples are worth to the proxy, with its own labels in place of the oracle's."""
        own, of_others = self._labels(indices), self._labels(others)
        with within("proxy"):
            return self.proxy.worth(indices, own, others, of_others, step, epochs)

    def evaluate(self, pool: Tensor | None = None) -> Evaluation:
        """The learner's metrics, and the proxy's of the validation and test split."""
        found, own = self.main.evaluate(pool), self.proxy.evaluate()
        return Evaluation({**found.metrics, **_named(own.metrics)}, {**found.arrays, **_named(own.arrays)})

    def save(self, path: Path) -> None:
        """Write the learner's state as it would, and the proxy's in it."""
        states.write({**self.main.state(), "proxy": self.proxy.state()}, path)

    def load(self, path: Path) -> None:
        """Read what `save` wrote."""
        state = states.read(path, self.main.machine.device)
        self.main.restore(state)
        self.proxy.restore(state["proxy"])


def _named(values: Mapping[str, Value]) -> dict[str, Value]:
    """Of the proxy."""
    return {f"{PREFIX}{name}": value for name, value in values.items()}
