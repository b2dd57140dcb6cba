"""The findings in sentences: what was shown, what was not, and why."""

import math
from collections.abc import Iterator

from al_runner.report.analysis import LAST, Analysis, ArmResult, Need, Versus
from al_runner.report.contents import bounds, number, p_value
from al_runner.report.paired import ENUMERATED
from al_runner.report.study import Arm

TEST_NAMES = {"sign-flip": "sign-flip test", "wilcoxon": "Wilcoxon test", "t": "paired t test"}


def answers(analysis: Analysis) -> list[str]:
    """One or two sentences for each arm that is compared with the baseline."""
    if not analysis.arms:
        return ["No run is finished; the curves so far are shown."]
    if analysis.baseline is None:
        return ["There is no baseline to compare with; the curves stand by themselves."]
    baseline = analysis.baseline.arm.label
    sentences = []
    for result in analysis.arms[1:]:
        sentences.append(_difference(result, baseline, analysis))
        sentences += [_need(result, need, baseline, analysis) for need in result.needs if need.target == LAST]
    return sentences or [f"There is only {baseline}; nothing to compare it with."]


def word(versus: Versus) -> str:
    """The finding in a word or two."""
    if math.isnan(versus.p):
        return "not tested"
    if not versus.significant:
        return "not significant"
    return "better" if versus.area.value > 0 else "worse"


def _difference(result: ArmResult, baseline: str, analysis: Analysis) -> str:
    label, versus = result.arm.label, result.versus
    if versus is None:
        return f"{label}: no seed in common with {baseline}, so nothing is compared."
    span = f"{versus.labels[0]:.0f} to {versus.labels[-1]:.0f} labels"
    metric = f"mean {analysis.options.metric} over {span}"
    if math.isnan(versus.p):
        return f"{label}: one seed in common with {baseline}; the curves are shown, nothing is tested."
    size = f"{number(versus.area.value)} {bounds(versus.area)}"
    exact = "exact " if versus.exact and len(versus.seeds) <= ENUMERATED else ""
    test = f"{exact}{TEST_NAMES[analysis.options.test]}, p = {p_value(versus.p)}"
    if versus.comparisons > 1:
        test += f", corrected for {versus.comparisons} comparisons {p_value(versus.holm)}"
    found = {
        "better": f"better than {baseline}",
        "worse": f"worse than {baseline}",
        "not significant": f"no difference to {baseline} is shown",
    }[word(versus)]
    return f"{label}: {found}. Difference in {metric}: {size} ({test}; {len(versus.seeds)} seeds)."


def _need(result: ArmResult, need: Need, baseline: str, analysis: Analysis) -> str:
    """How many labels the arm saves, or costs."""
    assert result.versus is not None
    budget = result.versus.labels[-1]
    goal = f"{baseline}'s {analysis.options.metric} at {budget:.0f} labels ({need.score:.3f})"
    label, labels = result.arm.label, need.labels
    if math.isinf(labels.value):
        at_least = f", but needs more than {labels.low:.0f}" if 0 < labels.low < budget else ""
        return f"{label} does not reach {goal} within {budget:.0f} labels{at_least}."
    return f"{label} reaches {goal} with {_labels(need, result.versus)}."


def _labels(need: Need, versus: Versus) -> str:
    """The labels needed with their interval, and the saving where one is shown.

    The interval alone is not corrected for several strategies; the test of the areas is.
    """
    labels, share = need.labels, 1 - need.ratio.value
    interval = "" if math.isnan(labels.low) else f" {bounds(labels)}"
    words = f"{number(labels.value)}{interval} labels"
    if need.ratio.high < 1 and versus.significant:
        return f"{words}: {share:.0%} fewer"
    return f"{words}; a saving is not shown"


def notes(analysis: Analysis) -> list[str]:
    """What a reader should know before believing the answers."""
    return [*_power(analysis), *_seeds(analysis), *_runs(analysis)]


def _power(analysis: Analysis) -> Iterator[str]:
    tested = [r.versus for r in analysis.arms if r.versus is not None and not math.isnan(r.versus.p)]
    weakest = max(tested, key=lambda versus: versus.least, default=None)
    if weakest is not None and weakest.least > 0.05:
        seeds, m = len(weakest.seeds), weakest.comparisons
        over = f" with {m} comparisons" if m > 1 else ""
        yield (
            f"{seeds} seeds cannot show a difference{over}: the least p that an exact paired test can reach "
            f"is {p_value(weakest.least)}; run {weakest.seeds_needed} or more."
        )
    counts = {len(result.curve.seeds) for result in analysis.arms}
    if counts and max(counts) == 1:
        yield "One seed: the curves say nothing about the spread; run 6 or more."
    elif any(count < 6 for count in counts):
        yield "Intervals of fewer than 6 seeds are Student's t, which takes scores to be normal."


def _seeds(analysis: Analysis) -> Iterator[str]:
    for result in analysis.arms[1:]:
        if result.versus is not None and result.versus.dropped:
            seeds = ", ".join(map(str, result.versus.dropped))
            yield (
                f"{result.arm.label} and the baseline are paired by the seeds that both have; without a "
                f"partner: {seeds}."
            )


def _runs(analysis: Analysis) -> Iterator[str]:
    for result in analysis.arms:
        rows = [row for run in result.arm.finished for row in run.rows if analysis.options.metric in row]
        measured = {row["n_labeled"] for row in rows}
        if len(measured) > len(result.curve.labels):
            yield (
                f"{result.arm.label}: compared at the {len(result.curve.labels)} numbers of labels that all "
                f"its runs measured, of {len(measured)}."
            )
    for arm in analysis.experiment.arms:
        yield from _unfinished(arm)
    for arm in analysis.missing:
        yield f"{arm.label}: no finished run measured {analysis.options.metric}; it has no statistics."


def _unfinished(arm: Arm) -> Iterator[str]:
    if arm.unfinished:
        listed = ", ".join(f"seed {run.seed} ({run.manifest['status']})" for run in arm.unfinished)
        yield f"{arm.label}: unfinished and left out of every number: {listed}."
