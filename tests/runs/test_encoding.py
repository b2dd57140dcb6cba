"""Runs with an encoder: on its features, and of networks that begin with its weights."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from al_runner.runs.components import principal
from tests.commands import Command
from tests.conftest import layout

GIVEN = ["encoder=features", "encoder.path=features.npz"]
SMALL = ["encoder=simclr", "encoder.epochs=1", "encoder.least_steps=2", "encoder.batch_size=30",
         "encoder.model.width=2", "encoder.projection=4"]  # fmt: skip


def write_features(folder: Path, dims: int = 5, **changed: np.ndarray) -> None:
    """Features that tell the three classes, for the data of `tiny`."""
    rng, arrays = np.random.default_rng(1), layout()
    made = {
        split: 3 * np.eye(3, dims)[arrays[f"{split}_labels"].ravel()] + rng.normal(size=(n, dims))
        for split, n in (("train", 60), ("val", 20), ("test", 20))
    }
    np.savez(
        folder / "features.npz",
        **{name: each.astype(np.float32) for name, each in {**made, **changed}.items()},
    )


@pytest.fixture
def encoded(al_run: Command, tiny: list[str]) -> list[str]:
    write_features(al_run.folder)
    al_run.env["AL_RUNNER_CACHE"] = str(al_run.folder / "cache")
    return tiny


def column(folder: Path, name: str) -> list[float]:
    header, *rows = [line.split(",") for line in (folder / "rounds.csv").read_text().splitlines()]
    return [float(row[header.index(name)]) for row in rows]


def manifest(folder: Path) -> dict[str, dict[str, object]]:
    return json.loads((folder / "manifest.json").read_text())


@pytest.mark.parametrize("head", ["linear", "mlp"])
def test_a_head_learns_from_features(al_run: Command, encoded: list[str], head: str) -> None:
    folder = al_run.run_folder(*encoded, *GIVEN, f"head={head}", "schedule.epochs=40", "strategy=typiclust")
    assert column(folder, "test/accuracy")[-1] > 0.8
    assert column(folder, "n_labeled") == [6, 10, 14]


def test_a_linear_head_has_no_network_and_no_epochs(al_run: Command, encoded: list[str]) -> None:
    first = al_run.run_folder(*encoded, *GIVEN)
    for same in ("schedule.epochs=7", "optimizer.lr=0.5", "model=resnet18", "schedule.reset=never"):
        assert al_run.run_folder(*[word for word in encoded if "model" not in word], *GIVEN, same) == first
    science = manifest(first)["science"]
    assert not {"model", "optimizer"} & science.keys()
    assert al_run.run_folder(*encoded, *GIVEN, "head.folds=3") != first
    assert al_run.run_folder(*encoded, *GIVEN, "head=mlp") != first


def test_without_an_encoder_the_head_changes_nothing(al_run: Command, tiny: list[str]) -> None:
    folder = al_run.run_folder(*tiny)
    assert al_run.run_folder(*tiny, "head=mlp") == folder
    assert not {"encoder", "head"} & manifest(folder)["science"].keys()


def test_other_features_in_the_same_file_are_another_run(al_run: Command, encoded: list[str]) -> None:
    first = al_run.run_folder(*encoded, *GIVEN)
    write_features(al_run.folder, dims=6)
    assert al_run.run_folder(*encoded, *GIVEN) != first


@pytest.mark.parametrize("posterior", ["laplace", "bootstrap"])
def test_a_linear_head_can_be_sampled(al_run: Command, encoded: list[str], posterior: str) -> None:
    folder = al_run.run_folder(*encoded, *GIVEN, "strategy=bald", f"posterior={posterior}")
    assert column(folder, "n_labeled") == [6, 10, 14]


@pytest.mark.slow
def test_an_encoder_is_learned_once_and_its_network_is_tuned(al_run: Command, encoded: list[str]) -> None:
    first = al_run(*encoded, *SMALL, "strategy=k_center")
    assert "encoder=simclr learns from the 60 training images" in first.stderr
    folder = al_run.folder / first.stdout.splitlines()[-1]
    again = al_run(*encoded, *SMALL, "strategy=k_center", "seed=1")
    assert again.returncode == 0
    assert "learns" not in again.stderr
    for placement in ("none", "post_query"):
        tuned = al_run.run_folder(
            *encoded, *SMALL, "strategy=k_center", "head=finetune", f"augmentation={placement}"
        )
        first_query = [(run / "queries.csv").read_text().splitlines()[1:11] for run in (folder, tuned)]
        assert first_query[0] == first_query[1], "strategies see the encoder's features, whatever the head is"


INSTEAD = "head=finetune trains on images"
REFUSED = {
    "head=finetune": "encoder: ",
    "augmentation=post_query": "features stay as they are: augmentation=none, or head=finetune",
    "schedule.best_epoch_by=val/accuracy": "head=linear has none: head=mlp has",
    "posterior=mc_dropout": "head=linear takes posterior=laplace or posterior=bootstrap",
    "strategy=bald": "head=linear takes posterior=laplace",
    "+model@schedule.final_model.model=alda_cnn +schedule.final_model.epochs=2": INSTEAD,
    "loss.balanced_batches=true": "head=linear has no batches",
    "encoder.path=nowhere.npz": "nowhere.npz",
}


@pytest.mark.parametrize("word", REFUSED)
def test_refuses_what_features_cannot_do(al_run: Command, encoded: list[str], word: str) -> None:
    done = al_run(*encoded, *GIVEN, *word.split())
    assert done.returncode == 2
    assert REFUSED[word] in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (al_run.folder / "outputs").exists()


def test_laplace_is_not_for_networks(al_run: Command, tiny: list[str]) -> None:
    done = al_run(*tiny, "strategy=bald", "posterior=laplace")
    assert done.returncode == 2
    assert "posterior=mc_dropout" in done.stderr


def test_strategies_see_principal_components(al_run: Command, encoded: list[str]) -> None:
    write_features(al_run.folder, dims=40)
    words = [*encoded, *GIVEN, "strategy=k_center", "schedule.initial=strategy"]
    folders = [al_run.run_folder(*words, f"embedding_size={size}") for size in (2, 39, "null")]
    queries = [(folder / "queries.csv").read_text() for folder in folders]
    assert queries[0] != queries[2]
    assert [row.split(",")[:3] for row in queries[1].splitlines()] == [
        row.split(",")[:3] for row in queries[2].splitlines()
    ], "39 of 40 components lose next to nothing"


def test_components_are_those_of_the_covariance() -> None:
    features = torch.randn(50, 8, generator=torch.Generator().manual_seed(0)) * torch.arange(1.0, 9.0)
    found = principal(features, 3, "here")
    centered = (features - features.mean(0)).double()
    vectors = torch.linalg.eigh(centered.T @ centered).eigenvectors
    expected = centered @ vectors[:, -3:].flip(1)
    assert torch.allclose(found.double().abs(), expected.abs(), atol=1e-4)
    assert torch.equal(principal(features, 3, "here"), found)
    assert principal(features, 8, "") is features
    assert principal(features, None, "") is features


def test_what_cannot_be_is_refused_before_an_encoder_is_trained(al_run: Command, encoded: list[str]) -> None:
    for words in (
        ["posterior=mc_dropout"],
        ["strategy=vote_entropy", "posterior=none"],
        ["strategy=nmi_entropy"],
    ):
        done = al_run(*encoded, *SMALL, *words)
        assert done.returncode == 2
        assert "learns from the" not in done.stderr, words
    assert not (al_run.folder / "cache").exists()
