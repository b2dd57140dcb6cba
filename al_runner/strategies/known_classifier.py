"""What al-runner's model predicts, in the shape of a scikit-activeml classifier."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from skactiveml.base import SkactivemlClassifier


class KnownClassifier(SkactivemlClassifier):
    """Answers with predictions that are known already; its "features" are row numbers.

    Args:
        probs: [N, C].
        embeddings: [N, D], given where a strategy asks for `return_embeddings`.
    """

    def __init__(self, probs: NDArray[Any], embeddings: NDArray[Any] | None = None) -> None:
        super().__init__(classes=list(range(probs.shape[1])))
        self.probs, self.embeddings = probs, embeddings

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "KnownClassifier":  # noqa: ARG002
        """Nothing is learned: al-runner trains."""
        return self

    def predict_proba(self, X: Any, return_embeddings: bool = False) -> Any:
        """Probabilities of the rows that `X` [n, 1] names, with their embeddings if asked for."""
        rows = np.asarray(X)[:, 0].astype(int)
        return (self.probs[rows], self.embeddings[rows]) if return_embeddings else self.probs[rows]  # type: ignore[index]
