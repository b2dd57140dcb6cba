"""From experiments to the sections of a report."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from al_runner.errors import InputError
from al_runner.report import over_cost
from al_runner.report.across import across
from al_runner.report.agreement import Agreement, agreements
from al_runner.report.analysis import Analysis, Options, analyse
from al_runner.report.contents import Figure, Section
from al_runner.report.figures import choices, cost, curves, matrices
from al_runner.report.figures.agreement import agreement
from al_runner.report.figures.over_cost import cost_curves
from al_runner.report.study import Experiment
from al_runner.report.tables import by_labels, tables
from al_runner.report.verdict import answers, notes, why_missing


def sections(experiments: Sequence[Experiment], options: Options) -> Iterator[Section]:
    """One section for each experiment, and one over data sets where there are enough.

    Raises:
        InputError: runs are finished and measured the metric, but no arm at a common number of labels.
    """
    analyses = [analyse(experiment, options) for experiment in experiments]
    _refuse_nothing_in_common(analyses, options.metric)
    for analysis in analyses:
        others = _others(analysis)
        experiment = analysis.experiment
        alike = agreements(experiment.arms)
        by_cost = over_cost.over_cost(analysis) if options.over_cost else []
        yield Section(
            experiment.title,
            answers(analysis),
            notes(analysis),
            [
                *tables(analysis, alike),
                *map(by_labels, others),
                *([over_cost.table(analysis, by_cost)] if by_cost else []),
            ],
            [*_figures(analysis, others, alike), *([cost_curves(analysis, by_cost)] if by_cost else [])],
            main=2 if experiment.by_outcome and analysis.arms else 1,
        )
    if (overall := across(analyses)) is not None:
        yield overall


def _refuse_nothing_in_common(analyses: Sequence[Analysis], metric: str) -> None:
    if any(analysis.arms for analysis in analyses):
        return
    apart = [arm for analysis in analyses for arm in analysis.missing if arm.measured(metric)]
    if apart:
        raise InputError(". ".join(why_missing(arm, metric) for arm in apart))


def _others(analysis: Analysis) -> list[Analysis]:
    """The same runs by the further metrics that were asked for."""
    asked = replace(analysis.options, target=None)
    found = (analyse(analysis.experiment, replace(asked, metric=metric)) for metric in asked.also)
    return [each for each in found if each.arms]


def _figures(analysis: Analysis, others: Sequence[Analysis], alike: Sequence[Agreement]) -> Iterator[Figure]:
    yield from curves.figures(analysis)
    for other in others:
        yield from curves.further(other)
    yield from matrices.figures(analysis)
    yield from choices.figures(analysis)
    if alike:
        yield agreement(analysis, alike)
    yield from cost.figures(analysis)
