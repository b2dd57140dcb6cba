"""The typed config: what our own code reads of the composed one, checked before anything is loaded."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from al_runner import resolvers  # noqa: F401  so that a config can be resolved without the command
from al_runner.criteria import Criterion, Plateau, Stable, Target
from al_runner.errors import InputError
from al_runner.faults import faults
from al_runner.schedule import FinalModel, Schedule

Count = Annotated[int, Field(ge=1, strict=True)]
Seed = Annotated[int, Field(ge=0, strict=True)]
Part = Annotated[dict[str, Any], Field(min_length=1)]
ArmName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w .+-]*$")]
ValMetric = Annotated[str, Field(pattern=r"^val/\w+$")]


BY_CHANCE = ("random", "class_balanced")
"""First queries that look at no features."""
LATER = ("initial", "initial_features", "record_max", "plateau", "stable", "final_model", "switch_dataset")
"""Late additions to the schedule: left out where they ask for nothing, so that runs keep their folders."""


class Strict(BaseModel):
    """A config node that takes no key that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class EpochGrowth(Strict):
    """Epochs that grow by `grow` at every reset after the first."""

    start: Count
    grow: Annotated[int, Field(ge=0, strict=True)]


class Every(Strict):
    """Once in so many rounds."""

    every: Count


class TargetConfig(Strict):
    """Stop when a validation metric is reached."""

    metric: ValMetric
    value: float | None


class PlateauConfig(Strict):
    """Stop when a validation metric does not rise any more."""

    metric: ValMetric
    rounds: Count | None
    rise: Annotated[float, Field(gt=0)]


class StableConfig(Strict):
    """Stop when models of successive rounds agree."""

    kappa: Annotated[float, Field(gt=0, le=1)] | None
    rounds: Count
    samples: Count


class FinalModelConfig(Strict):
    """`schedule.final_model`: what is trained on all labels bought, once the loop has ended."""

    model: Part
    epochs: Count
    record_max: ValMetric | None = None


class SwitchConfig(Strict):
    """`schedule.switch_dataset`: from a share of the budget on, another data set is queried."""

    dataset: Part
    at: Annotated[float, Field(gt=0, lt=1)]
    measure: Literal["second", "first"] = "second"


class ScheduleConfig(Strict):
    """`schedule`: sizes in labels, epochs, resets, the end."""

    initial_size: Count | Literal["all"]
    initial: Literal["random", "class_balanced", "k_center", "typiclust"] | Part
    initial_features: Annotated[str, Field(min_length=1)]
    query_size: Count | Annotated[list[Count], Field(min_length=1)]
    budget: Count | Literal["all"]
    epochs: Count | EpochGrowth
    reset: Literal["every_round", "never"] | Every
    target: TargetConfig
    plateau: PlateauConfig
    stable: StableConfig
    best_epoch_by: ValMetric | None
    record_max: ValMetric | None
    evaluate_every: Count
    final_model: FinalModelConfig | None
    switch_dataset: SwitchConfig | None = None

    @model_validator(mode="after")
    def _sizes_fit(self) -> "ScheduleConfig":
        if self.initial_size == "all" and self.budget != "all":
            raise ValueError("initial_size=all needs budget=all")
        if self.initial_size != "all" and self.budget != "all" and self.initial_size > self.budget:
            raise ValueError(f"initial_size={self.initial_size} exceeds budget={self.budget}")
        return self

    def canonical(self) -> dict[str, Any]:
        """The schedule as plain values, the same for the same science: `4` and `[4]` are one query size."""
        plain = {**self.model_dump(), "query_size": self._query_sizes()}
        later = {
            "initial": None if self.initial == "random" else self.initial,
            "initial_features": None if self.initial in BY_CHANCE else self.initial_features,
            "plateau": self.plateau.rounds and plain["plateau"],
            "stable": self.stable.kappa and plain["stable"],
        }
        return {
            key: value for key, value in {**plain, **later}.items() if key not in LATER or value is not None
        }

    def _query_sizes(self) -> list[int]:
        return [self.query_size] if isinstance(self.query_size, int) else self.query_size

    def build(self) -> Schedule:
        """The schedule itself."""
        growing = self.epochs if isinstance(self.epochs, EpochGrowth) else None
        resets = {"every_round": 1, "never": None}
        final = self.final_model
        return Schedule(
            initial_size=None if self.initial_size == "all" else self.initial_size,
            query_sizes=self._query_sizes(),
            budget=None if self.budget == "all" else self.budget,
            epochs=self.epochs if isinstance(self.epochs, int) else self.epochs.start,
            epochs_growth=growing.grow if growing else 0,
            reset_every=self.reset.every if isinstance(self.reset, Every) else resets[self.reset],
            evaluate_every=self.evaluate_every,
            record_max=self.record_max,
            agreement=self.stable.samples if self.stable.kappa else 0,
            criteria=list(self._criteria()),
            final_model=FinalModel(final.epochs, final.record_max) if final else None,
        )

    def _criteria(self) -> Iterator[Criterion]:
        """Those that are asked for."""
        target, plateau, stable = self.target, self.plateau, self.stable
        if target.value is not None:
            yield Target(target.metric, target.value)
        if plateau.rounds is not None:
            yield Plateau(plateau.metric, plateau.rounds, plateau.rise)
        if stable.kappa is not None:
            yield Stable(stable.kappa, stable.rounds)


class LossConfig(Strict):
    """`loss`: what a training minimizes, besides what the task says."""

    one_logit: bool = False
    class_weights: Literal["balanced"] | list[float] | None = None
    balanced_batches: bool = False

    @field_validator("class_weights", mode="before")
    @classmethod
    def _is_weights(cls, value: Any) -> Any:
        given = isinstance(value, list) and all(_above_zero(weight) for weight in value)
        if not given and value not in (None, "balanced"):
            raise ValueError(f"{value} is neither balanced nor a list of one number above 0 for each class")
        return value

    def canonical(self) -> dict[str, Any]:
        """What is asked for, as plain values; nothing where it is the task's own loss."""
        return self.model_dump(exclude_defaults=True)


class PatchesConfig(Strict):
    """`patches`: what of an image a segmentation network sees at once."""

    size: Annotated[list[Count], Field(min_length=2, max_length=3)] | None
    foreground: Annotated[float, Field(ge=0, le=1)]
    overlap: Annotated[float, Field(ge=0, lt=1)]

    def canonical(self) -> dict[str, Any]:
        """What is asked for, as plain values; nothing where networks see whole images."""
        return self.model_dump() if self.size else {}


class AugmentationConfig(Strict):
    """`augmentation`: what the transforms change."""

    placement: Literal["none", "pre_query", "post_query"]


class ImageNoiseConfig(Strict):
    """`image_noise`: Gaussian noise, drawn once for each image."""

    sigma: Annotated[float, Field(ge=0, le=1)] = 0.0
    splits: Annotated[list[Literal["train", "val", "test"]], Field(min_length=1)] = ["train", "val", "test"]

    def canonical(self) -> dict[str, Any]:
        """What is asked for, as plain values; nothing where it is no noise."""
        return {"sigma": self.sigma, "splits": sorted(set(self.splits))} if self.sigma else {}


class AuditConfig(Strict):
    """`audit`: samples that are kept with their saliency maps, of the most and of the least informative."""

    samples: Annotated[int, Field(ge=0, le=10, strict=True)]
    saliency: Part | None

    @model_validator(mode="after")
    def _has_maps(self) -> "AuditConfig":
        if self.samples and self.saliency is None:
            raise ValueError(f"samples={self.samples} needs maps: audit=maps")
        return self


class ReportConfig(Strict):
    """`report`: what al-report calls a run, where it is an arm of a study whose settings differ."""

    arm: ArmName | None
    baseline: ArmName | None


class ProxyConfig(Strict):
    """`proxy`: another task of the same samples, whose network strategies ask."""

    dataset: Part
    model: Part
    optimizer: Part
    epochs: Count
    best_epoch_by: ValMetric | None = None


class TrainerConfig(Strict):
    """`trainer`: the machine."""

    accelerator: Literal["auto", "cpu", "gpu"]
    precision: Literal["auto", "32", "bf16"]
    threads: Count | None


class Config(Strict):
    """The composed config. Nodes with a `_target_` are checked by what they build."""

    seed: Seed
    name: Annotated[str, Field(min_length=1)]
    data_dir: Path
    output_dir: Path
    keep_checkpoints: Literal["last", "all", "none"]
    keep_predictions: bool
    keep_pool: bool
    audit: AuditConfig
    objective: ValMetric | None
    report: ReportConfig
    schedule: ScheduleConfig
    loss: LossConfig
    image_noise: ImageNoiseConfig = ImageNoiseConfig()
    patches: PatchesConfig
    proxy: ProxyConfig | None = None
    augmentation: AugmentationConfig
    transforms: dict[str, Any]
    trainer: TrainerConfig
    dataset: Part
    model: Part
    posterior: Part
    strategy: Part
    oracle: Part
    optimizer: Part
    logger: Part

    @field_validator("proxy", mode="before")
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
    try:
        return Config.model_validate(to_dict(composed))
    except ValidationError as error:
        raise InputError("; ".join(faults(error, _field_names()))) from error


def to_dict(composed: DictConfig) -> dict[str, Any]:
    """The composed config as plain values.

    Raises:
        InputError: a mandatory value is missing, or an interpolation leads nowhere.
    """
    if missing := list(_missing(OmegaConf.to_container(composed, resolve=False))):
        raise InputError(f"{', '.join(sorted(missing))} must be given")
    try:
        plain = OmegaConf.to_container(composed, resolve=True)
    except OmegaConfBaseException as error:
        where = f"{error.full_key}: " if error.full_key else ""
        raise InputError(f"{where}{str(error).splitlines()[0]}") from error
    return {str(key): value for key, value in dict(plain).items()}  # type: ignore[arg-type]


def _missing(node: Any, path: str = "") -> Iterator[str]:
    """The keys whose value is `???`."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _missing(value, f"{path}.{key}" if path else str(key))
    elif node == "???":
        yield path


def _field_names() -> set[str]:
    """The keys of every node that is checked here."""
    return {name for model in Strict.__subclasses__() for name in model.model_fields}
