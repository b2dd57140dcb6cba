"""The learner on frozen features: a linear head that is fitted and asked by index."""

import copy
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torchmetrics import MetricCollection

from al_runner.data.dataset import SPLITS, Dataset
from al_runner.data.tasks import Task, TrainingLoss
from al_runner.errors import InputError
from al_runner.learning import states
from al_runner.learning.agreement import decisions, kappa
from al_runner.learning.batches import stored_at
from al_runner.learning.inference import Reduce
from al_runner.learning.linear.answers import distributions, weighing
from al_runner.learning.linear.classes import of_counts
from al_runner.learning.linear.fit import Fit
from al_runner.learning.linear.head import LinearHead
from al_runner.learning.linear.planes import ROWS, Planes, Scale
from al_runner.learning.linear.posterior import NOTHING_TO_SAMPLE, LinearPosterior
from al_runner.learning.linear.refusals import WithoutNetwork
from al_runner.learning.machine import Machine
from al_runner.learning.measuring import decimal, measure, together
from al_runner.learning.posterior import Posterior
from al_runner.loop.criteria import AGREEMENT
from al_runner.loop.protocols import Evaluation
from al_runner.loop.schedule import Round
from al_runner.loop.seeding import Streams

ON_GPU = 2**21
"""Numbers of labeled features from which on a fit is faster on a GPU, if there is one."""


def check_suits(task: Task, training_loss: TrainingLoss, posterior: Posterior | None) -> None:
    """Refuse what a linear head cannot do, before there are features.

    Raises:
        InputError: the task, the loss or the posterior does not suit it.
    """
    if task.dense:
        raise InputError(
            "head=linear classifies whole images, and segmentation predicts pixels: "
            "head=finetune trains a network that begins with the encoder's weights"
        )
    if training_loss.balanced_batches:
        raise InputError(
            "loss.balanced_batches=true: head=linear has no batches; "
            "loss.class_weights=balanced weighs classes"
        )
    if posterior is not None and posterior.can_sample and not isinstance(posterior, LinearPosterior):
        raise InputError(
            f"posterior {type(posterior).__name__} samples networks: head=linear takes "
            "posterior=laplace or posterior=bootstrap"
        )


class LinearLearner(WithoutNetwork):
    """A linear head on frozen features: fit, predict, embed, evaluate by index.

    A fit depends on the labels and their order alone: there are no first weights, no epochs and no chance, so
    it makes no difference whether a round starts from scratch.

    Args:
        dataset: targets, task, and images for people.
        features: of each split, float32 [N, D], in the order of its samples.
        head: how it is fitted.
        machine: where the features live, if they fit.
        streams: which samples models are compared on.
        training_loss: how classes are weighed.
        posterior: what predictions are sampled over; None = one model.
        keep_predictions: evaluations also return what the task keeps of every validation and test sample.
        embeddings: what strategies see of the training split, float32 [N, d]; None = its features.

    Raises:
        InputError: the task, the loss, the posterior or the features do not suit it.
    """

    def __init__(
        self,
        dataset: Dataset,
        features: Mapping[str, Tensor],
        head: LinearHead,
        machine: Machine,
        streams: Streams,
        training_loss: TrainingLoss | None = None,
        posterior: Posterior | None = None,
        keep_predictions: bool = False,
        embeddings: Tensor | None = None,
    ) -> None:
        self.dataset, self.task, self.head = dataset, dataset.task, head
        self.machine, self.streams, self.keep_predictions = machine, streams, keep_predictions
        self.training_loss, self.posterior = training_loss or TrainingLoss(), posterior
        self.metrics = self.task.metrics().to(machine.device)
        check_suits(self.task, self.training_loss, posterior)
        self.features = {name: _checked(dataset, name, features[name]) for name in SPLITS}
        if machine.device.type != "cpu" and machine.holds(sum(each.nbytes for each in features.values())):
            self.features = {name: each.to(machine.device) for name, each in self.features.items()}
        self.embeddings = self.features["train"] if embeddings is None else embeddings
        self.scale = Scale.of(self.features["train"], head.standardize)
        everything = self.scale.apply(self.features["train"]).float() if head.guesses else torch.empty(0)
        self.guess = head.guesses.begin(everything) if head.guesses else None
        nothing = torch.empty(0, dtype=torch.int64)
        self._fit(nothing, dataset.train.targets[:0])

    def fit(self, indices: Tensor, labels: Tensor, step: Round) -> Mapping[str, float]:
        """Fit to training `indices` with the oracle's `labels`.

        Returns:
            `train/loss`, the mean over these samples; `train/strength`, C as it was chosen, and
            `train/temperature` if one was; `pool/kappa` if the round asks for it.
        """
        before = self._decisions(step.agreement) if step.agreement else None
        self._fit(indices, labels)
        found = {"train/loss": self._loss(indices, labels), "train/strength": 1 / self.model.penalty}
        if self.head.temperature:
            found["train/temperature"] = self.model.temperature
        agreed = {} if before is None else {AGREEMENT: kappa(before, self._decisions(step.agreement))}
        return {**{key: decimal(torch.tensor(value)) for key, value in found.items()}, **agreed}

    def _fit(self, indices: Tensor, labels: Tensor) -> None:
        weights = self.training_loss.weights(self.task, labels) if len(labels) else None
        known = distributions(labels, self.task.n_classes)
        points_ND = self._points(indices)
        known = known.to(points_ND)
        self.rows = indices
        """Training samples that the model was fitted to, with or without labels."""
        self._take(self.head.fit(points_ND, known, weights, self.scale))
        ways = self.head.guesses
        if ways is None or self.guess is None or not self.model.answers.shape[0]:
            return
        sure, everything = self.model, torch.arange(len(self.dataset.train))
        for _ in range(ways.iterations):
            guessed = self.guess(self.predict(everything).double(), indices, known)
            self.rows = torch.cat([indices, guessed.indices])
            self._take(self.head.fit_with(sure, self._points(self.rows), known, weights, guessed))

    def _points(self, indices: Tensor) -> Tensor:
        """Standardized features: float64 [n, D], where the fit is computed."""
        features = self.features["train"]
        points = features[indices.to(features.device)]
        fast = self.machine.device.type == "cpu" or points.numel() >= ON_GPU
        return self.scale.apply(points.to(self.machine.device if fast else "cpu"))

    def _take(self, model: Fit) -> None:
        self.model, self.planes = model, model.planes(self.machine.device)
        self.logits: Tensor | None = None
        """Of all training samples, once they are asked for."""

    def _loss(self, indices: Tensor, labels: Tensor) -> float:
        """The mean training loss, −log p of the labels times their weights."""
        known = distributions(labels, self.task.n_classes)
        likelihood = (self.predict(indices).cpu().double() * known).sum(-1)
        weights = weighing(self.training_loss.weights(self.task, labels))(known)
        return -float((weights * likelihood.clamp(min=torch.finfo(torch.float32).tiny).log()).mean())

    def _decisions(self, count: int) -> Tensor:
        return decisions(self, len(self.dataset.train), count, self.streams)

    def predict(self, indices: Tensor, reduce: Reduce | None = None) -> Tensor:
        """Probabilities of training `indices`: [n, C] or [n, L, 2], or what `reduce` keeps of them."""
        with torch.inference_mode():
            if self.logits is None:
                everything = torch.arange(len(self.dataset.train))
                self.logits = torch.cat(list(self._forward("train", everything, self.planes)))
            keep = reduce or (lambda probs: probs)
            chunks = indices.to(self.logits.device).split(ROWS)
            return torch.cat([keep(self.probabilities(self.logits[chunk])) for chunk in chunks])

    def _forward(self, split: str, indices: Tensor, planes: Planes) -> Iterator[Tensor]:
        """Logits of samples of a split, chunk by chunk: [n, …, P, K]."""
        features = self.features[split]
        # Many models of a sample would need more memory than its features.
        rows = max(1, ROWS * features.shape[1] // max(features.shape[1], len(planes.intercepts)))
        for chunk in indices.to(features.device).split(rows):
            yield planes.logits(features[chunk].to(self.machine.device))

    def probabilities(self, logits: Tensor) -> Tensor:
        """Of logits [..., P, K]: [..., C] or [..., L, 2]."""
        return self.model.answers.probabilities(logits)

    def sample(self, indices: Tensor, generator: torch.Generator, reduce: Reduce | None = None) -> Tensor:
        """Probabilities by K samples of the posterior: [n, K, C] or [n, L, K, 2], or what `reduce` keeps.

        Raises:
            InputError: there is nothing to sample.
        """
        if not isinstance(self.posterior, LinearPosterior):
            raise InputError(NOTHING_TO_SAMPLE)
        keep = reduce or (lambda probs: probs)
        with torch.inference_mode():
            planes = self.model.as_planes(*self.posterior.draw(self.model, generator), self.machine.device)
            chunks = self._forward("train", indices, planes)
            return torch.cat([keep(self.probabilities(logits).movedim(1, -2)) for logits in chunks])

    def sample_with_noise(
        self, indices: Tensor, generator: torch.Generator, reduce: Callable[[Tensor, Tensor | None], Tensor]
    ) -> Tensor:
        """What `reduce` keeps of the same; no noise is predicted.

        Raises:
            InputError: there is nothing to sample.
        """
        return self.sample(indices, generator, lambda probs: reduce(probs, None))

    def embed(self, indices: Tensor) -> Tensor:
        """The embeddings of training `indices` as they were given: float32 [n, d]."""
        return self.embeddings[indices.to(self.embeddings.device)].to(self.machine.device)

    def images(self, indices: Tensor) -> Tensor:
        """Training `indices` as they are stored: uint8 [n, channels, ...]."""
        return stored_at(self.dataset.train, indices, self.machine)

    def evaluate(self, pool: Tensor | None = None) -> Evaluation:
        """Every metric on the validation and the test split, and on the training indices `pool`, if any."""
        found = [self._evaluate("val"), self._evaluate("test")]
        return together(found if pool is None else [*found, self._evaluate("pool", pool)])

    def _evaluate(
        self, name: str, pool: Tensor | None = None, metrics: MetricCollection | None = None
    ) -> Evaluation:
        split = name if pool is None else "train"
        samples = self.dataset.splits[split]
        indices = samples.told if pool is None else pool
        predictions = (self.probabilities(each) for each in self._forward(split, indices, self.planes))
        keep = self.keep_predictions and pool is None
        patients = self.dataset.sampled(name) if pool is None else ()
        some = metrics or self.metrics
        owners = samples.patients if keep else ()
        return measure(name, samples.targets, indices, predictions, self.task, some, keep, patients, owners)

    def truth(self, indices: Tensor) -> Tensor:
        """The labels of training `indices` in the data set."""
        return self.dataset.train.targets[indices]

    def refitted(self, indices: Tensor, labels: Tensor) -> "LinearLearner":
        """A copy that is fitted to these samples; what a fit replaces is the copy's own."""
        other = copy.copy(self)
        other._fit(indices, labels)
        return other

    def measured(self, metric: str | None) -> float:
        """One metric, `split/name`; None = what the task is known by, on the test split."""
        metric = metric or f"test/{self.task.headline}"
        split, _, name = metric.partition("/")
        every = self.task.metrics()  # of a class that knows how probabilities are given to it
        alone = type(every)({name: every[name]}, compute_groups=False).to(self.machine.device)
        return self._evaluate(split, metrics=alone).metrics[metric]

    def save(self, path: Path) -> None:
        """Write the state."""
        states.write(self.state(), path)

    def load(self, path: Path) -> None:
        """Read what `save` wrote."""
        self.restore(states.read(path))

    def state(self) -> dict[str, Any]:
        """What the model was fitted to, and what came of it."""
        return {"rows": self.rows, "counts": self.model.answers.counts, **self.model.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take what `state` returned."""
        self.rows = state["rows"]
        of = of_counts(state["counts"])
        self._take(Fit.restored(state, of, self.scale, self._points(self.rows)))


def _checked(dataset: Dataset, name: str, features: Tensor) -> Tensor:
    """Features with a row of numbers for each sample, as float32."""
    expected, name_of = len(dataset.splits[name]), f"dataset {dataset.name}: the {name} split"
    if features.ndim != 2 or len(features) != expected or not features.shape[1]:
        shape = list(features.shape)
        raise InputError(
            f"{name_of} has {expected} samples, and its features are {shape}; expected a row for each"
        )
    if not features.sum(dtype=torch.float64).isfinite():
        raise InputError(f"{name_of} has features that are not finite numbers")
    return features.float()
