"""The typed config: what our own code reads of the composed one, checked before anything is loaded."""

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import Field, ValidationError, field_validator, model_validator

from al_runner.config import resolvers  # noqa: F401  so that a config can be resolved without the command
from al_runner.config.faults import faults
from al_runner.config.keys import keys, no_key
from al_runner.config.nodes import ArmName, Count, Flag, Folder, Number, Part, Seed, Strict, ValMetric
from al_runner.config.schedule_node import ScheduleConfig
from al_runner.errors import InputError


class LossConfig(Strict):
    """`loss`: what a training minimizes, besides what the task says."""

    one_logit: Flag = False
    class_weights: Literal["balanced"] | list[float] | None = None
    balanced_batches: Flag = False

    @field_validator("class_weights", mode="before")
    @classmethod
    def _is_weights(cls, value: Any) -> Any:
        given = isinstance(value, list) and value and all(_above_zero(weight) for weight in value)
        if not given and value not in (None, "balanced"):
            raise ValueError(f"{value} is neither balanced nor a list of one number above 0 for each class")
        return value

    def canonical(self) -> dict[str, Any]:
        """What is asked for, as plain values; nothing where it is the task's own loss."""
        return self.model_dump(exclude_defaults=True)


class PatchesConfig(Strict):
    """`patches`: what of an image a segmentation network sees at once."""

    size: Annotated[list[Count], Field(min_length=2, max_length=3)] | None
    foreground: Annotated[Number, Field(ge=0, le=1)]
    overlap: Annotated[Number, Field(ge=0, lt=1)]

    def canonical(self) -> dict[str, Any]:
        """What is asked for, as plain values; nothing where networks see whole images."""
        return self.model_dump() if self.size else {}


class AugmentationConfig(Strict):
    """`augmentation`: when the transforms change images.

    Attributes:
        placement: never, once before the first query, or anew in every training batch.
    """

    placement: Literal["none", "pre_query", "post_query"]


class ImageNoiseConfig(Strict):
    """`image_noise`: Gaussian noise, drawn once for each image.

    Attributes:
        sigma: deviation, of images from 0 to 1.
        splits: whose images are changed.
    """

    sigma: Annotated[Number, Field(ge=0, le=1)] = 0.0
    splits: list[Literal["train", "val", "test"]] = Field(default=["train", "val", "test"], min_length=1)

    def canonical(self) -> dict[str, Any]:
        """What is asked for, as plain values; nothing where it is no noise."""
        return {"sigma": self.sigma, "splits": sorted(set(self.splits))} if self.sigma else {}


class AuditConfig(Strict):
    """`audit`: samples that are kept with their saliency maps, of the most and of the least informative.

    Attributes:
        samples: of each kind.
        saliency: what makes the maps: saliency@audit.saliency=grad_cam.
        follow: samples whose maps by every measured model are kept, too: positions in the training split.
    """

    samples: Annotated[int, Field(ge=0, le=10, strict=True)]
    saliency: Part | None
    follow: list[Annotated[int, Field(ge=0, strict=True)]] = Field(default=[], max_length=10)

    @model_validator(mode="after")
    def _has_maps(self) -> "AuditConfig":
        if self.samples and self.saliency is None:
            raise ValueError(f"samples={self.samples} needs maps: audit=maps")
        if self.follow and not self.samples:
            raise ValueError(f"follow={self.follow} needs maps: audit=maps")
        return self


class ReportConfig(Strict):
    """`report`: what al-report calls a run, where it is an arm of a study whose settings differ.

    Attributes:
        arm: what the report calls this run's arm; null: by what differs.
        baseline: the arm to compare with; null: random.
    """

    arm: ArmName | None
    baseline: ArmName | None


class ProxyConfig(Strict):
    """`proxy`: another task of the same samples, whose network strategies ask.

    Attributes:
        dataset: the same training samples with other labels: +dataset@proxy.dataset=….
        model: the network that strategies ask: model@proxy.model=resnet18.
        optimizer: what trains it: optimizer@proxy.optimizer=adam.
        epochs: of its training, in each round.
        best_epoch_by: keep its epoch with the best val/<metric>; null: the last epoch.
    """

    dataset: Part
    model: Part
    optimizer: Part
    epochs: Count
    best_epoch_by: ValMetric | None = None


class TrainerConfig(Strict):
    """`trainer`: the machine.

    Attributes:
        accelerator: auto: a CUDA GPU where there is one.
        precision: of training on it; auto: what is fastest there for this network, and 32 on a CPU.
        threads: of the CPU.
        graphs: on: training steps on a GPU are captured as CUDA graphs; auto: as off, until that was tried on
            enough cards.
    """

    accelerator: Literal["auto", "cpu", "gpu"]
    precision: Literal["auto", "32", "tf32", "bf16"]
    threads: Count | None
    graphs: Literal["auto", "on", "off"] = "auto"

    @field_validator("graphs", mode="before")
    @classmethod
    def _as_words(cls, value: Any) -> Any:
        return {True: "on", False: "off"}[value] if type(value) is bool else value  # YAML's on and off

    @field_validator("precision", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        return "32" if type(value) is int and value == 32 else value  # as it is written on the command line


class Config(Strict):
    """The composed config. Nodes with a `_target_` are checked by what they build.

    Attributes:
        transforms: what an augmentation does, step by step.
        dataset: images, labels, splits and the task.
        model: the network.
        encoder: images → features, independent of labels; null: the network learns from images alone.
        embedding_size: of what strategies see of an encoder: so many principal components of its features;
            null: all of them.
        head: what learns from the encoder's features.
        posterior: what a strategy may sample the model over.
        strategy: which unlabeled samples are labeled next.
        oracle: who answers queries, and what an answer costs.
        optimizer: how the network is trained on the labels so far.
        logger: where metrics go besides the run folder.
    """

    seed: Seed
    name: Folder
    data_dir: Path
    output_dir: Path
    keep_checkpoints: Literal["last", "all", "none"]
    keep_predictions: Flag
    keep_pool: Flag
    keep_epochs: Flag = False
    audit: AuditConfig
    objective: ValMetric | None
    report: ReportConfig
    schedule: ScheduleConfig
    loss: LossConfig
    image_noise: ImageNoiseConfig = ImageNoiseConfig()
    patches: PatchesConfig
    proxy: ProxyConfig | None = None
    augmentation: AugmentationConfig
    transforms: dict[str, Part]
    trainer: TrainerConfig
    dataset: Part
    model: Part
    encoder: Part | None = None
    head: Part | None = None
    embedding_size: Count | None = 64
    posterior: Part
    strategy: Part
    oracle: Part
    optimizer: Part
    logger: Part

    @model_validator(mode="after")
    def _encoder_has_a_head(self) -> "Config":
        if self.encoder is not None and self.head is None:
            raise ValueError("an encoder needs a head, such as head=linear")
        return self

    @field_validator("data_dir", "output_dir", mode="before")
    @classmethod
    def _is_named(cls, value: Any) -> Any:
        if value == "":
            raise ValueError("must be given: . is the current folder")
        return value

    @field_validator("model", "encoder", "head", "posterior", "strategy", "oracle", "optimizer", "logger")
    @classmethod
    def _can_be_built(cls, node: dict[str, Any] | None) -> dict[str, Any] | None:
        if node is not None and "_target_" not in node:
            raise ValueError("needs a _target_: the dotted name of a function or class")
        return node

    @field_validator("proxy", "encoder", mode="before")
    @classmethod
    def _asked_for(cls, value: Any) -> Any:
        return None if value == {} else value  # what proxy=none composes


def _above_zero(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


def validate(composed: DictConfig) -> Config:
    """The typed form of a composed config.

    Raises:
        InputError: a value is missing, mistyped or impossible; names each.
    """
    return checked(to_dict(composed))


def checked(plain: Mapping[str, Any]) -> Config:
    """The same of its plain values."""
    try:
        return Config.model_validate(plain)
    except ValidationError as error:
        raise InputError("; ".join(faults(error, list(known_keys())))) from error


def to_dict(composed: DictConfig) -> dict[str, Any]:
    """The composed config as plain values.

    Raises:
        InputError: a mandatory value is missing, or an interpolation leads nowhere.
    """
    try:
        plain = OmegaConf.to_container(composed, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        if missing := list(_missing(OmegaConf.to_container(composed, resolve=False))):
            raise InputError(f"{', '.join(sorted(missing))} must be given") from error
        raise InputError(_leads_nowhere(error, composed)) from error
    return {str(key): value for key, value in dict(plain).items()}  # type: ignore[arg-type]


def _leads_nowhere(error: OmegaConfBaseException, composed: DictConfig) -> str:
    """An interpolation that cannot be resolved, and which key was meant by it."""
    where = f"{error.full_key}: " if error.full_key else ""
    said = str(error).splitlines()[0]
    if found := re.fullmatch(r"Interpolation key '(.*)' not found", said):
        others = [key for key in keys(composed) if key != error.full_key]
        return f"{where}{no_key(found[1], others)}"
    return f"{where}{said}"


def _missing(node: Any, path: str = "") -> Iterator[str]:
    """The keys whose value is `???`."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _missing(value, f"{path}.{key}" if path else str(key))
    elif node == "???":
        yield path


def known_keys(model: type[Strict] = Config, path: str = "") -> Iterator[str]:
    """The keys of every node that is checked here, with dots."""
    for name, field in model.model_fields.items():
        yield f"{path}{name}"
        for inner in _models(field.annotation):
            yield from known_keys(inner, f"{path}{name}.")


def _models(annotation: Any) -> Iterator[type[Strict]]:
    """The nodes that a field may hold."""
    if isinstance(annotation, type) and issubclass(annotation, Strict):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
