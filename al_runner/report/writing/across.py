"""The comparison of strategies over data sets, in words and tables."""

from collections.abc import Iterator, Sequence

from al_runner.report.contents import Cell, PValue, Section, Table, p_words
from al_runner.report.figures.ranks import critical_difference
from al_runner.report.statistics.family import seeds_needed
from al_runner.report.statistics.intervals import LEVEL
from al_runner.report.statistics.ranks import PAIRED, Pair, Stability
from al_runner.report.study.across import Across, across, enough, finished
from al_runner.report.study.analysis import Analysis
from al_runner.report.study.origins import block

TITLE = "Over data sets"


def over_data_sets(analyses: Sequence[Analysis]) -> Section | None:
    """Strategies over data sets, from five independent ones on; None where there are fewer.

    Each data set counts once, with the mean area of each strategy that was run on all of them.
    """
    if not enough(analyses):
        return None
    compared = finished(analyses)
    nouns = compared[0].experiment.nouns
    names = [analysis.experiment.dataset for analysis in compared]
    if len(set(names)) < len(names):
        return _none("Data sets with several settings are not ranked; choose one setting with --where.")
    found = across(analyses)
    if found is None:
        return _none(f"Fewer than two {nouns} were run on every data set, so nothing is ranked.")
    return Section(
        TITLE,
        [_ranked(found, compared), *_paired(found, compared[0].experiment.noun), *_stable(found)],
        list(_notes(found, len(analyses) - len(compared), compared[0].options.mixed)),
        list(_tables(found, compared)),
        [critical_difference(list(found.labels), found.ranking)],
        main=2,
        lead=2,
    )


def _none(why: str) -> Section:
    return Section(TITLE, [why], [], [], [])


def _score(compared: Sequence[Analysis]) -> str:
    metric = compared[0].options.metric
    points = all(analysis.compared_at_one for analysis in compared)
    return f"{metric} of the models that the runs leave" if points else f"mean {metric} over the budget"


def _ranked(found: Across, compared: Sequence[Analysis]) -> str:
    """Whether they differ at all, and how alike the data sets rank them."""
    ranking, nouns = found.ranking, compared[0].experiment.nouns
    test = "Friedman's test" if len(found.labels) > 2 else "signed-rank test"
    differ = "differ" if ranking.p <= LEVEL else "are not shown to differ"
    p = f"{'exact ' if ranking.exact else ''}{p_words(ranking.p)}"
    return (
        f"Over {len(ranking.blocks)} data sets the {nouns} {differ} ({test} of the {_score(compared)}, {p}; "
        f"concordance of the data sets W = {ranking.concordance:.2f})."
    )


def _paired(found: Across, noun: str) -> Iterator[str]:
    """What the paired comparisons show."""
    sets, count = len(found.ranking.blocks), len(found.pairs)
    test = f"signed-rank test over data sets, corrected for {count} comparisons" if count > 1 else ""
    test = test or "signed-rank test over data sets"
    shown = [pair for pair in found.pairs if pair.holm <= LEVEL]
    if shown:
        yield f"{'; '.join(_worded(found, pair) for pair in shown)} ({test})."
        return
    what = "pair" if found.baseline is None else noun
    other = f" from {_baseline(found)}" if found.baseline is not None else ""
    least = seeds_needed(count)
    few = f" So many comparisons need at least {least} data sets." if sets < least else ""
    yield f"No {what} is shown to differ{other} over data sets ({test}).{few}"


def _baseline(found: Across) -> str:
    return found.labels[found.baseline] if found.baseline is not None else ""


def _worded(found: Across, pair: Pair) -> str:
    better, worse = (pair.first, pair.second) if pair.difference.value > 0 else (pair.second, pair.first)
    if pair.second == found.baseline:
        side = "better" if better == pair.first else "worse"
        return f"{found.labels[pair.first]} is {side} than {_baseline(found)} ({p_words(pair.holm)})"
    return f"{found.labels[better]} is better than {found.labels[worse]} ({p_words(pair.holm)})"


def _stable(found: Across) -> Iterator[str]:
    """What the ranking depends on."""
    said = [_depends(each) for each in (found.by_set, found.by_seed) if each is not None]
    if said:
        yield f"The ranking without {'; without '.join(said)}."


def _depends(each: Stability) -> str:
    what, tau = each.least
    one = "one seed" if what.startswith("seed ") else "one data set"
    return (
        f"{one}: Kendall's τ to the whole one is at least {tau:.2f} (without {what}), "
        f"and the best is the same in {each.first} of {len(each.left_out)} cases"
    )


def _notes(found: Across, unfinished: int, mixed: bool) -> Iterator[str]:
    if mixed:
        fit = "has a table of its own" if found.effects else "could not be fitted, or there is no baseline"
        yield f"Over data sets, the mixed model {fit}."
    distance = found.ranking.critical_difference
    yield (
        f"Mean ranks that differ by less than {distance:.2f} are not distinguishable (Nemenyi). That "
        "distance depends on how many others are ranked; the paired comparisons do not."
    )
    if found.left_out:
        yield f"Left out, for they have no finished run on some data set: {', '.join(found.left_out)}."
    if unfinished:
        yield f"{unfinished} data sets without finished runs are left out."
    for origin in dict.fromkeys(map(block, found.areas)):
        names = [name for name in found.areas if block(name) == origin]
        if len(names) > 1:
            yield f"{' and '.join(names)} have one origin and count as one data set, {origin}."


def _tables(found: Across, compared: Sequence[Analysis]) -> Iterator[Table]:
    yield _ranks(found, compared)
    if found.pairs:
        yield _pairs(found)
    yield _stability(found)
    if found.effects:
        yield _effects(found)


def _effects(found: Across) -> Table:
    columns = ["", "difference", "p", "p (Holm)"]
    rows: list[list[Cell]] = [
        [each.label, each.difference, PValue(each.p), PValue(each.holm)] for each in found.effects
    ]
    note = (
        f"Against {_baseline(found)}. Strategies are fixed; data sets, seeds in them, and what a data set "
        "makes of a strategy are random (REML, statsmodels), and taken to be normal. It asks the question of "
        "the pairs once more, and there is no correction for asking twice."
    )
    return Table("mixed_model", "Over data sets, by the mixed model", columns, rows, note)


def _ranks(found: Across, compared: Sequence[Analysis]) -> Table:
    score = _score(compared)
    scores = found.ranking.scores.items()
    rows: list[list[Cell]] = [[name, *map(float, values)] for name, values in scores]
    rows.append(["mean rank", *map(float, found.ranking.ranks)])
    title = f"{score[0].upper()}{score[1:]}, by data set"
    return Table("ranks", title, ["data set", *found.labels], rows)


def _pairs(found: Across) -> Table:
    columns = ["", "compared with", "data sets ahead", "mean difference", "p", "p (Holm)"]
    rows: list[list[Cell]] = [
        [
            found.labels[pair.first],
            found.labels[pair.second],
            f"{pair.ahead:g} of {len(found.ranking.blocks)}",
            pair.difference,
            PValue(pair.p),
            PValue(pair.holm),
        ]
        for pair in found.pairs
    ]
    note = (
        "Exact signed-rank test over data sets, each of which counts once. The interval is its inverse, at "
        "the level that Holm's correction leaves; it is about data sets like these, not about seeds."
    )
    if PAIRED.least_p(len(found.ranking.blocks)) > LEVEL:
        note += f" With {len(found.ranking.blocks)} data sets no p can be .05 or less."
    return Table("over_data_sets_pairs", "Pairs, over data sets", columns, rows, note)


def _stability(found: Across) -> Table:
    rows: list[list[Cell]] = [
        [name, float(tau)]
        for each in (found.by_set, found.by_seed)
        if each is not None
        for name, tau in zip(each.left_out, each.taus, strict=True)
    ]
    note = (
        "Kendall's τ between the mean ranks with everything and those without one data set, or without the "
        "runs of one seed: 1 = the same order. Both rest mostly on the same runs, so τ is high even by "
        "chance; W, the concordance of the data sets, is not."
    )
    return Table("stability", "What the ranking depends on", ["left out", "τ"], rows, note)
