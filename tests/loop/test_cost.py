"""What labels cost: counted one by one, recorded, resumed, and no part of a run that counts images."""

import csv
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from al_runner.config.identity import _asked
from al_runner.errors import InputError
from al_runner.loop.cost import Unit, costs
from al_runner.loop.oracle import Noisy, Simulated
from al_runner.runs.journal import RunJournal
from tests.commands import Command
from tests.test_segmentation import SCANS


def masks(*shape: int) -> torch.Tensor:
    drawn = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    return (drawn > 0.93).to(torch.uint8) * 2


@pytest.mark.parametrize("unit", ["images", "slices", "foreground"])
def test_is_a_count(unit: Unit) -> None:
    volumes = masks(5, 6, 4, 3)
    volumes[3] = 0
    expected = [
        {
            "images": 1,
            "slices": sum(any(any(row) for row in level) for level in volume),
            "foreground": sum(voxel > 0 for level in volume for row in level for voxel in row),
        }[unit]
        for volume in volumes.tolist()
    ]
    assert costs(unit, volumes).tolist() == expected
    assert costs(unit, volumes[:0]).tolist() == []
    assert len(set(expected)) > 1 or unit == "images"


def test_the_oracle_counts_what_it_says() -> None:
    volumes = masks(4, 6, 4, 3)
    assert Simulated(volumes).costs(volumes) is None
    found = Simulated(volumes, cost="slices").costs(volumes)
    assert found is not None
    assert found.equal(costs("slices", volumes))


@pytest.mark.parametrize(
    ("unit", "targets", "why"),
    [
        ("slices", masks(4, 8, 8), "the masks of volumes"),
        ("foreground", torch.zeros(4, 3), "masks"),
        ("slices", torch.zeros(4), "the masks of volumes"),
    ],
)
def test_what_cannot_be_counted_is_refused(unit: str, targets: torch.Tensor, why: str) -> None:
    with pytest.raises(InputError, match=why):
        Simulated(targets, cost=unit)


def test_noisy_labels_cost_images_too() -> None:
    oracle = Noisy(torch.arange(8) % 2, 2, torch.Generator().manual_seed(0), cost="images")
    assert oracle.costs(torch.zeros(3)) is None
    with pytest.raises(InputError, match="masks"):
        Noisy(torch.arange(8) % 2, 2, torch.Generator(), cost="foreground")


@pytest.mark.slow
def test_a_run_records_it_and_goes_on_with_it(al_run: Command) -> None:
    words = [*SCANS, "strategy=random", "logger=none", "oracle.cost=slices"]
    folder = al_run.run_folder(*words)
    with (folder / "rounds.csv").open() as file:
        rows = list(csv.DictReader(file))
    labels = [np.load(folder / f"round_{k}" / "labels.npy") for k in range(len(rows))]
    expected = [np.concatenate(labels[: k + 1]).any((2, 3)).sum() for k in range(len(rows))]
    assert [int(row["cost"]) for row in rows] == expected
    each = np.concatenate([np.load(folder / f"round_{k}" / "costs.npy") for k in range(len(rows))])
    assert each.sum() == expected[-1]
    assert len(each) == 8


def test_a_run_that_goes_on_counts_on(tmp_path: Path) -> None:
    before = SimpleNamespace(row={"cost": 7, "n_labeled": 2})
    nothing: Any = None
    record: Any = SimpleNamespace(rounds=[before], folder=tmp_path)
    journal = RunJournal(record, nothing, nothing, nothing)
    assert journal.cost == 7
    assert journal.n_labeled == 2


def test_counting_images_is_no_part_of_a_run() -> None:
    asked = {"_target_": "al_runner.loop.oracle.Noisy", "flip_rate": 0.1}
    assert _asked({**asked, "cost": "images"}) == asked
    assert _asked({**asked, "cost": "slices"}) != asked
