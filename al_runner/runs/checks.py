"""What cannot be asked for together, found before anything is trained."""

from collections.abc import Mapping

from al_runner.config.schema import Config
from al_runner.data.dataset import Dataset, Split
from al_runner.errors import InputError, instead
from al_runner.learning.intervals import INTERVALS
from al_runner.learning.linear import LinearHead
from al_runner.learning.measuring import check_decides
from al_runner.learning.posterior import NOTHING_TO_SAMPLE, Posterior
from al_runner.loop.protocols import Strategy
from al_runner.runs.encoding import Encoding
from al_runner.strategies.checks import check_pixels
from al_runner.strategies.greedy_oracle import NEEDS, GreedyOracle
from al_runner.strategies.nested import nested
from al_runner.strategies.sampled import needs_samples
from al_runner.strategies.uncertainty import TWO_CLASSES, needs_two_classes
from al_runner.strategies.wrappers import SwitchStrategy

TARGET = "schedule.target.metric"


def check_unlabeled(config: Config) -> None:
    """Refuse what looks at labels that nobody knows yet."""
    for key, asked in (
        ("schedule.switch_dataset", config.schedule.switch_dataset is not None),
        ("proxy", config.proxy is not None),
        ("keep_pool", config.keep_pool),
        ("audit", config.audit.samples > 0),
        ("schedule.initial=class_balanced", config.schedule.initial == "class_balanced"),
    ):
        if asked:
            raise InputError(f"{key} needs the labels of the whole pool, and oracle=people asks for them")


def check_has_epochs(config: Config) -> None:
    """Refuse what is said of the epochs of a network, for a linear head, which has none."""
    for key, asked in (
        ("keep_epochs", config.keep_epochs),
        ("schedule.train_on_validation", config.schedule.train_on_validation),
    ):
        if asked:
            raise InputError(f"{key} is for networks: head=finetune or mlp, or encoder=none")


def check_fits(strategy: Strategy, dataset: Dataset, posterior: Posterior, encoding: Encoding | None) -> None:
    """Refuse a strategy that asks for what this run does not have."""
    if needs_samples(strategy) and not posterior.can_sample:
        raise InputError(encoding.nothing_to_sample if encoding else NOTHING_TO_SAMPLE)
    if dataset.task.n_classes > 2 and not dataset.task.several and needs_two_classes(strategy):
        raise InputError(TWO_CLASSES)
    check_pixels(strategy, dataset.task.dense, dataset.task.several)
    for each in nested(strategy):
        if isinstance(each, SwitchStrategy):  # a share of the pool that is no sample
            each.labels(len(dataset.train))
        if isinstance(each, GreedyOracle):
            _check_bound(each, dataset, encoding)


def _check_bound(bound: GreedyOracle, dataset: Dataset, encoding: Encoding | None) -> None:
    """Refuse an upper bound where models take long to fit, or there is nothing to look at."""
    if encoding is None or not isinstance(encoding.head, LinearHead):
        raise InputError(f"strategy=greedy_oracle {NEEDS}")
    if dataset.unlabeled:
        raise InputError("strategy=greedy_oracle looks at labels before they are bought, and here are none")
    metrics = [name for name, each in dataset.task.metrics().items() if each.higher_is_better]
    known = [f"{split}/{name}" for split in ("val", "test") for name in metrics]
    if bound.metric is not None and bound.metric not in known:
        raise InputError(
            f"strategy.metric={bound.metric} is not measured here; {instead(bound.metric, known)}"
        )


def check_metrics(config: Config, dataset: Dataset, later: Mapping[str, Split]) -> None:
    """Refuse a metric that cannot decide anything on these data, before anything is trained."""
    schedule, measured = config.schedule, [dataset.splits, *([later] if later else [])]
    # What people have yet to label is looked at when they did.
    vals = [splits["val"] for splits in measured]
    validation = [val.targets for val in vals if len(val.told) == len(val)]
    final, target, plateau = schedule.final_model, schedule.target, schedule.plateau
    if target.value is not None and target.bound == "low":
        _check_has_interval(target.metric, dataset)
    for key, metric in (
        (TARGET, target.metric if target.value is not None and target.bound == "value" else None),
        ("schedule.plateau.metric", plateau.metric if plateau.rounds is not None else None),
        ("schedule.best_epoch_by", schedule.best_epoch_by),
        ("schedule.record_max", schedule.record_max),
        ("schedule.final_model.record_max", final.record_max if final else None),
        ("objective", config.objective),
    ):
        if metric is not None:
            check_decides(key, metric, dataset.task, *validation)


def _check_has_interval(metric: str, dataset: Dataset) -> None:
    if not dataset.sampled("test"):
        raise InputError(
            "schedule.target.bound=low needs a test split that is a random sample, which has intervals: that "
            "of dataset=unlabeled"
        )
    known = [f"test/{name}" for name in INTERVALS]
    if metric not in known:
        raise InputError(f"{TARGET}={metric} has no interval; {instead(metric, known)}")
