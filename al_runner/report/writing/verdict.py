"""The findings in sentences: what was shown, what was not, and why."""

import math
from collections import defaultdict
from collections.abc import Iterator

from al_runner.report.contents import bounds, count, number, p_value, p_words
from al_runner.report.statistics.paired import ENUMERATED, LEVEL, seeds_needed
from al_runner.report.statistics.versus import Versus
from al_runner.report.study.analysis import LAST, Analysis, ArmResult, Need, Options, full_target
from al_runner.report.study.arms import Arm
from al_runner.report.study.runs import NONE
from al_runner.report.study.ways import BUDGET, posterior

TESTS = {"sign-flip": "paired sign-flip test", "wilcoxon": "paired Wilcoxon test", "t": "paired t test"}
ENDS_EARLY = ("schedule.target.value", "schedule.plateau.rounds", "schedule.stable.kappa")
"""What may end a run early; none where nothing does."""


def name_of_test(options: Options, seeds: int) -> str:
    """The test in words; exact where every change of signs is visited."""
    exact = options.test != "t" and seeds <= ENUMERATED
    return f"exact {TESTS[options.test]}" if exact else TESTS[options.test]


def answers(analysis: Analysis) -> list[str]:
    """One or two sentences for each arm that is compared with the baseline."""
    if not analysis.arms:
        if any(arm.finished for arm in analysis.missing):
            return ["No finished run has statistics; the notes say why."]
        return ["No run is finished; the curves so far are shown."]
    if analysis.baseline is None:
        if analysis.experiment.baseline:
            arm = analysis.experiment.arms[0]
            lacks = "statistics" if arm.finished else "finished run"
            return [f"{arm.label}, the baseline, has no {lacks}; nothing is compared."]
        return ["There is no baseline to compare with; the curves stand by themselves."]
    baseline = analysis.baseline.arm.label
    sentences, targets = [], (LAST, full_target(analysis.experiment))
    for result in analysis.others:
        sentences.append(_difference(result, baseline, analysis))
        if result.versus is not None:
            found = [need for need in result.needs if need.target in targets]
            sentences += [_need(result.arm.label, need, result.versus, baseline, analysis) for need in found]
    return sentences or [f"There is only {baseline}; nothing to compare it with."]


def _difference(result: ArmResult, baseline: str, analysis: Analysis) -> str:
    label, versus = result.arm.label, result.versus
    if versus is None:
        seeds = analysis.baseline.curve.seeds if analysis.baseline else ()
        what = "number of labels" if set(seeds) & set(result.curve.seeds) else "seed"
        return f"{label}: no {what} in common with {baseline}, so nothing is compared."
    if not versus.tested:
        return f"{label}: one seed in common with {baseline}; the curves are shown, nothing is tested."
    size = f"{number(versus.area.value)} {bounds(versus.area)}"
    test = f"{name_of_test(analysis.options, len(versus.seeds))}, {p_words(versus.p)}"
    if versus.comparisons > 1:
        test += f", corrected for {versus.comparisons} comparisons {p_words(versus.holm)}"
    found = {
        "better": f"better than {baseline}",
        "worse": f"worse than {baseline}",
        "not significant": f"no difference to {baseline} is shown",
    }[versus.finding]
    mean = "mean " if len(versus.labels) > 1 else ""
    what = f"{mean}{analysis.options.metric} {_span(versus)}"
    return f"{label}: {found}. Difference in {what}: {size} ({test}; {len(versus.seeds)} seeds)."


def _span(versus: Versus) -> str:
    first, last = count(versus.labels[0]), count(versus.labels[-1])
    return f"over {first} to {last} labels" if first != last else f"at {last} labels"


def _need(label: str, need: Need, versus: Versus, baseline: str, analysis: Analysis) -> str:
    """How many labels the arm needs, and what it saves where that is shown."""
    budget = count(versus.labels[-1])
    goal = f"{need.target.removeprefix('the ')} ({need.score:.3f})"
    if need.target == LAST:
        goal = f"{baseline}'s {analysis.options.metric} at {budget} labels ({need.score:.3f})"
    labels = need.labels
    if math.isinf(labels.value):
        return f"{label} does not reach {goal} within {budget} labels{_at_least(need, versus)}."
    interval = "" if math.isnan(labels.low) else f" {bounds(labels, count)}"
    words = f"{label} reaches {goal} with {count(labels.value)}{interval} labels"
    if need.target != LAST:
        return f"{words}."
    if analysis.baseline is not None and analysis.baseline.curve.labels[0] >= versus.labels[-1]:
        return (
            f"{words}; whether {baseline} needs as many as {budget} is not known: it was run with no fewer."
        )
    if math.isnan(need.ratio.value):
        return f"{words}, but {baseline} itself was as good before: that is no saving."
    # The interval alone is not corrected for several strategies; the test of the areas is.
    if need.ratio.high < 1 and versus.finding == "better":
        return f"{words}: {1 - need.ratio.value:.0%} fewer than {baseline}."
    return f"{words}; a saving is not shown."


def _at_least(need: Need, versus: Versus) -> str:
    low = need.labels.low
    return f" (95 % interval: more than {count(low)})" if 0 < low < versus.labels[-1] else ""


def notes(analysis: Analysis) -> list[str]:
    """What a reader should know before believing the answers."""
    return [
        *_models(analysis),
        *_alike(analysis),
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
    """Strategies that are one, such as entropy and margin for two classes; each counts as a comparison."""
    groups: dict[object, list[str]] = defaultdict(list)
    for result in analysis.arms:
        key: object = result.curve.seeds, result.curve.values.tobytes()
        if analysis.experiment.by_outcome:  # a few scores may be the same by chance, but not all metrics
            key = frozenset(_scores(result.arm))
        groups[key].append(result.arm.label)
    for labels in (each for each in groups.values() if len(each) > 1):
        if analysis.experiment.by_outcome or analysis.experiment.named:
            yield (
                f"{', '.join(labels)} have the same scores, seed by seed: perhaps they are one way of "
                f"running under several names. Every {analysis.experiment.noun} counts in the correction."
            )
        else:
            yield (
                f"{', '.join(labels)} have the same curve, seed by seed: they chose the same samples, as "
                "entropy, margin and least confidence do for two classes. Compare one of them with "
                "--where strategy=…: every strategy counts in the correction."
            )


def _scores(arm: Arm) -> Iterator[tuple[object, ...]]:
    """All that was measured of an arm."""
    for run in arm.finished:
        for row in arm.compared(run):
            yield (run.seed, *(item for item in row.items() if "/" in item[0]))


def _power(analysis: Analysis) -> Iterator[str]:
    """Where the seeds are too few for the test, whatever the runs."""
    weak = defaultdict(list)
    for result in analysis.others:
        versus = result.versus
        if versus is not None and versus.finding == "not significant" and versus.least > LEVEL:
            weak[len(versus.seeds), versus.comparisons, versus.least].append(result)
    for (seeds, comparisons, least), results in weak.items():
        over = f" with {comparisons} comparisons" if comparisons > 1 else ""
        labels = ", ".join(result.arm.label for result in results)
        yield (
            f"{labels}: {seeds} seeds cannot show a difference{over}: the least p that an exact paired test "
            f"can reach is {p_value(least)}; run {seeds_needed(comparisons)} or more."
        )
    if analysis.arms and max(len(result.curve.seeds) for result in analysis.arms) == 1:
        yield "One seed: the curves say nothing about the spread; run 6 or more."


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
