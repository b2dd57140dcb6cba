"""The findings in sentences: what was shown, what was not, and why."""

import math
from collections.abc import Iterator

from al_runner.report.contents import bounds, count, labels_words, number, p_words, unbounded
from al_runner.report.statistics.family import seeds_needed
from al_runner.report.statistics.intervals import LEVEL, Estimate
from al_runner.report.statistics.sign_flip import ENUMERATED
from al_runner.report.statistics.versus import Versus
from al_runner.report.study.analysis import Analysis, ArmResult, Options, full_target
from al_runner.report.study.needs import Need
from al_runner.report.writing.patients import Found, sentence

TESTS = {"sign-flip": "paired sign-flip test", "wilcoxon": "paired Wilcoxon test", "t": "paired t test"}


def name_of_test(options: Options, seeds: int) -> str:
    """The test in words; exact where every change of signs is visited."""
    exact = options.test == "wilcoxon" or (options.test == "sign-flip" and seeds <= ENUMERATED)
    return f"exact {TESTS[options.test]}" if exact else TESTS[options.test]


def answers(analysis: Analysis, conditional: Found | None = None) -> list[str]:
    """The findings, the largest saving that is shown first: some sentences for each arm.

    Args:
        analysis: what was found.
        conditional: arm → what its difference owes to the test patients, where that is known.
    """
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
    found = [*_over_all(analysis)]
    for result in sorted(analysis.others, key=_by_saving):
        found += _sentences(result, analysis.baseline, analysis, conditional or {})
    return found or [f"There is only {analysis.baseline.arm.label}; nothing to compare it with."]


def lead(analysis: Analysis) -> int:
    """How many of the answers come before everything else: the first one, and the test that it rests on."""
    first = next(iter(sorted(analysis.others, key=_by_saving)), None)
    return 2 if first is not None and first.as_good is not None and not [*_over_all(analysis)] else 1


def _by_saving(result: ArmResult) -> float:
    """The largest saving that is shown comes first."""
    return result.as_good.ratio.value if result.saves and result.as_good else math.inf


def _over_all(analysis: Analysis) -> Iterator[str]:
    """Where several strategies might have saved labels, and none is shown to."""
    asked = [result for result in analysis.others if result.as_good is not None]
    if len(asked) > 1 and analysis.baseline and not any(result.saves for result in asked):
        baseline, nouns = analysis.baseline.arm.label, analysis.experiment.nouns
        yield f"None of the {len(asked)} {nouns} is shown to need fewer labels than {baseline}."


def _sentences(
    result: ArmResult, baseline: ArmResult, analysis: Analysis, conditional: Found
) -> Iterator[str]:
    """What is said of one arm: the labels that it needs, the test, and what else there is to reach."""
    if result.as_good is not None and result.versus is not None:
        yield _as_good(result, result.as_good, result.versus, baseline, analysis.options.metric)
    said = _difference(result, baseline.arm.label, analysis)
    yield said + (sentence(result.versus, conditional.get(result.arm.label)) if result.versus else "")
    for need in result.needs:
        if need.target == full_target(analysis.experiment) and result.versus is not None:
            yield _reaches(result.arm.label, need, result.versus, baseline.arm.label)


def _difference(result: ArmResult, baseline: str, analysis: Analysis) -> str:
    label, versus = result.arm.label, result.versus
    if versus is None:
        seeds = analysis.baseline.curve.seeds if analysis.baseline else ()
        what = "number of labels" if set(seeds) & set(result.curve.seeds) else "seed"
        return f"{label}: no {what} in common with {baseline}, so nothing is compared."
    if not versus.tested:
        return f"{label}: one seed in common with {baseline}; the curves are shown, nothing is tested."
    test = f"{name_of_test(analysis.options, len(versus.seeds))}, {p_words(versus.p)}"
    if versus.comparisons > 1:
        test += f", corrected for {versus.comparisons} comparisons {p_words(versus.holm)}"
    found = {
        "better": f"better than {baseline}",
        "worse": f"worse than {baseline}",
        "not significant": f"no difference to {baseline} is shown",
    }.get(versus.finding, versus.finding.replace("within", f"to {baseline} within"))
    mean = "mean " if len(versus.labels) > 1 else ""
    what = f"{mean}{analysis.options.metric} {_span(versus)}"
    found += f". Difference in {what}: {_size(versus)}"
    return f"{label}: {found} ({test}; {len(versus.seeds)} seeds{_level(versus)}).{_equivalence(versus)}"


def _size(versus: Versus) -> str:
    """The difference with its interval, or how many seeds that takes."""
    size = number(versus.area.value)
    if unbounded(versus.area):
        return f"{size}, with no interval, which takes {seeds_needed(level=versus.level)} seeds"
    return f"{size} {bounds(versus.area)}"


def _level(versus: Versus) -> str:
    """What the interval is of, where that is not 95 %."""
    corrected = versus.level < LEVEL and not unbounded(versus.area)
    return f"; interval of {100 * (1 - versus.level):.1f} %" if corrected else ""


def _equivalence(versus: Versus) -> str:
    """What the tests of equivalence say, where they were asked for."""
    same = versus.equivalence
    if same is None:
        return ""
    shown = "is shown to be" if same.shown else "is not shown to be"
    p = p_words(same.p) + (f", corrected {p_words(same.holm)}" if versus.comparisons > 1 else "")
    where = "" if unbounded(same.estimate) else f" {bounds(same.estimate)}"
    return f" It {shown} within ±{same.margin:g}{where} (two one-sided tests, {p})."


def _span(versus: Versus) -> str:
    first, last = count(versus.labels[0]), count(versus.labels[-1])
    return f"over {first} to {last} labels" if first != last else f"at {last} labels"


def _as_good(result: ArmResult, need: Need, versus: Versus, baseline: ArmResult, metric: str) -> str:
    """How many labels the arm needs to be as good as the baseline with all its own, and what that saves."""
    label, theirs, budget = result.arm.label, baseline.arm.label, count(versus.labels[-1])
    goal = f"{theirs}'s {metric} at {budget} labels ({need.score:.3f})"
    if math.isinf(need.labels.value):
        return f"{_not_reached(label, goal, need, versus)}: no saving is shown."
    if math.isnan(need.baseline.value):
        return (
            f"{label} reaches {goal} with {labels_words(need.labels)} labels; whether {theirs} needs as many "
            f"as {budget} is not known: it was run with no fewer."
        )
    return (
        f"{label} needs {labels_words(need.labels)} labels where {theirs} needs "
        f"{labels_words(need.baseline)}, both for {goal}: {_saving(result, need.ratio)}."
    )


def _saving(result: ArmResult, ratio: Estimate) -> str:
    """What is saved, or why that is not shown."""
    if result.saves:
        least, value, most = (f"{100 * (1 - r):.0f}" for r in (ratio.high, ratio.value, ratio.low))
        return f"{value} % fewer [{least}, {most}]"
    if result.versus is not None and result.versus.finding == "better":
        return "no saving is shown, as the two intervals overlap"
    if ratio.high < 1:
        return "no saving is shown, as the test does not find it better"
    return "no saving is shown"


def _reaches(label: str, need: Need, versus: Versus, baseline: str) -> str:
    """How many labels the arm needs for another target, and how many the baseline."""
    goal = f"{need.target} ({need.score:.3f})"
    if math.isinf(need.labels.value):
        return f"{_not_reached(label, goal, need, versus)}."
    theirs = "" if math.isnan(need.baseline.value) else f", {baseline} with {labels_words(need.baseline)}"
    return f"{label} reaches {goal} with {labels_words(need.labels)} labels{theirs}."


def _not_reached(label: str, goal: str, need: Need, versus: Versus) -> str:
    low, budget = need.labels.low, versus.labels[-1]
    at_least = f" (95 % interval: more than {count(low)})" if 0 < low < budget else ""
    return f"{label} does not reach {goal} within {count(budget)} labels{at_least}"
