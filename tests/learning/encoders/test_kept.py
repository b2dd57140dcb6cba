"""What is kept of an encoder: made once, whole or not there, and gone on with where it was stopped."""

import errno
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from al_runner.data.dataset import Split
from al_runner.errors import InputError
from al_runner.learning import states
from al_runner.learning.encoders import kept, training
from al_runner.learning.encoders.simclr import SimCLR
from al_runner.learning.encoders.training import Pretraining
from tests.learning.encoders.data import MACHINE, simclr, two_kinds


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One entry for each training that is begun."""
    begun: list[str] = []
    run = Pretraining.run
    monkeypatch.setattr(Pretraining, "run", lambda self: (begun.append("x"), run(self))[1])
    return begun


def folder_of(cache: Path) -> Path:
    (folder,) = (path for path in cache.iterdir() if path.is_dir())
    return folder


def test_is_made_once_and_mapped(tmp_path: Path, trainings: list[str]) -> None:
    dataset = two_kinds()
    first = simclr(tmp_path).encode(dataset, MACHINE)
    second = simclr(tmp_path).encode(dataset, MACHINE)
    assert len(trainings) == 1
    for name, split in dataset.splits.items():
        assert first.splits[name].shape == (len(split), 8)
        assert first.splits[name].dtype == torch.float32
        assert torch.equal(first.splits[name], second.splits[name])
    folder = folder_of(tmp_path)
    assert folder.name.startswith("kinds-simclr-")
    assert {path.name for path in folder.iterdir()} == {
        "features_train.npy", "features_val.npy", "features_test.npy", "meta.json", "weights.pt"
    }  # fmt: skip
    meta = json.loads((folder / "meta.json").read_text())
    assert meta["options"]["temperature"] == 0.2
    assert meta["options"]["model"] == {"target": "al_runner.models.convnet.convnet", "width": 4, "levels": 2}
    assert meta["fingerprint"] == "kinds"
    assert isinstance(np.load(folder / "features_train.npy", mmap_mode="r"), np.memmap)


def test_other_options_and_other_data_are_others(tmp_path: Path, trainings: list[str]) -> None:
    dataset = two_kinds()
    noisy = Split(dataset.train.images + 1, dataset.train.targets)
    for encoder, data in (
        (simclr(tmp_path), dataset),
        (simclr(tmp_path, seed=1), dataset),
        (simclr(tmp_path, temperature=0.5), dataset),
        (simclr(tmp_path), replace(dataset, fingerprint="other")),
        (simclr(tmp_path), replace(dataset, splits={**dataset.splits, "train": noisy})),
    ):
        encoder.encode(data, MACHINE)
    assert len(trainings) == 5
    simclr(tmp_path, cache_dir=f"{tmp_path}/.").encode(dataset, MACHINE)
    assert len(trainings) == 5, "where it lies does not count"


@pytest.mark.parametrize("name", ["features_test.npy", "weights.pt", "meta.json"])
@pytest.mark.parametrize("damage", [lambda whole: whole[:-5], lambda whole: whole[:9] + b"?" + whole[10:]])
def test_damaged_is_made_anew(
    name: str, damage: Callable[[bytes], bytes], tmp_path: Path, trainings: list[str]
) -> None:
    first = simclr(tmp_path).encode(two_kinds(), MACHINE).splits["test"].clone()
    path = folder_of(tmp_path) / name
    path.write_bytes(damage(path.read_bytes()))
    again = simclr(tmp_path).encode(two_kinds(), MACHINE).splits["test"]
    assert len(trainings) == 2
    assert torch.equal(first, again)


class Killed(BaseException):
    """What ends a process at any moment."""


@pytest.mark.parametrize("after", [1, 2, 3])
def test_goes_on_where_it_was_killed_to_the_bit(
    after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def encoder(cache: str) -> SimCLR:
        return simclr(tmp_path / cache, epochs=4)

    dataset = two_kinds()
    undisturbed = encoder("a").encode(dataset, MACHINE)
    monkeypatch.setattr(training, "KEEP_SECONDS", 0.0)
    ends = Pretraining.on_train_epoch_end

    def killed(self: Pretraining) -> None:
        ends(self)
        if self.done == after:
            raise Killed

    monkeypatch.setattr(Pretraining, "on_train_epoch_end", killed)
    with pytest.raises(Killed):
        encoder("b").encode(dataset, MACHINE)
    assert (folder_of(tmp_path / "b") / "checkpoint.pt").is_file()
    epochs: list[int] = []
    monkeypatch.setattr(
        Pretraining, "on_train_epoch_end", lambda self: (ends(self), epochs.append(self.done))
    )
    resumed = encoder("b").encode(dataset, MACHINE)
    assert epochs == list(range(after + 1, 5)), "no epoch was trained twice"
    for name in dataset.splits:
        assert torch.equal(resumed.splits[name], undisturbed.splits[name])
    assert not list(folder_of(tmp_path / "b").glob("checkpoint*"))


def test_a_damaged_checkpoint_is_left_alone(tmp_path: Path) -> None:
    dataset = two_kinds()
    expected = simclr(tmp_path / "a").encode(dataset, MACHINE).splits["val"]
    partial = tmp_path / "b" / f".{folder_of(tmp_path / 'a').name}.partial"
    partial.mkdir(parents=True)
    (partial / "checkpoint.pt").write_bytes(b"PK\x03\x04 cut short")
    assert torch.equal(simclr(tmp_path / "b").encode(dataset, MACHINE).splits["val"], expected)


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("al_runner.learning.encoders.features.write_features", full)
    with pytest.raises(InputError, match=r"cannot keep encoder=simclr .* No space left on device; make room"):
        simclr(tmp_path).encode(two_kinds(), MACHINE)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_a_place_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"name another place by encoder\.cache_dir"):
        simclr(tmp_path / "file").encode(two_kinds(), MACHINE)


def test_features_are_finite(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="features of val images that are not finite"):
        kept.write_features(tmp_path, "val", 2, iter([torch.tensor([[1.0, 2.0], [3.0, float("nan")]])]))


OTHER = """
import sys, time
from tests.learning.encoders.data import MACHINE, simclr, two_kinds
from al_runner.learning.encoders.training import Pretraining
run = Pretraining.run
def slow(self):
    print("training", flush=True)
    time.sleep(1)
    run(self)
Pretraining.run = slow
simclr(sys.argv[1]).encode(two_kinds(), MACHINE)
"""


@pytest.mark.slow
def test_of_two_processes_one_learns(
    tmp_path: Path, trainings: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    command = [sys.executable, "-c", OTHER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout
        assert other.stdout.readline() == "training\n"
        found = simclr(tmp_path).encode(two_kinds(), MACHINE)
    assert other.returncode == 0
    assert not trainings
    assert "al-run: waiting for another process that makes" in capfd.readouterr().err
    assert found.splits["train"].shape == (40, 8)


def test_a_checkpoint_of_another_version_is_removed(tmp_path: Path) -> None:
    dataset = two_kinds()
    simclr(tmp_path / "a").encode(dataset, MACHINE)
    partial = tmp_path / "b" / f".{folder_of(tmp_path / 'a').name}.partial"
    partial.mkdir(parents=True)
    states.write({"method": {"other": torch.zeros(1)}, "done": 1}, partial / "checkpoint.pt")
    with pytest.raises(InputError, match="not of this version of al-runner; it is removed: start again"):
        simclr(tmp_path / "b").encode(dataset, MACHINE)
    simclr(tmp_path / "b").encode(dataset, MACHINE)
