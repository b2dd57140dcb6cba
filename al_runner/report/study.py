"""Which runs are compared with which: experiments, their arms, and the seeds that pair them."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from al_runner.errors import InputError
from al_runner.report.curves import Curve
from al_runner.report.runs import NONE, Run

ASKS_FIRST = ("schedule.", "dataset")
"""Keys whose values must agree before runs of one data set are compared."""


@dataclass(frozen=True)
class Arm:
    """Repetitions that differ in their seed alone.

    Attributes:
        label: the strategy, with what tells it from other arms of its name.
        finished: its finished runs, by seed.
        unfinished: those that stopped, wait, or still run; drawn, never part of a statistic.
    """

    label: str
    finished: tuple[Run, ...]
    unfinished: tuple[Run, ...]

    @property
    def runs(self) -> tuple[Run, ...]:
        """All of them."""
        return self.finished + self.unfinished

    @property
    def strategy(self) -> str:
        """The name of the strategy's file."""
        return self.runs[0].strategy

    def curve(self, metric: str) -> Curve | None:
        """The learning curves of the finished runs; None without any that measured it.

        Raises:
            InputError: they have no number of labels in common.
        """
        rows = {run.seed: run.rows for run in self.finished if run.measured(metric)}
        try:
            return Curve.of(rows, metric) if rows else None
        except ValueError as error:
            raise InputError(f"{self.label}: {error}") from error


@dataclass(frozen=True)
class Experiment:
    """Arms that may be compared: one data set, one setting.

    Attributes:
        title: the data set, with what tells it from other experiments on it.
        arms: the baseline first, if there is one.
        baseline: whether there is one.
        full: runs on all labels of the same data with the same network, optimizer and oracle; one a seed.
    """

    title: str
    arms: tuple[Arm, ...]
    baseline: bool
    full: tuple[Run, ...] = field(default=())

    @property
    def dataset(self) -> str:
        """The data set's name."""
        return self.arms[0].runs[0].dataset


def experiments(runs: Sequence[Run], baseline: str, force: bool = False) -> list[Experiment]:
    """Group runs into what may be compared.

    Runs of one data set that differ in strategy are arms of one experiment. Those that differ in something
    else, such as the network, are experiments of their own.

    Args:
        runs: of any kind, each once.
        baseline: the strategy, or the arm's label, that the others are compared with.
        force: make one experiment of each data set whatever differs.

    Raises:
        InputError: runs of one data set differ in its content or in their schedule, no two arms can be
            compared, or several arms are the baseline; says what differs.
    """
    found: list[Experiment] = []
    for same_data in _grouped(runs, lambda run: run.dataset).values():
        active = [run for run in same_data if not run.uses_all_labels] or same_data
        full = [run for run in same_data if run.uses_all_labels and run not in active]
        settings = list(_grouped(active, _setting).values())
        differing = _differing(active)
        if not force:
            _refuse(settings, [key for key in differing if key.startswith(ASKS_FIRST)])
        for group in [active] if force else settings:
            shared = [] if force else [key for key in differing if not key.startswith("strategy")]
            title = ", ".join([group[0].dataset, *_values(group[0], shared)])
            arms, has_baseline = _first(_arms(group), baseline)
            found.append(Experiment(title, arms, has_baseline, _reference(full, group[0])))
    if not force:
        _refuse_nothing_to_compare(found)
    return found


def _grouped(runs: Iterable[Run], key: Callable[[Run], object]) -> dict[object, list[Run]]:
    groups: dict[object, list[Run]] = defaultdict(list)
    for run in runs:
        groups[key(run)].append(run)
    return groups


def _setting(run: Run) -> frozenset[tuple[str, str]]:
    """All that a fair comparison of strategies shares."""
    return frozenset((key, value) for key, value in run.science.items() if not key.startswith("strategy"))


def _reference(full: Sequence[Run], run: Run) -> tuple[Run, ...]:
    """The finished runs on all labels that differ from a run in their schedule and strategy only.

    A strategy chooses nothing where all is labeled, so one run of each seed counts.
    """

    def rest(each: Run) -> frozenset[tuple[str, str]]:
        return frozenset(item for item in _setting(each) if not item[0].startswith("schedule."))

    alike = [each for each in full if each.finished and rest(each) == rest(run)]
    return tuple({each.seed: each for each in alike}.values())


def _differing(runs: Sequence[Run]) -> list[str]:
    """The keys in which some runs differ."""
    keys = dict.fromkeys(key for run in runs for key in run.science)
    return [key for key in keys if len({run.science.get(key) for run in runs}) > 1]


def _values(run: Run, keys: Iterable[str]) -> list[str]:
    """`key=value` for each key; what builds a part by its name alone: `model=resnet18`."""
    words = []
    for key in keys:
        value = run.science.get(key, NONE)
        if key.endswith("_target_"):
            key, value = key.removesuffix("._target_"), value.rpartition(".")[2]
        words.append(f"{key}={value}")
    return words


def _refuse(settings: Sequence[Sequence[Run]], keys: Sequence[str]) -> None:
    """Runs whose budgets or data differ give curves that must not be compared unasked."""
    if not keys:
        return
    key = keys[0]
    counts: dict[str, int] = defaultdict(int)
    for run in (run for group in settings for run in group):
        counts[run.science.get(key, NONE)] += 1
    listed = ", ".join(f"{value}: {count} runs" for value, count in sorted(counts.items()))
    also = f" (also in {', '.join(keys[1:])})" if len(keys) > 1 else ""
    value = sorted(counts)[0]
    raise InputError(
        f"runs of {settings[0][0].dataset} differ in {key} ({listed}){also}: choose with "
        f"--where '{key}={value}', or compare them all the same with --force"
    )


def _refuse_nothing_to_compare(found: Sequence[Experiment]) -> None:
    labels = {arm.label for experiment in found for arm in experiment.arms}
    if len(found) > 1 and len(labels) > 1 and all(len(experiment.arms) == 1 for experiment in found):
        where = "; ".join(f"{experiment.arms[0].label} on {experiment.title}" for experiment in found)
        raise InputError(f"nothing to compare: {where}; --force shows them one by one")


def _arms(group: Sequence[Run]) -> list[Arm]:
    """One arm for each way of running, labeled by its strategy and what else differs."""
    ways = _grouped(group, lambda run: frozenset(run.science.items()))
    arms = []
    for runs in ways.values():
        alike = [run for run in group if run.strategy == runs[0].strategy]
        keys = [key for key in _differing(group) if not key.startswith("strategy")]
        keys += [key for key in _differing(alike) if key.startswith("strategy")]
        label = ", ".join([runs[0].strategy, *_values(runs[0], keys)])
        finished = tuple(run for run in runs if run.finished)
        arms.append(Arm(label, finished, tuple(run for run in runs if not run.finished)))
    return arms


def _first(arms: Sequence[Arm], baseline: str) -> tuple[tuple[Arm, ...], bool]:
    """The arms with the baseline first, and whether there is one."""
    named = [arm for arm in arms if arm.label == baseline] or [
        arm for arm in arms if arm.strategy == baseline
    ]
    if len(named) > 1:
        labels = " or ".join(repr(arm.label) for arm in named)
        raise InputError(f"--baseline {baseline} is several arms; name one: {labels}")
    return (*named, *(arm for arm in arms if arm not in named)), bool(named)


def metrics(runs: Iterable[Run]) -> list[str]:
    """Every metric that some run measured, in order; higher is better for all of them, so losses are none."""
    keys = dict.fromkeys(key for run in runs for row in run.rows for key in row if "/" in key)
    return [key for key in keys if not key.endswith("loss")]
