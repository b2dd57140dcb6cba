"""The views of ideal's page, and its figure."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from al_runner.report.statistics.curves import Curve, paired
from al_runner.report.statistics.efficiency import labels_needed
from al_runner.report.statistics.intervals import mean_estimate, student_interval
from al_runner.report.statistics.paired import PROCEDURES
from result_views import words
from result_views.drawing import drawn
from result_views.words import Rows, Table, compared, p_value, percent

METRIC, BOUGHT = "test/auroc", "bought 0"
ALL, BASELINE, DEEP = "all labels", "random", "ideal_deep_features"
BAYESIAN = "random, posterior=McDropout"
"""Random with the network of the uncertainty baseline, which is the one to compare that with."""
BASELINES = {"predictive_variance": BAYESIAN}
TEST = PROCEDURES["t"]
"""The paper's."""
FIRST = "400"
"""Labels after four queries."""
MAPS = {
    "deep_taylor": ", strategy.saliency=DeepTaylor",
    "deep_taylor_innvestigate": ", strategy.saliency=DeepTaylorInnvestigate",
    "grad_cam": ", strategy.saliency=GradCam",
}
"""Saliency method → what al-report adds to the name of a strategy that uses it, where several are."""
CHANGES = {
    "reversed": 'least informative first ("-Reversed", Fig. 8a)',
    "image": 'features of the image ("-Image", Fig. 8b)',
}
"""Ablation → in words."""
WRAPPED = {"IdealGlcm": "ideal_glcm", "IdealShape2d": "ideal_shape2d", "Sampled": "predictive_variance",
           "IdealKurtosis": "ideal_kurtosis", "IdealFirstOrder": "ideal_first_order"}  # fmt: skip
"""What `strategy=reversed` turns around, by its class → its name."""
PUBLISHED = {
    "random": ("–", "–", "–"),
    "entropy": ("–", "–", "–"),
    "ideal_deep_features": ("0.978", "–", "33 %"),
    "ideal_first_order": ("0.954", "0.02", "37 %"),
    "ideal_glcm": ("0.919", "0.009", "–"),
    "ideal_kurtosis": ("0.934", "0.01", "44 %"),
    "ideal_shape2d": ("0.701", "0.0001", "–"),
    "predictive_variance": ("0.910", "0.005", "53 %"),
    BAYESIAN: ("–", "–", "–"),
    ALL: ("0.864", "0.0008", "100 %"),
}
"""Section V-B: final AUC, p to deep features, labels to full supervision."""


def name(arm: str) -> str:
    """What the page calls an arm: what all others have in common with it is left out."""
    return arm.removesuffix(MAPS["deep_taylor"]).removesuffix(", posterior=none")


def curves(rows: Rows) -> dict[str, Curve]:
    """Arm → its learning curves; a strategy with the paper's kind of maps has its own name."""
    return words.curves(rows, METRIC, name)


def strategies(rows: Rows) -> Table:
    """Each strategy's mean AUROC, its difference from random's, its last score, and the labels it needs."""
    found = _strategies(rows)
    full = found.pop(ALL)
    others = [arm for arm in found if not arm.startswith(BASELINE)]
    tests = _compared([(found[arm], found[BASELINES.get(arm, BASELINE)]) for arm in others])
    shown = dict(zip(others, tests, strict=True))
    last = int(found[BASELINE].labels[-1])
    header = ["strategy", "mean AUROC", "− random's", "p", "p (Holm)", f"AUROC at {last}"]
    table: Table = [[*header, "labels to full supervision"]]
    for arm, curve in found.items():
        table.append(
            [arm, f"{curve.area.mean():.3f}", *shown.get(arm, ["–"] * 3), _last(curve), _needs(curve, full)]
        )
    return [*table, [ALL, "–", "–", "–", "–", _last(full), "–"]]


def _compared(pairs: Sequence[tuple[Curve, Curve]]) -> list[tuple[str, str, str]]:
    """The differences of means over the budget, over the seeds of both."""
    cut = [paired(*each) for each in pairs]
    return compared([one.area - other.area for one, other in cut], TEST)


def _strategies(rows: Rows) -> dict[str, Curve]:
    """Those with the paper's kind of maps, in the order of the page."""
    found = curves(rows)
    return {arm: found[arm] for arm in PUBLISHED if arm in found}


def _last(curve: Curve) -> str:
    found = mean_estimate(curve.values[:, -1])
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


def _needs(curve: Curve, full: Curve) -> str:
    """Labels, and their share of all, to what the models of the same seeds reach with all labels."""
    scores, most = dict(zip(full.seeds, full.values[:, -1], strict=True)), curve.labels[-1]
    found = labels_needed(curve.minus(scores), 0.0, TEST.shown)
    high = "…)" if np.isinf(found.high) else f"{found.high:.0f}]"
    if np.isinf(found.value):
        return f"not reached [{found.low:.0f}, …)"
    return f"{found.value:.0f} ({percent(found.value / most)}) [{found.low:.0f}, {high}"


def against_the_paper(rows: Rows) -> Table:
    """Published numbers beside ours; p compares the means over the budget, as they are."""
    found = _strategies(rows)
    full = found[ALL]
    table: Table = [["strategy", "final AUC: published", "here", "p to deep features: published", "here",
                     "labels to full supervision: published", "here"]]  # fmt: skip
    for arm, (final, p, labels) in PUBLISHED.items():
        if arm not in found:
            continue
        curve, ours, needs = found[arm], "–", "–"
        if arm not in (ALL, DEEP, BAYESIAN):
            deep, other = paired(found[DEEP], curve)
            ours = p_value(str(float(TEST.p(deep.area - other.area))))
        if arm != ALL:
            needs = _needs(curve, full).partition(" [")[0]
        table.append([arm, final, f"{curve.values[:, -1].mean():.3f}", p, ours, labels, needs])
    return table


def bought(rows: Rows) -> Table:
    """The share of normal images in the first four queries."""
    shares = _shares(rows)
    names = [arm for arm in PUBLISHED if arm in shares and arm != BAYESIAN]
    return [
        ["first four queries", *names],
        ["normal images", *(percent(shares[arm]) for arm in names)],
    ]


def _shares(rows: Rows) -> dict[str, float]:
    return words.shares(rows, BOUGHT, FIRST, name)


def kinds_of_maps(rows: Rows) -> Table:
    """The same features of other maps: each paired with those of the paper's kind; one family."""
    found, shares = curves(rows), _shares(rows)
    pairs = {
        (kind, arm): (found[f"{arm}{end}"], found[arm])
        for kind, end in MAPS.items()
        for arm in found
        if f"{arm}{end}" in found
    }
    header = ["maps", "strategy", "seeds", "mean AUROC", "− with `deep_taylor`", "p", "p (Holm)"]
    table: Table = [[*header, "normal images bought", "with `deep_taylor`"]]
    for (kind, arm), tested in zip(pairs, _compared([*pairs.values()]), strict=True):
        curve, _ = paired(*pairs[kind, arm])
        bought = [percent(shares[each]) for each in (f"{arm}{MAPS[kind]}", arm)]
        table.append([f"`{kind}`", arm, str(len(curve.seeds)), f"{curve.area.mean():.3f}", *tested, *bought])
    return table


def ablated(arm: str) -> str:
    """A method and its change, such as `ideal_glcm, image`; without one, as it is."""
    method = arm.partition(",")[0]
    if method == "reversed":
        return f"{WRAPPED[arm.rpartition('strategy.strategy=')[2].partition(',')[0]]}, reversed"
    change = "image" if "source=image" in arm else "reversed" if "least_first=True" in arm else ""
    return f"{method}, {change}" if change else method


def ablations(rows: Rows) -> Table:
    """What a change does to a method: paired by seed, and one family."""
    found = words.curves(rows, METRIC, ablated)
    pairs = {
        (change, method): (found[f"{method}, {change}"], found[method])
        for change in CHANGES
        for method in sorted(PUBLISHED)
        if f"{method}, {change}" in found and method in found
    }
    table: Table = [["", "method", "seeds", "as it is", "changed", "difference", "p", "p (Holm)"]]
    last = ""
    for (change, method), tested in zip(pairs, _compared([*pairs.values()]), strict=True):
        changed, plain = paired(*pairs[change, method])
        means = [f"{each.area.mean():.3f}" for each in (plain, changed)]
        what = "" if change == last else CHANGES[change]
        table.append([what, method, str(len(plain.seeds)), *means, *tested])
        last = change
    return table


def figure(folder: Path) -> bytes:
    """Learning curves of the strategies; random's has its interval."""
    with (folder / "ideal" / "scores.csv").open(newline="", encoding="utf-8") as file:
        found = _strategies([*csv.DictReader(file)])
    return drawn({arm: _points(curve, arm == BASELINE) for arm, curve in found.items() if arm != ALL}, 4.2)


def _points(curve: Curve, band: bool) -> np.ndarray:
    ends: Sequence[np.ndarray] = student_interval(curve.values) if band else (curve.mean, curve.mean)
    return np.stack([curve.labels, curve.mean, *ends], 1)


def agreement(rows: Rows) -> Table:
    """What deep features choose, beside what each other method chooses of the same pool (Figs. 15 and 16)."""
    picked = ["deep features and", "common picks, first query", f"at {FIRST} labels"]
    ranked = ["nDCG of the whole ranking, first query", "by chance", "fourth query", "by chance"]
    table: Table = [[*picked, *ranked]]
    for one, other in ((DEEP, arm) for arm in PUBLISHED):
        found = {
            row["round"]: row
            for row in rows
            if {name(row["reference"]), name(row["strategy"])} == {one, other}
        }
        if found:
            first, later = found["1"], found["4"]
            picks = [percent(row["common share so far"]) for row in (first, later)]
            ranks = [
                f"{float(row[column]):.3f}"
                for row in (first, later)
                for column in ("nDCG of the pool", "by chance")
            ]
            table.append([other, *picks, *ranks])
    return table


def of_three(rows: Rows) -> Table:
    """The picks that three methods have in common, those that share most first."""
    shares: dict[str, dict[str, str]] = {}
    for row in rows:
        three = ", ".join(name(row[place]).removeprefix("ideal_") for place in ("first", "second", "third"))
        shares.setdefault(three, {})[row["round"]] = row["common share so far"]
    most = sorted(shares, key=lambda three: -float(shares[three]["4"]))
    table: Table = [["methods", "common picks, first query", f"at {FIRST} labels"]]
    for three in [*most[:3], *most[-3:]]:
        table.append([three, *(percent(shares[three][number]) for number in ("1", "4"))])
    return table
