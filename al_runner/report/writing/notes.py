"""What a reader should know before believing the answers."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from al_runner.report.contents import count, number
from al_runner.report.statistics.family import seeds_needed
from al_runner.report.statistics.power import ADVISED, USUAL, Design
from al_runner.report.study.analysis import Analysis, ArmResult
from al_runner.report.study.arms import Arm
from al_runner.report.study.runs import NONE
from al_runner.report.study.ways import BUDGET, posterior

LISTED = 6
"""Names in a sentence, at most."""
ENDS_EARLY = ("schedule.target.value", "schedule.plateau.rounds", "schedule.stable.kappa")
"""What may end a run early; none where nothing does."""


def notes(analysis: Analysis) -> list[str]:
    """What a reader should know before believing the answers."""
    return [
        *_models(analysis),
        *_alike(analysis),
        *_family(analysis),
        *_power(analysis),
        *_seeds(analysis),
        *_switched(analysis),
        *_runs(analysis),
        *_published(analysis),
    ]


def _published(analysis: Analysis) -> Iterator[str]:
    """What of the published figures is not shown."""
    published, arms = analysis.options.published, analysis.experiment.arms
    if published is None:
        return
    if absent := published.unmatched(arms):
        yield (
            f"{published.source}: no run is of {', '.join(absent)}; --reference-as THEIRS=OURS says what a "
            f"strategy is called here."
        )
    for metric in analysis.options.metrics:
        if not any(metric in curves for curves in published.curves.values()):
            column = metric.removeprefix("test/")
            yield f"{published.source} has no {metric}: it would be the column {column}."


def _models(analysis: Analysis) -> Iterator[str]:
    """Strategies that bring a posterior: then they differ in their models, too."""
    if analysis.experiment.named:  # whose arms may differ in anything
        return
    groups = defaultdict(list)
    for result in analysis.arms:
        groups[posterior(result.arm)].append(result.arm.label)
    if len(groups) > 1:
        listed = "; ".join(f"{', '.join(labels)}: {name}" for name, labels in groups.items())
        yield (
            f"Strategies differ in their models as well as in their choices, by their posteriors ({listed}). "
            "Run all with the same posterior=… to compare choices alone."
        )


def _alike(analysis: Analysis) -> Iterator[str]:
    """Arms with the same scores, and whether that is because they chose the same samples."""
    words = _alike_in_name if analysis.experiment.by_outcome or analysis.experiment.named else _alike_in_curve
    for alike in _groups(analysis.arms, lambda result: _measures(result, analysis)):
        yield from words(alike, analysis)


def _measures(result: ArmResult, analysis: Analysis) -> object:
    """What has to be the same: the curve; of outcomes all metrics, as a few may be the same by chance."""
    if analysis.experiment.by_outcome:
        return frozenset(_scores(result.arm))
    return result.curve.seeds, result.curve.values.tobytes()


def _alike_in_name(alike: list[ArmResult], analysis: Analysis) -> Iterator[str]:
    yield (
        f"{_labels(alike)} have the same scores, seed by seed: perhaps they are one way of "
        f"running under several names. Every {analysis.experiment.noun} counts in the correction."
    )


def _alike_in_curve(alike: list[ArmResult], analysis: Analysis) -> Iterator[str]:
    """Equal curves are no proof of equal choices: a metric that does not vary is the same for all."""
    choices = _groups(alike, lambda result: _chosen(result.arm))
    for same in choices:
        yield (
            f"{_labels(same)} have the same curve, seed by seed: they chose the same samples, as "
            "entropy, margin and least confidence do for two classes. Compare one of them with "
            "--where strategy=…: every strategy counts in the correction."
        )
    if not (choices and len(choices[0]) == len(alike)):
        metric, scores = analysis.options.metric, alike[0].curve.values
        why = "not all of them chose the same samples" if choices else "they chose different samples"
        if np.ptp(scores) == 0:
            score = f"{scores.flat[0]:.3f}"
            why += f", but it is {score} whatever is labeled. Another --metric may tell them apart"
        yield f"{_labels(alike)} have the same {metric}, seed by seed: {why}."


def _chosen(arm: Arm) -> object:
    """The samples that each seed bought in each round."""
    return frozenset((run.seed, tuple(map(frozenset, run.indices))) for run in arm.longest)


def _groups(results: Iterable[ArmResult], key: Callable[[ArmResult], object]) -> list[list[ArmResult]]:
    """Those of two or more that share a key."""
    found: dict[object, list[ArmResult]] = defaultdict(list)
    for result in results:
        found[key(result)].append(result)
    return [group for group in found.values() if len(group) > 1]


def _labels(results: Iterable[ArmResult]) -> str:
    return ", ".join(result.arm.label for result in results)


def _scores(arm: Arm) -> Iterator[tuple[object, ...]]:
    """All that was measured of an arm."""
    for run in arm.finished:
        for row in arm.compared(run):
            yield (run.seed, *(item for item in row.items() if "/" in item[0]))


def _family(analysis: Analysis) -> Iterator[str]:
    """What the correction counts: the page's comparisons, and none of those that were left out of it."""
    counted = [each.versus.comparisons for each in analysis.others if each.versus and each.versus.tested]
    if counted and counted[0] > len(counted):
        yield (
            f"The {counted[0]} comparisons of this page are one family: p is corrected for all of them, and "
            "here are some."
        )
    if left_out := analysis.options.left_out:
        some = ", ".join(left_out[:LISTED]) + (", …" if len(left_out) > LISTED else "")
        yield (
            f"--where left out {some}: p is corrected for what is left. That is right only if the choice was "
            "made before anybody looked at results, or if what was left out is the same by construction."
        )


def _power(analysis: Analysis) -> Iterator[str]:
    """Where nothing was found: what these seeds could have found, and what more of them would."""
    weak = defaultdict(list)
    for result in analysis.others:
        versus = result.versus
        if versus is not None and versus.finding == "not significant":
            weak[len(versus.seeds), versus.comparisons, versus.level].append(result)
    for (seeds, comparisons, level), results in weak.items():
        least = analysis.options.procedure.least_p(seeds)
        if least > level:
            need = f"{comparisons} comparisons need" if comparisons > 1 else "a comparison needs"
            yield (
                f"{_labels(results)}: {seeds} seeds cannot show a difference of any size: {need} at least "
                f"{seeds_needed(level=level)} seeds."
            )
        yield from _detectable(results, analysis.options.test, seeds, comparisons)
    if analysis.arms and max(len(result.curve.seeds) for result in analysis.arms) == 1:
        yield f"One seed: the curves say nothing about the spread; run {ADVISED}."


def _detectable(results: list[ArmResult], test: str, seeds: int, comparisons: int) -> Iterator[str]:
    """How large a difference is found as a rule, by the largest spread over seeds of some arms."""
    spread = max(result.versus.spread for result in results if result.versus is not None)
    if not spread > 0:
        return
    more = max(ADVISED if seeds < ADVISED else 2 * seeds, seeds_needed(comparisons) + 1)
    found = []
    for n in (seeds, more):
        design = Design(n, test, comparisons)
        if design.can_find and math.isfinite(reach := design.detectable(USUAL)):
            found.append(f"{n} seeds find a difference of {number(reach * spread)}")
    if found:
        yield (
            f"{_labels(results)}: with the spread of these runs, {', '.join(found)} in {100 * USUAL:.0f} % "
            "of studies; al-report --plan has other sizes."
        )


def _seeds(analysis: Analysis) -> Iterator[str]:
    for result in analysis.others:
        if result.versus is not None and result.versus.dropped:
            seeds = ", ".join(map(str, result.versus.dropped))
            yield (
                f"{result.arm.label} and the baseline are paired by the seeds that both have; without a "
                f"partner: {seeds}."
            )


def _switched(analysis: Analysis) -> Iterator[str]:
    """Where the runs went on with another data set, and were measured on it from then on."""
    runs = [run for arm in analysis.experiment.arms for run in arm.runs if len(run.rows) < len(run.rounds)]
    if runs:
        starts = " or ".join(map(count, sorted({run.rows[0]["n_labeled"] for run in runs})))
        yield f"Measured on the second data set from {starts} labels on; earlier rounds are left out."


def _runs(analysis: Analysis) -> Iterator[str]:
    metric, last = analysis.options.metric, analysis.last
    measured = {n for result in analysis.arms for n in _measured(result.arm, metric)}
    if measured and not len(analysis.common):
        found = "; ".join(f"{result.arm.label}: {_listed(result)}" for result in analysis.arms)
        yield f"No number of labels was measured by all {analysis.experiment.nouns} ({found})."
    elif len(analysis.common) < len(measured):
        yield (
            f"Compared at the {len(analysis.common)} numbers of labels that all finished runs measured, of "
            f"{len(measured)}."
        )
    if last is not None and last < max(measured):
        yield (
            f"Some runs go on beyond {count(last)} labels, others end there. Where a target ended them, the "
            "comparison favors neither fairly: compare at a fixed budget."
        )
    if analysis.one_point and analysis.options.target is not None:
        yield "How many labels a target needs is not known: one number of labels was run."
    reference = analysis.experiment.reference
    for arm in (*analysis.experiment.arms, *([] if reference is None else [reference])):
        yield from _unfinished(arm)
        yield from _ended_by_people(arm)
    for arm in analysis.missing:
        if arm.finished:
            yield f"{why_missing(arm, metric)}; it has no statistics."


def why_missing(arm: Arm, metric: str) -> str:
    """Why an arm with finished runs has no curve: nothing was measured, or nothing at equal labels."""
    rows = arm.measured(metric)
    if not rows:
        return f"{arm.label}: no finished run measured {metric}"
    ends = {seed: sorted({row["n_labeled"] for row in rows[seed]}) for seed in sorted(rows)}
    listed = "; ".join(f"seed {seed}: {', '.join(map(count, labels))}" for seed, labels in ends.items())
    words = f"{arm.label}: its runs ended at different numbers of labels ({listed}), with none in common"
    if any(run.science.get(key, NONE).lower() != NONE for run in arm.finished for key in ENDS_EARLY):
        return f"{words}: a criterion ended them; run them to a fixed budget to compare them"
    several = len({run.science.get(BUDGET) for run in arm.finished}) > 1
    return f"{words}; choose with --where {BUDGET}=…" if several else words


def _listed(result: ArmResult) -> str:
    return ", ".join(map(count, result.curve.labels))


def _measured(arm: Arm, metric: str) -> set[float]:
    return {row["n_labeled"] for rows in arm.measured(metric).values() for row in rows if metric in row}


def _unfinished(arm: Arm) -> Iterator[str]:
    if arm.unfinished:
        listed = ", ".join(f"seed {run.seed} ({run.manifest['status']})" for run in arm.unfinished)
        yield f"{arm.label}: unfinished and left out of every number: {listed}."


def _ended_by_people(arm: Arm) -> Iterator[str]:
    """A person who ends a run may have liked what it had reached."""
    for run in arm.finished:
        if run.ended_by_people:
            last = run.rounds[-1]["n_labeled"]
            yield (
                f"{arm.label}: seed {run.seed} was {run.manifest['ended_early']} after {count(last)} labels, "
                "and counts with the rounds that it has."
            )
