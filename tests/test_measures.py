"""A record's metrics against scikit-learn's on the predictions that lie beside them."""

import csv
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as sk

from tests.commands import Command

RUN = [
    "dataset=pneumoniamnist",
    "strategy=entropy",
    "model.width=2",
    "schedule.initial_size=20",
    "schedule.query_size=30",
    "schedule.budget=50",
    "schedule.epochs=3",
    "keep_predictions=true",
    "logger=none",
]
LOSSES = [
    ["loss.one_logit=false"],
    ["loss.one_logit=true"],
    ["loss.one_logit=true", "loss.class_weights=balanced"],
    ["loss.balanced_batches=true"],
]


@pytest.mark.parametrize("loss", LOSSES, ids=",".join)
def test_every_number_is_scikit_learns(al_run: Command, data_dir: Path, loss: list[str]) -> None:
    folder = al_run.run_folder(*RUN, *loss, f"data_dir={data_dir}")
    with (folder / "rounds.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["n_labeled"] for row in rows] == ["20", "50"]
    with np.load(data_dir / "medmnist" / "pneumoniamnist.npz") as data:
        labels = {split: data[f"{split}_labels"][:, 0] for split in ("val", "test")}
    for row in rows:
        for split, y in labels.items():
            kept = folder / f"round_{row['round']}"
            probs = np.load(kept / f"probabilities_{split}.npy")
            assert probs.shape == (len(y), 2)
            guess = probs.argmax(1)
            expected = {
                "accuracy": sk.accuracy_score(y, guess),
                "balanced_accuracy": sk.balanced_accuracy_score(y, guess),
                "precision": sk.precision_score(y, guess, zero_division=0),
                "recall": sk.recall_score(y, guess),
                "f1": sk.f1_score(y, guess),
                "auroc": sk.roc_auc_score(y, probs[:, 1]),
            }
            for name, value in expected.items():
                assert float(row[f"{split}/{name}"]) == pytest.approx(value, rel=2e-7), (split, name)
            measured = np.load(kept / f"confusion_{split}.npy")
            assert np.array_equal(measured, sk.confusion_matrix(y, guess))
