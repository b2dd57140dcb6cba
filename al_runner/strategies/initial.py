"""How the samples of round 0 are chosen, when no model has been trained."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from al_runner.acquisition.balance import balanced
from al_runner.data.dataset import Split, normalize
from al_runner.data.formats import arrays
from al_runner.errors import InputError
from al_runner.loop.pool import Pool, Query
from al_runner.loop.protocols import Learner, Strategy
from al_runner.strategies.diversity import TypiClust, k_center
from al_runner.strategies.random import random

FEATURES = 1024
"""Numbers that stand for an image at most: larger ones are averaged over blocks of pixels."""
BY_NAME: dict[str, Strategy] = {"k_center": k_center, "typiclust": TypiClust()}
CHUNK = 256
"""Images that are looked at together."""


def initial(how: Strategy | str, features: str, train: Split) -> Strategy:
    """What chooses round 0's samples.

    Args:
        how: `random`, `class_balanced`, `k_center`, `typiclust`, or any strategy.
        features: what strategies see as embeddings: `images`, `model`, or the path of a .npy file.
        train: the training split.

    Raises:
        InputError: features or classes that are not to be had.
    """
    if how == "random":
        return random
    if how == "class_balanced":
        return ClassBalancedDraw(train.targets)
    strategy = BY_NAME[how] if isinstance(how, str) else how
    if features == "model":
        return strategy
    source = (lambda: image_features(train)) if features == "images" else _read(features, len(train))
    return OnFeatures(strategy, source)


@dataclass(frozen=True)
class ClassBalancedDraw:
    """As many random samples of each class as of the others: a simulation, for it looks at the labels.

    Where a class runs out, the others share what is left. In multi-label classification, the rarest (label,
    value) pair of a sample counts.

    Args:
        targets: int64 [N] classes, or integers [N, L] of 0/1.

    Raises:
        InputError: targets of another shape.
    """

    targets: Tensor

    def __post_init__(self) -> None:
        if self.targets.ndim > 2:
            raise InputError("schedule.initial=class_balanced needs data with labels of whole images")

    def __call__(self, learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:
        """Query balanced samples, in random order within a class."""
        order = random(learner, pool, len(pool), generator).indices
        classes_NS = self.targets[order].long().reshape(len(order), -1)
        n_classes = int(self.targets.max()) + 1
        return Query(order[balanced(classes_NS, classes_NS[:0], n_classes, size)])


def known_first(strategy: Strategy, train: Split) -> Strategy:
    """What chooses round 0's samples where some labels are known: those first."""
    return KnownFirst(strategy, train.told, train.targets) if len(train.told) else strategy


@dataclass(frozen=True)
class KnownFirst:
    """Queries the samples whose labels are known, then those of a strategy that knows of them.

    Args:
        strategy: chooses the others.
        known: int64 [n].
        targets: of the training split.
    """

    strategy: Strategy
    known: Tensor
    targets: Tensor

    def __call__(self, learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:
        """Query known samples, in random order, and more if they do not suffice."""
        order = torch.randperm(len(self.known), generator=generator)
        first = Query(self.known[order[:size]])
        if len(first) == size:
            return first
        seen = Pool(len(pool), pool.switch)
        seen.add(first, self.targets[first.indices], 0)
        rest = self.strategy(learner, seen, size - len(first), generator)
        return Query(torch.cat([first.indices, rest.indices]))


@dataclass(frozen=True)
class OnFeatures:
    """A strategy that sees given features in place of the model's embeddings.

    Args:
        strategy: asks for embeddings.
        features: gives them, [N, D], one row for each sample of the training split.
    """

    strategy: Strategy
    features: Callable[[], Tensor]

    def __call__(self, learner: Learner, pool: Pool, size: int, generator: torch.Generator) -> Query:
        """Query what the strategy would."""
        seeing = cast(Learner, _Seeing(learner, self.features()))
        return self.strategy(seeing, pool, size, generator)


class _Seeing:
    """A learner whose embeddings are given."""

    def __init__(self, learner: Learner, features_ND: Tensor) -> None:
        self.learner, self.features_ND = learner, features_ND

    def embed(self, indices: Tensor) -> Tensor:
        return self.features_ND[indices]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.learner, name)


def image_features(split: Split) -> Tensor:
    """The pixels of each image, averaged over blocks so that they are at most 1,024: float32 [N, D]."""
    channels, *size = split.images.shape[1:]
    room = (FEATURES / channels) ** (1 / len(size))
    pool = getattr(F, f"adaptive_avg_pool{len(size)}d")
    target = [max(1, math.floor(min(edge, room))) for edge in size]
    chunks = (normalize(chunk) for chunk in split.images.split(CHUNK))
    return torch.cat([pool(chunk, target).flatten(1).cpu() for chunk in chunks])


def _read(file: str, size: int) -> Callable[[], Tensor]:
    """The features of a .npy file, read and checked now.

    Raises:
        InputError: there is no such file, or it does not hold one finite row for each sample.
    """
    key, path = f"schedule.initial_features={file}", Path(file).expanduser()
    if path.suffix != ".npy":
        raise InputError(f"{key}: images, model, or a .npy file with one row for each training sample")
    try:
        array = arrays.read(path)
    except InputError as error:
        raise InputError(f"{key} cannot be read: {error}") from error
    if array.ndim != 2 or len(array) != size or array.dtype.kind not in "fiu":
        raise InputError(
            f"{key} holds {array.dtype} {list(array.shape)}; expected numbers [{size}, D], "
            "a row for each training sample"
        )
    features_ND = torch.from_numpy(array.astype(np.float32))
    if not features_ND.isfinite().all():
        raise InputError(f"{key} holds numbers that are not finite")
    return lambda: features_ND
