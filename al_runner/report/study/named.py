"""The experiment of runs that say which arm they are."""

from collections.abc import Sequence

from al_runner.errors import InputError
from al_runner.report.study.arms import Arm, Experiment
from al_runner.report.study.runs import Run
from al_runner.report.study.ways import arms, differing, first, grouped, refuse

CONTENT = "dataset content"


def named(runs: Sequence[Run], title: str, baseline: str | None, force: bool) -> Experiment:
    """One experiment of all runs of a data set that name their arm, whatever else differs between them.

    Runs of one name that differ in more than their seed are several arms. Runs on all labels are the
    reference of the others, with a network and an optimizer of their own.

    Args:
        runs: of one data set.
        title: the experiment's.
        baseline: an arm's name or label; None = what the runs say.
        force: also where the content of the data differs.

    Raises:
        InputError: the content of the data differs, there are several references, or several baselines.
    """
    if not force:
        refuse(runs, [CONTENT] if CONTENT in differing([run.science for run in runs]) else [])
    active = [run for run in runs if not run.uses_all_labels] or list(runs)
    full = _reference([run for run in runs if run.uses_all_labels and run not in active])
    ends_alone = any(run.leaves_final_model for run in active) or all(run.has_one_round for run in active)
    found, has_baseline = _first(_arms(active, ends_alone), active, baseline)
    if full is None:
        return Experiment(title, found, has_baseline)
    return Experiment(title, found, has_baseline, full.runs, full.label)


def _arms(runs: Sequence[Run], by_outcome: bool) -> list[Arm]:
    names = grouped(runs, lambda run: run.arm)
    found = [arm for name, group in names.items() for arm in arms(group, str(name), by_outcome)]
    return sorted(found, key=lambda arm: arm.label)


def _reference(runs: Sequence[Run]) -> Arm | None:
    """The one arm on all labels."""
    found = _arms(runs, by_outcome=True)
    if len(found) > 1:
        listed = "; ".join(f"{arm.label} ({len(arm.runs)} runs)" for arm in found)
        raise InputError(
            f"several arms of {runs[0].dataset} use all labels, and only one can be the reference: {listed}; "
            "choose with --where arm=…, or give the folders of one of them"
        )
    return found[0] if found else None


def _first(found: Sequence[Arm], runs: Sequence[Run], baseline: str | None) -> tuple[tuple[Arm, ...], bool]:
    """The arms with the baseline first, and whether there is one.

    A baseline that the runs declare may be missing: then nothing is compared.
    """
    if baseline is not None:
        return first(found, baseline)
    declared = dict.fromkeys(run.arm_baseline for run in runs if run.arm_baseline is not None)
    there = [name for name in declared if any(name in (arm.name, arm.label) for arm in found)]
    if len(there) > 1:
        listed = " or ".join(map(repr, there))
        raise InputError(f"runs of {runs[0].dataset} name several baselines: choose --baseline {listed}")
    if there:
        return first(found, there[0])
    random = [arm for arm in found if "random" in (arm.label, arm.name, arm.strategy)]
    return first(found, random[0].label) if len(random) == 1 and not declared else (tuple(found), False)
