"""The views of alda's page."""

from result_views.words import Rows, Table, by_arm, compared, spread


def regimes(rows: Rows, metric: str) -> Table:
    """The comparison that was planned: each mean and deviation, and the difference of regime 6."""
    values, name = by_arm(rows, metric), METRICS[metric]
    base, other = "2_limited", "6_post_query"
    ((difference, p, _),) = compared([values[other] - values[base]])
    return [
        ["regime", "seeds", name, f"{name} − {base}", "p"],
        [base, str(len(values[base])), spread(values[base]), "–", "–"],
        [other, str(len(values[other])), spread(values[other]), difference, p],
    ]


def effects(rows: Rows, metric: str) -> Table:
    """Regimes 2, 3, 4 and 6 as an experiment with two factors, the query and the augmentation."""
    values = by_arm(rows, metric)
    neither, augmented, active, both = (values[name] for name in FACTORS)
    contrasts = {
        "entropy's labels instead of random ones": (active - neither + both - augmented) / 2,
        "augmentation instead of none": (augmented - neither + both - active) / 2,
        "both together, beyond their sum": both - augmented - active + neither,
    }
    found = compared([*contrasts.values()])
    return [
        ["effect", METRICS[metric], "p (Holm)"],
        *([name, difference, p] for name, (difference, _, p) in zip(contrasts, found, strict=True)),
    ]


FACTORS = ("2_limited", "3_augmented", "4_active", "6_post_query")
"""The regimes with neither, augmentation, the query, both."""


def every_regime(rows: Rows) -> Table:
    """Means and deviations of these regimes."""
    found = [by_arm(rows, metric) for metric in METRICS]
    return [
        ["regime", *METRICS.values()],
        *([name, *(spread(values[name]) for values in found)] for name in FACTORS),
    ]


METRICS = {"val/accuracy_max": "validation accuracy (maximum)", "test/accuracy": "test accuracy"}
