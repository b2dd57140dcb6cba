"""`al-predict`: what one takes home of a run that people labeled."""

import csv
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from al_runner.data.dataset import Dataset, Split
from al_runner.data.tasks import MultiClass
from al_runner.loop.protocols import Evaluation
from al_runner.runs.last_model import last_model, temperature
from al_runner.runs.predict import main
from al_runner.runs.predictions import Predictions
from tests.commands import Command
from tests.people.test_runs import ASKS, Truth, labeled, rows


@pytest.fixture
def run(al_run: Command, truth: Truth, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run with 24 images to measure on, of which six others were labeled."""
    monkeypatch.chdir(al_run.folder)
    sizes = ["dataset.test_size=24", "schedule.initial_size=4", "schedule.query_size=2", "schedule.budget=6"]
    return labeled(al_run, truth, *sizes)


def test_a_table_of_what_is_not_labeled(
    run: Path,
    truth: Truth,
    capsys: pytest.CaptureFixture[str],
) -> None:
    main([str(run)])
    out, err = capsys.readouterr()
    assert out.strip() == str(run / "predictions.csv")
    assert "10 images by the model of round 1, of 6 labels; probabilities calibrated on the test split" in err
    found = list(csv.DictReader((run / "predictions.csv").open(encoding="utf-8")))
    asked = {row["sample"] for row in rows(run, "labels.csv")}
    assert {row["file"] for row in found} == truth.keys() - asked
    sure = [float(row["sure"]) for row in found]
    assert sure == sorted(sure), "the least sure ones first"
    for row in found:
        probs = {"normal": float(row["p(normal)"]), "ill": float(row["p(ill)"])}
        assert sum(probs.values()) == pytest.approx(1, abs=2e-4)
        assert row["prediction"] == max(probs, key=probs.__getitem__)


def test_before_the_first_round_there_is_no_model(
    al_run: Command, truth: Truth, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert truth
    folder = al_run.run_folder(*ASKS)
    monkeypatch.chdir(al_run.folder)
    with pytest.raises(SystemExit) as end:
        main([str(folder)])
    assert end.value.code == 2
    assert f"{folder} has no model yet" in capsys.readouterr().err
    assert not (folder / "predictions.csv").exists()


def test_the_temperature_is_the_best_of_a_grid() -> None:
    generator = torch.Generator().manual_seed(0)
    targets = torch.randint(0, 3, (200,), generator=generator)
    logits = torch.randn(200, 3, generator=generator) + torch.nn.functional.one_hot(targets, 3)
    probs = (3 * logits).softmax(1)  # three times as sure as it may be
    split = Split(torch.zeros(200, 1, 2, 2, dtype=torch.uint8), targets)
    dataset = Dataset("any", dict.fromkeys(("train", "val", "test"), split), MultiClass(3), "none")
    learner: Any = SimpleNamespace(evaluate=lambda: Evaluation({}, {"probabilities_test": probs.numpy()}))
    grid = np.linspace(0.5, 5, 4501)
    losses = [torch.nn.functional.cross_entropy(probs.log() / t, targets) for t in grid]
    found = temperature(learner, dataset)
    assert found == pytest.approx(grid[np.argmin(losses)], abs=0.01)
    assert 2 < found < 4
    few = replace(
        dataset, splits=dict.fromkeys(("train", "val", "test"), Split(split.images[:9], targets[:9]))
    )
    assert temperature(learner, few) is None


def test_the_least_sure_label_counts() -> None:
    present = torch.tensor([[0.9, 0.5], [0.8, 0.7], [0.1, 0.95]])
    found = Predictions(["a", "b"], [3, 4, 5], [], torch.stack([1 - present, present], -1), None, "a model")
    assert found.sure.tolist() == pytest.approx([0.5, 0.7, 0.9])
    assert found.order == [0, 1, 2]
    assert found.words == ["a", "a;b", "b"]
    assert "as the model gives them" in found.summary


def test_what_cannot_be_predicted_is_said(
    al_run: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(*words: str) -> str:
        with pytest.raises(SystemExit) as ended:
            main([*words])
        assert ended.value.code == 2
        return capsys.readouterr().err

    assert "is no run folder" in said(str(tmp_path))
    (tmp_path / "manifest.json").write_text('{"status": "finished"}')
    assert "config.yaml cannot be read" in said(str(tmp_path))
    assert "--nothing is no option" in said("run", "--nothing")


def test_a_run_that_kept_nothing(
    al_run: Command, tiny: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(al_run.folder)
    folder = al_run.run_folder(*tiny, "keep_checkpoints=none")
    with pytest.raises(SystemExit):
        main([str(folder)])
    assert "keep_checkpoints=last" in capsys.readouterr().err
    kept = al_run.run_folder(*tiny, "keep_checkpoints=last", "seed=1")
    main([str(kept)])
    found = list(csv.DictReader((kept / "predictions.csv").open(encoding="utf-8")))
    assert len(found) == 60 - 14
    assert not {int(row["index"]) for row in found} & {int(row["index"]) for row in rows(kept, "queries.csv")}
    assert np.isfinite([float(row["sure"]) for row in found]).all()


def test_the_final_model_is_asked_where_there_is_one(
    al_run: Command, tiny: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its own network on all labels: what `keep_predictions` kept of it is what is predicted."""
    monkeypatch.chdir(al_run.folder)
    final = ["+model@schedule.final_model.model=alda_cnn", "schedule.final_model.model.width=3"]
    run = al_run.run_folder(*tiny, *final, "+schedule.final_model.epochs=9", "keep_predictions=true")
    (last,) = (row["round"] for row in rows(run, "rounds.csv") if row["n_queried"] == "0")
    kept = np.load(run / f"round_{last}" / "probabilities_test.npy")
    model = last_model(run)
    found = model.learner.evaluate().arrays["probabilities_test"]
    np.testing.assert_array_equal(found, kept)
    assert model.words == "the final model, of 14 labels"
    main([str(run)])
    assert "46 images by the final model, of 14 labels; probabilities" in capsys.readouterr().err
