"""A learner of fixed predictions."""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from al_runner.loop.protocols import Evaluation
from al_runner.loop.schedule import Round


class FakeLearner:
    """Predicts fixed random probabilities; in classification [N, C], else [N, sites, C].

    Args:
        size: samples.
        sites: sites a sample; None = classification.
        seed: of the predictions.
        classes: C.
    """

    K = 5

    def __init__(self, size: int, sites: int | None = None, seed: int = 0, classes: int = 4) -> None:
        generator = torch.Generator().manual_seed(seed)
        shape = (size, classes) if sites is None else (size, sites, classes)
        self.probs = torch.randn(*shape, generator=generator).mul(2).softmax(-1)
        self.embeddings = torch.randn(size, 8, generator=generator)
        levels = torch.randint(256, (size, 1, 1, sites or 1), generator=torch.Generator().manual_seed(seed))
        self.pictures = levels.to(torch.uint8)
        self.noise = torch.randn(self.K, classes, generator=generator)
        """What tells K models apart; equal predictions stay equal."""
        self.patterns = torch.rand(classes, 16, 16, generator=torch.Generator().manual_seed(seed))

    def fit(self, indices: Tensor, labels: Tensor, step: Round) -> Mapping[str, float]:
        return {}

    def predict(self, indices: Tensor, reduce: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        probs = self.probs[indices]
        return probs if reduce is None else reduce(probs)

    def sample(
        self,
        indices: Tensor,
        generator: torch.Generator,
        reduce: Callable[[Tensor], Tensor] | None = None,
    ) -> Tensor:
        logits = self.probs.clamp(min=1e-30).log().unsqueeze(-2) + self.noise.to(self.probs.device)
        probs = logits.softmax(-1)[indices]
        return probs if reduce is None else reduce(probs)

    def sample_with_noise(
        self,
        indices: Tensor,
        generator: torch.Generator,
        reduce: Callable[[Tensor, Tensor | None], Tensor],
    ) -> Tensor:
        return self.sample(indices, generator, lambda probs: reduce(probs, (probs * (1 - probs)).mean(-1)))

    def embed(self, indices: Tensor) -> Tensor:
        return self.embeddings[indices]

    def saliency(
        self, indices: Tensor, method: object, reduce: Callable[[Tensor], Tensor] | None = None
    ) -> Tensor:
        """A pattern for each class, as strong as it is likely: equal predictions, equal maps."""
        likely = self.probs[indices].view(len(indices), -1, len(self.patterns)).mean(1)
        maps = (likely[:, :, None, None] * self.patterns.to(likely.device)).sum(1)
        return maps if reduce is None else reduce(maps)

    def images(self, indices: Tensor) -> Tensor:
        return self.pictures[indices].to(self.probs.device)

    def worth(
        self, indices: Tensor, labels: Tensor, others: Tensor, other_labels: Tensor, step: Round, epochs: int
    ) -> Tensor:
        return self.probs[indices].flatten(1)[:, 0].double()

    def truth(self, indices: Tensor) -> Tensor:
        classes = self.probs[indices].argmax(-1)
        return classes if classes.ndim == 1 else classes[:, None]

    def refitted(self, indices: Tensor, labels: Tensor) -> "FakeLearner":
        return self

    def measured(self, metric: str | None) -> float:
        return 0.5

    def evaluate(self, pool: Tensor | None = None) -> Evaluation:
        return Evaluation()

    def save(self, path: Path) -> None: ...

    def load(self, path: Path) -> None: ...
