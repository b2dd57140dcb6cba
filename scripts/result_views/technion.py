"""The view of technion's page."""

from result_views.words import Rows, Table, by_arm, spread


def all_labels(rows: Rows) -> Table:
    """Runs on all labels: means and deviations for each number of epochs and learning rate."""
    found = {name: by_arm(rows, f"test/{name.lower()}") for name in MEASURES}
    return [
        ["training", *MEASURES],
        *([arm, *(spread(found[name][arm]) for name in MEASURES)] for arm in found[MEASURES[0]]),
    ]


MEASURES = ("accuracy", "precision", "recall", "F1", "AUROC")
