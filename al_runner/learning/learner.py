"""The learner: a network that is trained and asked by index."""

import gc
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from al_runner.data.dataset import Dataset
from al_runner.data.tasks import TrainingLoss
from al_runner.data.transforms import Transforms
from al_runner.learning import states
from al_runner.learning.agreement import decisions, kappa
from al_runner.learning.aleatoric import SCORING_DRAWS, noise_variance, parts, whole_outputs
from al_runner.learning.batches import Epochs, LabeledSet, stored_at
from al_runner.learning.explaining import saliency_maps
from al_runner.learning.inference import Reduce, embeddings, forward
from al_runner.learning.machine import Machine
from al_runner.learning.measuring import decimal, measure, together
from al_runner.learning.optimizer import Optimizer
from al_runner.learning.patches import Patches, seen
from al_runner.learning.posterior import Point, Posterior
from al_runner.learning.residence import resident
from al_runner.learning.steps import Step, step_of
from al_runner.learning.taught import Teaching
from al_runner.learning.training import Training, train
from al_runner.learning.watching import Arrays, Watching
from al_runner.learning.worth import worth
from al_runner.loop.criteria import AGREEMENT
from al_runner.loop.protocols import Evaluation
from al_runner.loop.schedule import Round
from al_runner.loop.seeding import Streams
from al_runner.models import NetworkBuilder
from al_runner.models.saliency.base import Saliency


class NetworkLearner:
    """A neural network on a data set: fit, predict, embed, evaluate by index.

    Args:
        dataset: the images live on the device where they fit.
        build_network: (in_channels, n_outputs, image_size) → network.
        recipe: optimizer, learning rate, batch size.
        machine: device and precision.
        streams: initial weights, order of batches and dropout, each round its own.
        training_loss: how classes are weighed and drawn.
        build_final: the same for the final model.
        posterior: what predictions are sampled over; None = one network.
        patches: what of an image the network sees at once; None = all.
        transforms: change the images of training batches; predictions and evaluations see them as they are.
        best_epoch_by: keep the epoch with the best `val/<metric>`; None = the last epoch.
        warm: some round trains the last one's model on, so a checkpoint needs the optimizer's state.
        keep_predictions: evaluations also return what the task keeps of every validation and test sample.
        keep_epochs: evaluations also return the losses and accuracies after each epoch of the last training.
        train_on_validation: every training also has the validation samples.
        on_epoch: told (epochs done, epochs in all) while it trains.
    """

    def __init__(
        self,
        dataset: Dataset,
        build_network: NetworkBuilder,
        recipe: Optimizer,
        machine: Machine,
        streams: Streams,
        training_loss: TrainingLoss | None = None,
        build_final: NetworkBuilder | None = None,
        posterior: Posterior | None = None,
        patches: Patches | None = None,
        transforms: Transforms | None = None,
        best_epoch_by: str | None = None,
        warm: bool = True,
        keep_predictions: bool = False,
        keep_epochs: bool = False,
        train_on_validation: bool = False,
        on_epoch: Callable[[int, int], None] = lambda _done, _all: None,
    ) -> None:
        self.dataset = resident(dataset, machine)
        self.posterior: Posterior = Point() if posterior is None else posterior
        self.task = dataset.task
        self.patches = patches
        self.build_network = self._builder(build_network)
        self.build_final = None if build_final is None else self._builder(build_final)
        self.recipe, self.machine, self.streams, self.transforms = recipe, machine, streams, transforms
        self.best_epoch_by, self.warm, self.keep_predictions = best_epoch_by, warm, keep_predictions
        self.keep_epochs, self.on_epoch = keep_epochs, on_epoch
        self.teaching = Teaching.of(self.dataset, train_on_validation)
        self.watched: Arrays = {}
        self.training_loss = training_loss or TrainingLoss()
        self.metrics = self.task.metrics().to(machine.device)
        self.step: Step | None = None
        self._start(0, self.build_network)

    def _builder(self, build: NetworkBuilder) -> NetworkBuilder:
        """Of networks that can be sampled, and slid over images where they see patches."""
        sampled = self.posterior.build(build, self.task.mixture)
        return sampled if self.patches is None else self.patches.build(sampled)

    def _start(self, round_number: int, build: NetworkBuilder) -> None:
        """Fresh weights and a fresh optimizer, from the round's stream."""
        dataset = self.dataset
        with self.streams.as_global("model", round_number):
            network = build(dataset.channels, self.task.n_outputs, dataset.image_size)
        three_d = len(dataset.image_size) == 3
        layout = torch.channels_last_3d if three_d else torch.channels_last
        fresh: nn.Module = network.to(self.machine.device).to(memory_format=layout)
        if self.step is None or not self.step.renew(fresh):
            self.network, self.optimizer, self.step = fresh, self.recipe.build(fresh), None

    def fit(self, indices: Tensor, labels: Tensor, step: Round) -> Mapping[str, float]:
        """Train on training `indices` with the oracle's `labels`, from scratch if the round resets.

        Returns:
            `train/loss`, the mean over the last epoch; `val/<metric>_max` and `pool/kappa` if the round asks
            for them.

        Raises:
            InputError: the loss is not finite.
        """
        before = self._decisions(step.agreement) if step.agreement else None
        if step.reset and step.number:
            self._restart(step)
        change = self.transforms.drawn(step.number) if self.transforms else None
        cut = self.patches.cut(self.streams.generator("patches", step.number)) if self.patches else None
        split, indices, labels = self.teaching(indices, labels)
        labeled = LabeledSet(split, indices, labels, self.machine, change, cut)
        loss = self.posterior.loss(self.training_loss.of(self.task, labeled.labels))
        watching = Watching.of(self, step, labeled, loss)
        self.step = step_of(self.network, self.optimizer, loss, self.machine, self.step)
        training = Training(
            self.step,
            self.recipe,
            labeled.load,
            where="the final model" if step.final else f"round {step.number}",
            on_epoch=self.on_epoch,
        )
        self.network.train()  # Lightning leaves the mode as the last prediction set it
        order = self.streams.generator("order", step.number)
        chances = self.training_loss.chances(labels)
        data = Epochs(len(labeled), self.recipe.batch_size, order, chances)
        with self.streams.as_global("dropout", step.number):
            train(training, data, step.epochs, self.machine, watching.callbacks)
        self.watched = watching.arrays
        training.check(forward(self.network, split, labeled.indices[:16], self.machine))
        mean = torch.tensor(training.mean_loss / self.posterior.members)
        agreed = {} if before is None else {AGREEMENT: kappa(before, self._decisions(step.agreement))}
        return {"train/loss": decimal(mean), **watching.maximum, **agreed}

    def _decisions(self, count: int) -> Tensor:
        """The likeliest classes of `count` training samples, the same ones in every round."""
        return decisions(self, len(self.dataset.train), count, self.streams)

    def _restart(self, step: Round) -> None:
        """Fresh weights, for a round of the loop or for the final model."""
        if step.final:
            self.begin_final()
        else:
            self._start(step.number, self.build_network)
        if self.machine.device.type == "cuda":
            gc.collect()  # trainers and networks refer to each other: free the last network's memory

    def begin_final(self) -> None:
        """Fresh weights of the final model, from round 0's stream: so it is paired with runs of one round."""
        self.step = None
        self._start(0, self.build_final or self.build_network)

    def _measure(self, key: str) -> float:
        """A metric, `split/name`, of the network as it stands."""
        return self._evaluate(key.split("/")[0]).metrics[key]

    def predict(self, indices: Tensor, reduce: Reduce | None = None) -> Tensor:
        """Probabilities of training `indices`, the class axis last, or what `reduce` keeps of them."""
        chunks = forward(self.network, self.dataset.train, indices, self.machine)
        keep = reduce or (lambda probs: probs)
        with torch.inference_mode():
            return torch.cat([keep(self.probabilities(outputs)) for outputs in chunks])

    def probabilities(self, outputs: Tensor) -> Tensor:
        """Of a batch: [n, C] or [n, sites, C]; the mean of an ensemble's."""
        return (
            self._samples(outputs).mean(-2)
            if self.posterior.members > 1
            else self.task.probabilities(outputs)
        )

    def _samples(self, outputs: Tensor) -> Tensor:
        """Outputs [n, K, ...] → probabilities [n, K, C] or [n, sites, K, C]."""
        probs = self.task.probabilities(outputs.flatten(0, 1))
        return probs.unflatten(0, outputs.shape[:2]).movedim(1, -2)

    def sample(self, indices: Tensor, generator: torch.Generator, reduce: Reduce | None = None) -> Tensor:
        """Probabilities of training `indices` by K samples of the posterior, or what `reduce` keeps of them.

        Raises:
            InputError: there is nothing to sample.
        """
        keep = reduce or (lambda probs: probs)
        return self._sampled(indices, generator, lambda outputs: keep(self._samples(outputs)))

    def sample_with_noise(
        self, indices: Tensor, generator: torch.Generator, reduce: Callable[[Tensor, Tensor | None], Tensor]
    ) -> Tensor:
        """What `reduce` keeps of the same, and of the variance by noise, where the posterior learns it.

        Raises:
            InputError: there is nothing to sample.
        """
        if not self.posterior.learns_noise:
            return self.sample(indices, generator, lambda probs: reduce(probs, None))
        draws = torch.randn(SCORING_DRAWS, self.task.n_outputs, generator=generator).to(self.machine.device)

        def keep(outputs: Tensor) -> Tensor:
            logits, deviation = parts(outputs.float(), 2)
            return reduce(self._samples(logits), noise_variance(logits, deviation, draws, self._samples))

        with whole_outputs(self.network):
            return self._sampled(indices, generator, keep)

    def _sampled(self, indices: Tensor, generator: torch.Generator, keep: Reduce) -> Tensor:
        """What `keep` makes of the outputs [n, K, ...], chunk by chunk."""
        # The maps of every pixel times K would fill the memory that chunks are made to spare.
        copies = self.posterior.copies if self.task.dense or self.posterior.throughout else 1
        with self.posterior.sampling(seen(self.network), generator), torch.inference_mode():
            chunks = forward(self.network, self.dataset.train, indices, self.machine, copies)
            return torch.cat([keep(outputs) for outputs in chunks])

    def embed(self, indices: Tensor) -> Tensor:
        """Embeddings of training `indices`: float32 [n, D]."""
        return embeddings(self.network, self.dataset.train, indices, self.machine)

    def saliency(self, indices: Tensor, method: Saliency, reduce: Reduce | None = None) -> Tensor:
        """Saliency maps of training `indices`, float32 [n, ...], or what `reduce` keeps of them.

        Raises:
            InputError: the task or the network has none by this method.
        """
        maps = saliency_maps(self.network, self.dataset.train, indices, method, self.task, self.machine)
        return torch.cat([reduce(each) if reduce else each for each in maps])

    def images(self, indices: Tensor) -> Tensor:
        """Training `indices` as they are stored: uint8 [n, channels, ...]."""
        return stored_at(self.dataset.train, indices, self.machine)

    def worth(
        self,
        indices: Tensor,
        labels: Tensor,
        others: Tensor,
        other_labels: Tensor,
        step: Round,
        epochs: int,
    ) -> Tensor:
        """`val/auroc` of the model updated with `others` and each of some labeled samples: float64 [n].

        Raises:
            InputError: the loss is not finite.
        """
        return worth(self, (indices, labels), (others, other_labels), step, epochs)

    def evaluate(self, pool: Tensor | None = None) -> Evaluation:
        """Every metric on the validation and the test split, and on the training indices `pool`, if any."""
        found = [self._evaluate("val"), self._evaluate("test")]
        if pool is not None:
            found.append(self._evaluate("pool", pool))
        return together([*found, Evaluation({}, self.watched)])

    def _evaluate(self, name: str, pool: Tensor | None = None) -> Evaluation:
        """Of a split, or of some training indices under a name of their own."""
        split = self.dataset.splits[name] if pool is None else self.dataset.train
        indices = split.told if pool is None else pool
        outputs = forward(self.network, split, indices, self.machine)
        predictions = (self.probabilities(each) for each in outputs)
        patients = self.dataset.sampled(name) if pool is None else ()
        rest = self.metrics, self.keep_predictions and pool is None, patients, split.patients
        return measure(name, split.targets, indices, predictions, self.task, *rest)

    def save(self, path: Path) -> None:
        """Write the state."""
        states.write(self.state(), path)

    def load(self, path: Path) -> None:
        """Read what `save` wrote."""
        self.restore(states.read(path, self.machine.device))

    def state(self) -> dict[str, Any]:
        """The weights and, where a later round trains on, the optimizer's state."""
        state: dict[str, Any] = {"network": self.network.state_dict()}
        if self.warm:
            state["optimizer"] = self.optimizer.state_dict()
        return state

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take what `state` returned."""
        self.network.load_state_dict(state["network"])
        if self.warm:
            self.step = None  # the optimizer's state is at another place now
            self.optimizer.load_state_dict(state["optimizer"])
