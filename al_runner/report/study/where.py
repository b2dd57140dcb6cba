"""Which runs a user wants to see."""

from collections.abc import Iterable, Sequence

from al_runner.config.keys import nearest_key, no_key
from al_runner.errors import InputError, instead
from al_runner.report.study.runs import NONE, Run


def choose(runs: Sequence[Run], conditions: Iterable[str]) -> list[Run]:
    """The runs that meet every condition `key=value[,value…]`.

    Keys are those of the config with dots (`schedule.budget`), and `arm`, `strategy`, `dataset` and `seed`.

    Raises:
        InputError: not of that form, an unknown key, or none meets them.
    """
    chosen = list(runs)
    for condition in conditions:
        key, equals, values = condition.partition("=")
        known = {name for run in runs for name in _facts(run)}
        if not equals or key not in known:
            raise InputError(f"--where {condition}: {_no_key(key, equals, sorted(known))}")
        wanted = (values, *values.split(","))  # a value may hold commas itself: [20, 40]
        if not any(_facts(run).get(key, NONE) in wanted for run in chosen):
            found = sorted({_facts(run).get(key, NONE) for run in chosen})
            raise InputError(f"--where {condition}: no run has it; {instead(values, found)}")
        chosen = [run for run in chosen if _facts(run).get(key, NONE) in wanted or _is_reference(run, key)]
    return chosen


def unchosen(runs: Sequence[Run], chosen: Sequence[Run]) -> list[str]:
    """The strategies, or named arms, none of whose runs on a data set was chosen."""
    kept = dict.fromkeys(map(_way, chosen))
    return [
        f"{name} on {dataset}"
        for dataset, name in dict.fromkeys(map(_way, runs))
        if (dataset, name) not in kept
    ]


def _way(run: Run) -> tuple[str, str]:
    return run.dataset, run.arm or run.strategy


def _no_key(key: str, equals: str, known: Sequence[str]) -> str:
    if key in known and not equals:
        return f"to be written as {key}=value"
    if nearest_key(key, known) is None:
        top = ", ".join(name for name in known if "." not in name)
        return f"no such key; there are {top}, and those of the config, such as schedule.budget"
    return no_key(key, known)


def _facts(run: Run) -> dict[str, str]:
    arm = {} if run.arm is None else {"arm": run.arm}
    return {**run.science, **arm, "dataset": run.dataset, "seed": str(run.seed)}


def _is_reference(run: Run, key: str) -> bool:
    """Whether a run is the full-data reference whatever is chosen by a key."""
    return run.uses_all_labels and key.startswith(("schedule.", "strategy"))
