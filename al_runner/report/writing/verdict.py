"""The findings in sentences: what was shown, what was not, and why."""

import math

from al_runner.report.contents import bounds, count, number, p_words
from al_runner.report.statistics.paired import ENUMERATED
from al_runner.report.statistics.versus import Versus
from al_runner.report.study.analysis import LAST, Analysis, ArmResult, Need, Options, full_target

TESTS = {"sign-flip": "paired sign-flip test", "wilcoxon": "paired Wilcoxon test", "t": "paired t test"}


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
