"""Fixtures: real data, small synthetic data, and the installed command."""

import importlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from al_runner.data.dataset import Dataset, Split
from al_runner.data.tasks import MultiClass
from al_runner.learning.machine import Machine
from tests.commands import Command

torch.set_num_threads(1)  # two tests at once, one core each

NUMBERS = ("acquisition", "loop", "data/tasks", "report/test_statistics.py")
"""Tests of the code that makes numbers: marked so, and the only ones that coverage slows down."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        place = item.path.relative_to(Path(__file__).parent).as_posix()
        item.add_marker("numbers" if place.startswith(NUMBERS) else "no_cover")


def pytest_collection_finish() -> None:
    importlib.import_module("tests.imported")


@pytest.fixture(autouse=True)
def _as_a_run_computes(request: pytest.FixtureRequest) -> None:
    """On a GPU, a test computes as a run does: kernels that repeat themselves, float32 without TF32."""
    if request.node.get_closest_marker("gpu") and torch.cuda.is_available():
        Machine.detect("gpu", "32")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data that AL_RUNNER_DATA names."""
    folder = Path(os.environ.get("AL_RUNNER_DATA", "no-such-folder"))
    if not (folder / "medmnist" / "pneumoniamnist.npz").is_file():
        message = "real data are missing: set AL_RUNNER_DATA to a folder with medmnist/pneumoniamnist.npz"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return folder


def images_of(labels: np.ndarray, size: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Noise with a bright bar whose place tells the class: learnable in a few epochs."""
    images = rng.integers(0, 80, (len(labels), *size), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[..., 2 + 3 * int(label) : 4 + 3 * int(label)] += 150
    return images


def layout(
    n: tuple[int, int, int] = (60, 20, 20), size: tuple[int, ...] = (14, 14), classes: int = 3
) -> dict[str, np.ndarray]:
    """The arrays of a small file in MedMNIST's layout."""
    rng = np.random.default_rng(0)
    arrays = {}
    for split, count in zip(("train", "val", "test"), n, strict=True):
        labels = np.arange(count) % classes
        rng.shuffle(labels)
        arrays[f"{split}_images"] = images_of(labels, size, rng)
        arrays[f"{split}_labels"] = labels.astype(np.uint8)[:, None]
    return arrays


@pytest.fixture
def npz(tmp_path: Path) -> Callable[..., Path]:
    """Write a small npz; keyword arguments replace arrays, None drops one."""

    def write(name: str = "small.npz", **changed: np.ndarray | None) -> Path:
        arrays = {key: value for key, value in {**layout(), **changed}.items() if value is not None}
        path = tmp_path / name
        np.savez(path, **arrays)
        return path

    return write


@pytest.fixture
def small() -> Dataset:
    """A small multi-class data set in memory."""
    arrays = layout()
    splits = {
        name: Split(
            torch.from_numpy(arrays[f"{name}_images"]).unsqueeze(1),
            torch.from_numpy(arrays[f"{name}_labels"].astype(np.int64)).squeeze(1),
        )
        for name in ("train", "val", "test")
    }
    return Dataset("small", splits, MultiClass(3), fingerprint="none")


@pytest.fixture
def al_run(tmp_path: Path) -> Iterator[Command]:
    """The installed command, started in an empty folder; what still runs after the test is killed."""
    folder = tmp_path / "cwd"
    folder.mkdir()
    command = Command(folder)
    yield command
    for started in command.started:
        started.end()


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The folder in which a tiny run was made, to be copied, and the run's arguments."""
    folder = tmp_path_factory.mktemp("finished")
    np.savez(folder / "small.npz", **layout())
    arguments = tiny_run(folder / "small.npz")
    (folder / "cwd").mkdir()
    Command(folder / "cwd").run_folder(*arguments)
    return folder / "cwd", arguments


@pytest.fixture
def tiny(npz: Callable[..., Path]) -> list[str]:
    """Arguments of a run of three rounds that takes a second."""
    return tiny_run(npz())


def tiny_run(path: Path) -> list[str]:
    return [
        "dataset=npz",
        f"dataset.path={path}",
        "schedule.initial_size=6",
        "schedule.query_size=4",
        "schedule.budget=14",
        "schedule.epochs=2",
        "model.width=2",
        "logger=none",
    ]
