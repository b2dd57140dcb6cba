"""`schedule` of the typed config: sizes, epochs, resets, the end, and the schedule that they make."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from al_runner.config.nodes import Count, Flag, Number, Part, Size, Strict, ValMetric
from al_runner.loop.criteria import Criterion, Plateau, Stable, Target
from al_runner.loop.schedule import FinalModel, Schedule

BY_CHANCE = ("random", "class_balanced")
"""First queries that look at no features."""
SPLITS_OF_BOUNDS = {
    "value": ("val", "a validation metric"),
    "low": ("test", "a metric of the random sample, which has intervals"),
}
"""What has to reach a target → the split that it is measured on, and what that is."""
LATER = (
    "initial",
    "initial_features",
    "record_max",
    "plateau",
    "stable",
    "final_model",
    "switch_dataset",
    "train_on_validation",
)
"""Late additions to the schedule: left out where they ask for nothing, so that runs keep their folders."""


class EpochGrowth(Strict):
    """Epochs that grow by `grow` at every reset after the first.

    Attributes:
        start: epochs until the first reset.
        grow: what every reset adds.
    """

    start: Count
    grow: Annotated[int, Field(ge=0, strict=True)]


class Every(Strict):
    """Once in so many rounds.

    Attributes:
        every: rounds between trainings from scratch.
    """

    every: Count


class TargetConfig(Strict):
    """Stop when a metric is reached.

    Attributes:
        metric: which validation metric; with bound=low, which test metric of a random sample.
        value: to be reached; null: it stops nothing.
        bound: what has to reach it: the metric's value, or the low end of its 95 % interval.
    """

    metric: Annotated[str, Field(pattern=r"^(val|test)/\w+$")]
    value: Number | None
    bound: Literal["value", "low"] = "value"

    @model_validator(mode="after")
    def _has_bound(self) -> "TargetConfig":
        split, kind = SPLITS_OF_BOUNDS[self.bound]
        idle = self.value is None and self.bound == "low"
        if not idle and not self.metric.startswith(f"{split}/"):
            instead = f"{split}/{self.metric.partition('/')[2]}"
            raise ValueError(f"metric={self.metric}: bound={self.bound} needs {kind}, such as {instead}")
        return self

    def canonical(self) -> dict[str, Any]:
        """As plain values; without a bound where it is the value, or where nothing is stopped."""
        asked = self.bound != "value" and self.value is not None
        return self.model_dump() if asked else self.model_dump(exclude={"bound"})


class PlateauConfig(Strict):
    """Stop when a validation metric does not rise any more.

    Attributes:
        metric: which validation metric.
        rounds: for so many rounds.
        rise: by so much.
    """

    metric: ValMetric
    rounds: Count | None
    rise: Annotated[Number, Field(gt=0)]


class StableConfig(Strict):
    """Stop when models of successive rounds agree."""

    kappa: Annotated[Number, Field(gt=0, le=1)] | None
    rounds: Count
    samples: Size


class FinalModelConfig(Strict):
    """`schedule.final_model`: what is trained on all labels bought, once the loop has ended.

    Attributes:
        model: the network: +model@schedule.final_model.model=resnet18.
        epochs: of its training.
        record_max: as schedule.record_max, of this training.
    """

    model: Part
    epochs: Count
    record_max: ValMetric | None = None


class SwitchConfig(Strict):
    """`schedule.switch_dataset`: from a share of the budget on, another data set is queried.

    Attributes:
        dataset: the second set: +dataset@schedule.switch_dataset.dataset=chexpert.
        at: the share of the budget.
        measure: whose validation and test split models are measured on after the switch.
    """

    dataset: Part
    at: Annotated[Number, Field(gt=0, lt=1)]
    measure: Literal["second", "first"] = "second"


class ScheduleConfig(Strict):
    """`schedule`: sizes in labels or as shares of the pool, epochs, resets, the end.

    Attributes:
        train_on_validation: every round also trains on the validation images and their labels; what is
            measured on them then says nothing about other images.
    """

    initial_size: Size | Literal["all"]
    initial: Literal["random", "class_balanced", "k_center", "typiclust", "strategy"] | Part
    initial_features: Annotated[str, Field(min_length=1)]
    query_size: Size | Annotated[list[Size], Field(min_length=1)]
    budget: Size | Literal["all"]
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
    train_on_validation: Flag = False

    @model_validator(mode="after")
    def _validation_is_no_judge(self) -> "ScheduleConfig":
        final = self.final_model
        asked = {
            "best_epoch_by": self.best_epoch_by,
            "plateau.rounds": self.plateau.rounds,
            "target.value": self.target.bound == "value" and self.target.value,
            "final_model.record_max": final and final.record_max,
        }
        judged = [key for key, value in asked.items() if value not in (None, False)]
        if self.train_on_validation and judged:
            raise ValueError(f"train_on_validation leaves no validation images that could decide {judged[0]}")
        return self

    @model_validator(mode="after")
    def _sizes_fit(self) -> "ScheduleConfig":
        if self.initial_size == "all" and self.budget != "all":
            raise ValueError("initial_size=all needs budget=all")
        initial, budget = self.initial_size, self.budget  # shares are compared once the pool is known
        if isinstance(initial, int) and isinstance(budget, int) and initial > budget:
            raise ValueError(f"initial_size={initial} exceeds budget={budget}")
        return self

    def canonical(self) -> dict[str, Any]:
        """The schedule as plain values, the same for the same science: `4` and `[4]` are one query size."""
        plain = {**self.model_dump(), "query_size": self._query_sizes()}
        plain["target"] = self.target.canonical()
        later = {
            "initial": None if self.initial == "random" else self.initial,
            "initial_features": None if self.initial in BY_CHANCE else self.initial_features,
            "plateau": self.plateau.rounds and plain["plateau"],
            "stable": self.stable.kappa and plain["stable"],
            "train_on_validation": self.train_on_validation or None,
        }
        return {
            key: value for key, value in {**plain, **later}.items() if key not in LATER or value is not None
        }

    def _query_sizes(self) -> list[Size]:
        return self.query_size if isinstance(self.query_size, list) else [self.query_size]

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
            yield Target(target.metric, target.value, target.bound == "low")
        if plateau.rounds is not None:
            yield Plateau(plateau.metric, plateau.rounds, plateau.rise)
        if stable.kappa is not None:
            yield Stable(stable.kappa, stable.rounds)
