"""Ways of running: what runs differ in, and the arms that this makes of them."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from al_runner.errors import InputError
from al_runner.report.study.arms import Arm
from al_runner.report.study.runs import NONE, Run

OF_STRATEGY = {"strategy", "posterior", "proxy", "schedule.initial", "schedule.initial_features"}
"""Nodes that belong to a strategy: also what it samples the model over, what it asks, and how it begins."""
TARGET = "._target_"
BUDGET, INITIAL = "schedule.budget", "schedule.initial_size"

Way = Mapping[str, str]


def grouped(runs: Iterable[Run], key: Callable[[Run], object]) -> dict[object, list[Run]]:
    """The runs by a key, in order."""
    groups: dict[object, list[Run]] = defaultdict(list)
    for run in runs:
        groups[key(run)].append(run)
    return groups


def of_strategy(key: str) -> bool:
    """Whether a key, or the node that it is in, belongs to a strategy."""
    return key in OF_STRATEGY or any(key.startswith(f"{node}.") for node in OF_STRATEGY)


def way(run: Run, by_outcome: bool = False) -> Way:
    """What makes a run what it is, but for its seed; by its outcome, but for how many labels it buys.

    Where an arm has a name and buys all at once, its strategy chooses nothing.
    """
    swept = {BUDGET, *([INITIAL] if run.has_one_round else [])} if by_outcome else set()
    idle = _idle_strategy(run)
    return {
        key: value
        for key, value in run.science.items()
        if key not in swept and not (idle and key.startswith("strategy"))
    }


def _idle_strategy(run: Run) -> bool:
    return run.arm is not None and run.has_one_round


def _once(runs: Iterable[Run]) -> list[Run]:
    """Of runs of one way those that are trainings of their own; a finished one stands for its doubles."""
    found: dict[object, Run] = {}
    for run in sorted(runs, key=lambda run: not run.finished):
        key = (run.seed, run.science.get(BUDGET)) if _idle_strategy(run) else run.folder
        found.setdefault(key, run)
    return list(found.values())


def differing(ways: Sequence[Way]) -> list[str]:
    """The keys in which some ways differ."""
    keys = dict.fromkeys(key for each in ways for key in each)
    return [key for key in keys if len({each.get(key) for each in ways}) > 1]


def telling(ways: Sequence[Way]) -> list[str]:
    """The keys in which some ways differ, but for settings that only another part has."""
    found = differing(ways)
    parts = [key.removesuffix(TARGET) for key in found if key.endswith(TARGET)]
    return [key for key in found if not any(_of_the_part_alone(key, part, ways) for part in parts)]


def _of_the_part_alone(key: str, part: str, ways: Sequence[Way]) -> bool:
    """Whether ways with the same part, such as `strategy.strategy`, are alike in one of its settings."""
    if not key.startswith(f"{part}.") or key == part + TARGET:
        return False
    settings: dict[str | None, set[str | None]] = defaultdict(set)
    for each in ways:
        settings[each.get(part + TARGET)].add(each.get(key))
    return all(len(found) == 1 for found in settings.values())


def values(each: Way, keys: Iterable[str]) -> list[str]:
    """`key=value` for each key; what builds a part by its name alone: `model=resnet18`."""
    words = []
    for key in keys:
        value = each.get(key, NONE)
        if key.endswith(TARGET):
            key, value = key.removesuffix(TARGET), value.rpartition(".")[2]
        words.append(f"{key}={value}")
    return words


def posterior(arm: Arm) -> str:
    """What an arm's models are sampled over, in words."""
    science = arm.runs[0].science
    return ", ".join(values(science, [key for key in science if key.startswith("posterior.")])) or NONE


def arms(group: Sequence[Run], name: str = "", by_outcome: bool = False) -> list[Arm]:
    """One arm for each way of running, labeled by its name, else its strategy, and by what else differs."""
    ways = [way(run, by_outcome) for run in group]
    found = []
    for doubled in grouped(group, lambda run: frozenset(way(run, by_outcome).items())).values():
        runs = _once(doubled)
        own = way(runs[0], by_outcome)
        alike = [each for each in ways if each.get("strategy") == own.get("strategy")]
        keys = ["strategy"] if name and len(alike) < len(group) else []
        keys += [key for key in telling(ways) if not of_strategy(key)]
        keys += [key for key in telling(alike) if of_strategy(key) and key != "strategy"]
        label = ", ".join([name or runs[0].strategy, *values(own, keys)])
        finished = tuple(run for run in runs if run.finished)
        unfinished = tuple(run for run in runs if not run.finished)
        found.append(Arm(label, finished, unfinished, name, by_outcome))
    return found


def first(found: Sequence[Arm], baseline: str) -> tuple[tuple[Arm, ...], bool]:
    """The arms with the baseline first, and whether there is one; a label wins over a name or a strategy.

    Raises:
        InputError: several arms are the baseline.
    """
    for called in (lambda arm: arm.label, lambda arm: arm.name, lambda arm: arm.strategy):
        chosen = [arm for arm in found if called(arm) == baseline]
        if len(chosen) > 1:
            labels = " or ".join(repr(arm.label) for arm in chosen)
            raise InputError(f"--baseline {baseline} is several arms; name one: {labels}")
        if chosen:
            return (*chosen, *(arm for arm in found if arm not in chosen)), True
    return tuple(found), False


def refuse(runs: Sequence[Run], keys: Sequence[str]) -> None:
    """Runs whose budgets or data differ give curves that must not be compared unasked."""
    if not keys:
        return
    key = keys[0]
    counts: dict[str, int] = defaultdict(int)
    for run in runs:
        counts[run.science.get(key, NONE)] += 1
    listed = ", ".join(f"{value}: {count} runs" for value, count in sorted(counts.items()))
    also = f" (also in {', '.join(keys[1:])})" if len(keys) > 1 else ""
    value = sorted(counts)[0]
    raise InputError(
        f"runs of {runs[0].dataset} differ in {key} ({listed}){also}: choose with "
        f"--where '{key}={value}', or compare them all the same with --force"
    )
