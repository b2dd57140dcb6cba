"""From experiments to the sections of a report."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from al_runner.errors import InputError
from al_runner.report.contents import Figure, Section, Table
from al_runner.report.figures import (
    augmented,
    choices,
    cost,
    curves,
    epochs,
    exchange,
    matrices,
    query_sizes,
)
from al_runner.report.figures import scored as scores
from al_runner.report.figures.agreement import agreement
from al_runner.report.figures.over_cost import cost_curves
from al_runner.report.study import over_cost
from al_runner.report.study.agreement import Agreement, agreements
from al_runner.report.study.analysis import Analysis, Options, analyse, analyses
from al_runner.report.study.arms import Experiment
from al_runner.report.study.patients import grouped, over_patients
from al_runner.report.study.people import labelings
from al_runner.report.study.scored import Relation, relations
from al_runner.report.writing import patients
from al_runner.report.writing.across import over_data_sets
from al_runner.report.writing.image_tables import dice_table, score_answers, score_table
from al_runner.report.writing.notes import notes, why_missing
from al_runner.report.writing.people_tables import people_tables
from al_runner.report.writing.tables import by_labels, tables
from al_runner.report.writing.verdict import answers, lead


def sections(experiments: Sequence[Experiment], options: Options) -> Iterator[Section]:
    """One section for each experiment, and one over data sets where there are enough.

    Raises:
        InputError: runs are finished and measured the metric, but no arm at a common number of labels.
    """
    found = analyses(experiments, options)
    _refuse_nothing_in_common(found, options.metric)
    for analysis in found:
        others = _others(analysis)
        experiment = analysis.experiment
        alike = agreements(experiment.arms)
        related = relations(experiment.arms)
        images = list(_of_images(analysis, related))
        by_cost = over_cost.over_cost(analysis) if options.over != "labels" else []
        summary, *more = [*tables(analysis, alike), *map(by_labels, others)]
        if by_cost:
            costs = over_cost.table(analysis, by_cost), over_cost.needed(analysis, by_cost)
            more += [table for table in costs if table is not None]
        more += people_tables(labelings(experiment), options.metric)
        at_once = related and experiment.one_shot
        main = 2 if experiment.by_outcome and analysis.arms else 1
        conditional = over_patients(analysis)
        if conditional:
            more.insert(0, patients.table(analysis, conditional, grouped(analysis)))
        compared = [] if at_once and not experiment.baseline else answers(analysis, conditional)
        yield Section(
            experiment.title,
            [*compared, *score_answers(related)],
            [*notes(analysis), *(over_cost.notes(analysis, by_cost) if options.over != "labels" else [])],
            [summary, *images, *more] if at_once else [summary, *more, *images],
            [
                *_figures(analysis, others, alike, related),
                *([cost_curves(analysis, by_cost)] if by_cost else []),
            ],
            main=main + len(images) if at_once else main,
            lead=lead(analysis) if compared else 1,
        )
    if (overall := over_data_sets(found)) is not None:
        yield overall


def _refuse_nothing_in_common(found: Sequence[Analysis], metric: str) -> None:
    if any(analysis.arms for analysis in found):
        return
    apart = [arm for analysis in found for arm in analysis.missing if arm.measured(metric)]
    if apart:
        raise InputError(". ".join(why_missing(arm, metric) for arm in apart))


def _others(analysis: Analysis) -> list[Analysis]:
    """The same runs by the further metrics that were asked for."""
    asked = replace(analysis.options, target=None)
    found = (analyse(analysis.experiment, replace(asked, metric=metric)) for metric in asked.also)
    return [each for each in found if each.arms]


def _of_images(analysis: Analysis, related: Sequence[Relation]) -> Iterator[Table]:
    if (table := dice_table(analysis)) is not None:
        yield table
    if related:
        yield score_table(analysis, related)


def _figures(
    analysis: Analysis, others: Sequence[Analysis], alike: Sequence[Agreement], related: Sequence[Relation]
) -> Iterator[Figure]:
    yield from curves.figures(analysis)
    yield from scores.figures(analysis, related)
    for other in others:
        yield from curves.further(other)
    yield from exchange.figures(analysis)
    yield from matrices.figures(analysis)
    yield from choices.figures(analysis)
    if alike:
        yield agreement(analysis, alike)
    yield from query_sizes.figures(analysis)
    yield from epochs.figures(analysis)
    yield from augmented.figures(analysis)
    yield from cost.figures(analysis)
