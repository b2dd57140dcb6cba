"""Which runs are compared with which."""

from collections.abc import Sequence

from al_runner.errors import InputError
from al_runner.report.study.arms import Experiment
from al_runner.report.study.named import named
from al_runner.report.study.runs import Run
from al_runner.report.study.ways import arms, differing, first, grouped, of_strategy, refuse, telling, values

BASELINE = "random"
ASKS_FIRST = ("schedule.", "dataset")
"""Keys whose values must agree before runs of one data set are compared."""
FINAL_MODEL = "schedule.final_model"


def experiments(runs: Sequence[Run], baseline: str | None = None, force: bool = False) -> list[Experiment]:
    """Group runs into what may be compared.

    Runs of one data set that name their arm are one experiment. Of the others, those that differ in strategy
    are arms of one experiment, and those that differ in something else, such as the network, are experiments
    of their own.

    Args:
        runs: of any kind, each once.
        baseline: the strategy, the arm's name or its label, that the others are compared with; None = what
            the runs say, else random.
        force: make one experiment of each data set, and one of its named arms, whatever differs.

    Raises:
        InputError: runs of one data set differ in its content or in their schedule, no two arms can be
            compared, or several arms are the baseline; says what differs.
    """
    found: list[Experiment] = []
    for same_data in grouped(runs, lambda run: run.dataset).values():
        unnamed = [run for run in same_data if run.arm is None]
        found += _by_setting(unnamed, baseline or BASELINE, force) if unnamed else []
        if len(unnamed) < len(same_data):
            title = same_data[0].dataset + (", named arms" if unnamed else "")
            found.append(named([run for run in same_data if run.arm is not None], title, baseline, force))
    if not force:
        _refuse_nothing_to_compare(found)
    return found


def _by_setting(runs: Sequence[Run], baseline: str, force: bool) -> list[Experiment]:
    """The experiments of one data set whose runs do not name their arms."""
    active = [run for run in runs if not run.uses_all_labels] or list(runs)
    full = [run for run in runs if run.uses_all_labels and run not in active]
    settings = list(grouped(active, _setting).values())
    keys = differing([run.science for run in active])
    if not force:
        refuse(active, [key for key in keys if key.startswith(ASKS_FIRST) and not of_strategy(key)])
    told = telling([run.science for run in active])
    found = []
    for group in [active] if force else settings:
        shared = [] if force else [key for key in told if not of_strategy(key)]
        title = ", ".join([group[0].dataset, *values(group[0].science, shared)])
        by_outcome = any(run.leaves_final_model for run in group)
        some, has_baseline = first(arms(group, by_outcome=by_outcome), baseline)
        found.append(Experiment(title, some, has_baseline, _reference(full, group[0])))
    return found


def _setting(run: Run) -> frozenset[tuple[str, str]]:
    """All that a fair comparison of strategies shares."""
    return frozenset((key, value) for key, value in run.science.items() if not of_strategy(key))


def _reference(full: Sequence[Run], run: Run) -> tuple[Run, ...]:
    """The finished runs on all labels that differ from a run in their schedule and strategy only.

    A strategy chooses nothing where all is labeled, so one run of each seed counts. A final model is a
    network of its own, so it must be the same.
    """

    def rest(each: Run) -> frozenset[tuple[str, str]]:
        of_schedule = frozenset(item for item in _setting(each) if item[0].startswith("schedule."))
        return _setting(each) - {item for item in of_schedule if not item[0].startswith(FINAL_MODEL)}

    alike = [each for each in full if each.finished and rest(each) == rest(run)]
    return tuple({each.seed: each for each in alike}.values())


def _refuse_nothing_to_compare(found: Sequence[Experiment]) -> None:
    labels = {arm.label for experiment in found for arm in experiment.arms}
    if len(found) > 1 and len(labels) > 1 and all(len(experiment.arms) == 1 for experiment in found):
        where = "; ".join(f"{experiment.arms[0].label} on {experiment.title}" for experiment in found)
        raise InputError(f"nothing to compare: {where}; --force shows them one by one")
