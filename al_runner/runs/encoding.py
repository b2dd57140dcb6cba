"""What a run does with an encoder: its features for strategies, and the learner that begins with it.

An encoder knows images and no labels, so it is the same for all runs of a study, and its features are kept.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from torch import Tensor, nn

from al_runner.config.schema import Config
from al_runner.data.dataset import Dataset
from al_runner.data.tasks import TrainingLoss
from al_runner.errors import InputError, within
from al_runner.learning.encoded import EncodedLearner, of_features
from al_runner.learning.encoders.base import Encoder
from al_runner.learning.finetuning import FineTuning
from al_runner.learning.learner import NetworkLearner
from al_runner.learning.linear import LinearHead, LinearLearner
from al_runner.learning.linear.learner import check_suits
from al_runner.learning.linear.posterior import NOTHING_TO_SAMPLE as OF_LINEAR
from al_runner.learning.machine import Machine
from al_runner.learning.optimizer import Optimizer
from al_runner.learning.posterior import NOTHING_TO_SAMPLE as OF_NETWORKS
from al_runner.learning.posterior import Posterior
from al_runner.models import NetworkBuilder
from al_runner.runs.components import principal

KEY = "encoder"
INSTEAD = "head=finetune trains on images"
Make = Callable[..., NetworkLearner]


@dataclass(frozen=True)
class Encoding:
    """An encoder, what it makes of the run's images, and what learns from that.

    It is trained, or loaded, when its features are first asked for.

    Attributes:
        encoder: images → features.
        head: learns from labels.
        dataset: the images that the encoder sees.
        machine: computes the features.
        embedding_size: of what strategies see; None = all features.
    """

    encoder: Encoder
    head: LinearHead | FineTuning | NetworkBuilder
    dataset: Dataset
    machine: Machine
    embedding_size: int | None

    @classmethod
    def prepared(
        cls, config: Config, parts: Callable[..., Any], machine: Machine, dataset: Dataset
    ) -> "Encoding | None":
        """The encoder that is asked for, if any.

        Raises:
            InputError: something asked for cannot be done with it.
        """
        if config.encoder is None:
            return None
        encoder, head = parts(KEY), parts("head")
        _check(config, head, dataset)
        return cls(encoder, head, dataset, machine, config.embedding_size)

    @cached_property
    def features(self) -> Mapping[str, Tensor]:
        """Of each split, float32 [N, D]."""
        with within(KEY):
            return self.encoder.encode(self.dataset, self.machine).splits

    def has_yet_to_learn(self, training_loss: TrainingLoss, posterior: Posterior | None) -> bool:
        """Whether the encoder learns for some minutes before anything can be chosen.

        Raises:
            InputError: it cannot learn, or what it learns does not suit the head.
        """
        if isinstance(self.head, LinearHead):
            check_suits(self.dataset.task, training_loss, posterior)
        asks = getattr(self.encoder, "has_yet_to_learn", None)  # one of the user's own need not know
        with within(KEY):
            return asks is not None and bool(asks(self.dataset))

    @property
    def embeddings(self) -> Tensor:
        """What strategies see of the training split: float32 [N, d]."""
        return principal(self.features["train"], self.embedding_size, self.dataset.fingerprint)

    @property
    def nothing_to_sample(self) -> str:
        """Which posteriors the head has, for strategies that need one."""
        return OF_LINEAR if isinstance(self.head, LinearHead) else OF_NETWORKS

    def linear(
        self, training_loss: TrainingLoss, posterior: Posterior | None, **options: Any
    ) -> LinearLearner | None:
        """The learner of a linear head, with options of `LinearLearner`; None = the head is a network."""
        if not isinstance(self.head, LinearHead):
            return None
        check_suits(self.dataset.task, training_loss, posterior)  # before an encoder is trained for nothing
        return LinearLearner(
            self.dataset,
            self.features,
            self.head,
            embeddings=self.embeddings,
            training_loss=training_loss,
            posterior=posterior,
            **options,
        )

    def frozen(self) -> nn.Module | None:
        """What makes the features that the head learns from; None = it learns from images.

        Raises:
            InputError: nothing makes them of other images.
        """
        if isinstance(self.head, FineTuning):
            return None
        if not hasattr(self.encoder, "frozen"):  # one of the user's own
            raise InputError(
                f"encoder {type(self.encoder).__name__} has no method `frozen`: nothing makes features "
                "of other images"
            )
        with within(KEY):
            return self.encoder.frozen(self.dataset, self.machine)

    def network(self, dataset: Dataset, recipe: Optimizer) -> tuple[Dataset, NetworkBuilder, Optimizer, Make]:
        """What a network is trained on, its builder, its optimizer, and what makes its learner.

        Args:
            dataset: as an augmentation left it.
            recipe: the optimizer that is asked for.
        """
        head = self.head
        if isinstance(head, LinearHead):
            raise TypeError("a linear head is no network")
        make: Make = partial(EncodedLearner, embeddings=self.embeddings, stored=self.dataset.train)
        if isinstance(head, FineTuning):
            with within(KEY):
                start = self.encoder.start(self.dataset, self.machine)
            return dataset, head.network(start), head.recipe(recipe), make
        return of_features(self.dataset, self.features), head, recipe, make


def _check(config: Config, head: object, dataset: Dataset) -> None:
    """Refuse what cannot be done with an encoder, or with features that stay as they are."""
    schedule = config.schedule
    if schedule.switch_dataset is not None or config.proxy is not None:
        key = "proxy" if config.proxy is not None else "schedule.switch_dataset"
        raise InputError(f"{key} cannot be combined with an encoder, which knows one data set: encoder=none")
    if isinstance(head, FineTuning):
        return
    if dataset.task.dense:
        raise InputError(
            f"head learns from one row of features for each image, and here are masks: {INSTEAD}"
        )
    if config.augmentation.placement != "none":
        raise InputError(
            f"augmentation={config.augmentation.placement} changes images, and their features stay as they "
            f"are: augmentation=none, or {INSTEAD}"
        )
    if schedule.final_model is not None:
        raise InputError(
            f"schedule.final_model is a network for images, and head learns from features: {INSTEAD}"
        )
    if isinstance(head, LinearHead):
        for key in ("best_epoch_by", "record_max"):
            if getattr(schedule, key) is not None:
                raise InputError(f"schedule.{key} looks at epochs, and head=linear has none: head=mlp has")
