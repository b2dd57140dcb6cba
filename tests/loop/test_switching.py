"""Runs that go on with another data set: what is queried, trained on and measured, and when."""

import csv
import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from al_runner.config.identity import identity
from al_runner.config.schema import to_dict, validate
from al_runner.data.dataset import Dataset, Split
from al_runner.data.joined import joined
from al_runner.data.tasks import MultiLabel
from al_runner.errors import InputError
from al_runner.learning.machine import Machine
from al_runner.learning.switching import SwitchingLearner
from al_runner.loop.pool import Pool, Query
from al_runner.loop.schedule import Round
from al_runner.loop.seeding import Streams
from al_runner.loop.switching import Switch
from al_runner.strategies.random import random
from al_runner.strategies.wrappers import EpsilonRandom
from tests.commands import Command
from tests.composing import composed
from tests.conftest import layout
from tests.learning.test_learner import NETWORK, adamw
from tests.strategies.fake import FakeLearner


def bought_of_each(sizes: list[int], switch: Switch) -> tuple[int, int]:
    """Labels of the first and the second data set, round by round."""
    first = 0
    for number, size in enumerate(sizes):
        if switch.queried(sum(sizes[:number]), 1000).start == 0:
            first += size
    return first, sum(sizes) - first


@pytest.mark.parametrize(
    ("at", "sizes", "expected"),
    [
        (0.5, [20] * 10, (100, 100)),
        (0.5, [20, 30, 30, 20], (50, 50)),
        (0.5, [30, 40, 30], (70, 30)),
        (0.1, [3] * 10, (3, 27)),
        (0.7, [1] * 10, (7, 3)),
        (0.01, [5, 5], (5, 5)),
    ],
)
def test_the_first_query_at_the_share_is_of_the_second_set(
    at: float, sizes: list[int], expected: tuple[int, int]
) -> None:
    assert bought_of_each(sizes, Switch.planned(at, sizes, 500, 500)) == expected


def test_plans_that_cannot_be() -> None:
    with pytest.raises(InputError, match=r"at=0.9: no round begins with 90 of 100 labels or more"):
        Switch.planned(0.9, [50, 50], 500, 500)
    with pytest.raises(InputError, match="no round begins with 50 of 100"):
        Switch.planned(0.5, [100], 500, 500)
    with pytest.raises(InputError, match=r"60 labels of the first data set are asked for, .* has 59 samples"):
        Switch.planned(0.5, [20] * 6, 59, 500)
    with pytest.raises(
        InputError, match=r"60 labels of the second data set are asked for, .* has 59 samples"
    ):
        Switch.planned(0.5, [20] * 6, 500, 59)


def test_the_pool_opens_one_set_after_the_other() -> None:
    pool = Pool(10, Switch(first=6, labels=3))
    assert pool.unlabeled.tolist() == [0, 1, 2, 3, 4, 5]
    pool.add(Query(torch.tensor([4, 1])), torch.tensor([0, 1]), 0)
    assert pool.unlabeled.tolist() == [0, 2, 3, 5]
    with pytest.raises(ValueError, match="of the data set that is not queried now"):
        pool.check(Query(torch.tensor([2, 7])), 2)
    with pytest.raises(ValueError, match="labeled already"):
        pool.check(Query(torch.tensor([2, 4])), 2)
    pool.add(Query(torch.tensor([0])), torch.tensor([0]), 1)
    assert pool.unlabeled.tolist() == [6, 7, 8, 9]
    with pytest.raises(ValueError, match="of the data set that is not queried now"):
        pool.check(Query(torch.tensor([2])), 1)
    pool.add(Query(torch.tensor([8])), torch.tensor([0]), 2)
    assert pool.unlabeled.tolist() == [6, 7, 9]
    assert pool.labeled.tolist() == [4, 1, 0, 8]


@pytest.mark.parametrize("strategy", [random, EpsilonRandom(random, 1)])
def test_chance_draws_from_the_open_set_as_if_it_were_alone(strategy: Callable[..., Query]) -> None:
    alone, switched = Pool(60), Pool(100, Switch(60, 30))
    for number in range(3):
        queries = [
            strategy(FakeLearner(100), pool, 10, torch.Generator().manual_seed(number))
            for pool in (alone, switched)
        ]
        assert queries[0].indices.tolist() == queries[1].indices.tolist()
        for pool, query in zip((alone, switched), queries, strict=True):
            pool.add(query, torch.zeros(10), number)
    late = strategy(FakeLearner(100), switched, 40, torch.Generator().manual_seed(9))
    assert sorted(late.indices.tolist()) == list(range(60, 100))


def other(dataset: Dataset, n: int = 30) -> Dataset:
    """Another data set of the same kind, inverted."""
    splits = {
        name: Split(255 - split.images[:n], split.targets[:n]) for name, split in dataset.splits.items()
    }
    return replace(dataset, name="other", splits=splits, fingerprint="inverted")


def test_joined_data(small: Dataset) -> None:
    both = joined(small, other(small))
    assert (both.train.images[:60] == small.train.images).all()
    assert (both.train.images[60:] == 255 - small.train.images[:30]).all()
    assert (both.train.targets[60:] == small.train.targets[:30]).all()
    assert both.splits["test"] is small.splits["test"]
    assert both.name == "small"
    assert both.fingerprint not in (small.fingerprint, joined(small, small).fingerprint)
    larger = replace(
        small,
        name="large",
        splits={
            name: Split(each.images.repeat(1, 1, 2, 2), each.targets) for name, each in small.splits.items()
        },
    )
    with pytest.raises(InputError, match="images of small are 1×14×14, those of large 1×28×28"):
        joined(small, larger)
    several = {
        name: Split(each.images, torch.zeros(len(each), 3, dtype=torch.int64))
        for name, each in small.splits.items()
    }
    with pytest.raises(
        InputError, match="task of small is MultiClass of 3 classes, that of x MultiLabel of 3"
    ):
        joined(small, replace(small, name="x", task=MultiLabel(3), splits=several))


def test_a_learner_is_measured_on_the_set_that_it_learns_last(small: Dataset) -> None:
    second = other(small)
    later = {name: second.splits[name] for name in ("val", "test")}
    both = joined(small, second)

    def learner(later: dict[str, Split]) -> SwitchingLearner:
        return SwitchingLearner(
            both, Switch(60, 20), later, build_network=NETWORK, recipe=adamw(), machine=Machine.detect("cpu"),
            streams=Streams(0),
        )  # fmt: skip

    subject, blind = learner(later), learner({})
    for each in (subject, blind):
        each.fit(torch.arange(20), both.train.targets[:20], Round(0, 20, 2, True, True))
    assert subject.evaluate().metrics == blind.evaluate().metrics, "so far, there is one set"
    indices = torch.cat([torch.arange(20), torch.arange(60, 70)])
    for each in (subject, blind):
        each.fit(indices, both.train.targets[indices], Round(1, 10, 20, True, True))
    probabilities = subject.predict(torch.arange(len(both.train)))
    assert (probabilities == blind.predict(torch.arange(len(both.train)))).all(), "the same training"
    blind.dataset = replace(both, splits={**both.splits, **later})
    assert subject.evaluate().metrics == blind.evaluate().metrics
    blind.dataset = both
    assert subject.evaluate().metrics != blind.evaluate().metrics


def test_worth_is_measured_on_the_set_that_is_queried(small: Dataset, tmp_path: Path) -> None:
    """Also by a learner that was not there when the data were switched."""
    second = other(small)
    later = {name: second.splits[name] for name in ("val", "test")}
    both = joined(small, second)
    there, resumed = (
        SwitchingLearner(
            both, Switch(60, 20), later, build_network=NETWORK, recipe=adamw(), machine=Machine.detect("cpu"),
            streams=Streams(0),
        )
        for _ in range(2)
    )  # fmt: skip
    others, indices = torch.cat([torch.arange(20), torch.arange(60, 70)]), torch.tensor([70, 80])
    targets = both.train.targets
    there.fit(others, targets[others], Round(1, 10, 5, True, True))
    there.save(tmp_path / "checkpoint.pt")
    resumed.load(tmp_path / "checkpoint.pt")
    step = Round(2, 2, 2, True, True)
    found = [
        each.worth(indices, targets[indices], others, targets[others], step, 2) for each in (there, resumed)
    ]
    assert torch.equal(*found)
    there.dataset = there.after = both
    on_the_first = there.worth(indices, targets[indices], others, targets[others], step, 2)
    assert not torch.equal(found[0], on_the_first)


@pytest.fixture
def two(tmp_path: Path, tiny: list[str]) -> list[str]:
    """Arguments of a run of five rounds that switches after three of them, from one small file to another."""
    arrays = {
        key: 255 - value if key.endswith("images") else value
        for key, value in layout((40, 16, 16), classes=3).items()
    }
    np.savez(tmp_path / "second.npz", **arrays)
    return [
        *tiny, "+dataset@schedule.switch_dataset.dataset=npz", "+schedule.switch_dataset.at=0.5",
        f"schedule.switch_dataset.dataset.path={tmp_path}/second.npz", "schedule.budget=22",
    ]  # fmt: skip


def rows(folder: Path, name: str = "rounds.csv") -> list[dict[str, str]]:
    with (folder / name).open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("strategy", ["random", "entropy"])
def test_a_run_that_switches(al_run: Command, tiny: list[str], two: list[str], strategy: str) -> None:
    folder = al_run.run_folder(*two, f"strategy={strategy}")
    queries = rows(folder, "queries.csv")
    for row in queries:
        assert (int(row["index"]) >= 60) == (int(row["round"]) >= 3), "indices of the second set follow"
    alone = al_run.run_folder(*tiny, "schedule.budget=22", f"strategy={strategy}")
    before = [row for row in queries if int(row["round"]) < 3]
    assert before == [row for row in rows(alone, "queries.csv") if int(row["round"]) < 3], "paired until then"
    assert without_times(folder)[:3] == without_times(alone)[:3]
    assert without_times(folder)[3:] != without_times(alone)[3:]
    assert json.loads((folder / "manifest.json").read_text())["switch"] == {"first": 60, "labels": 11}


def test_the_first_set_can_be_measured_on_to_the_end(al_run: Command, two: list[str]) -> None:
    second = al_run.run_folder(*two)
    first = al_run.run_folder(*two, "+schedule.switch_dataset.measure=first")
    assert first != second
    assert (first / "queries.csv").read_bytes() == (second / "queries.csv").read_bytes()
    told = [[row["test/accuracy"] for row in rows(folder)] for folder in (first, second)]
    assert told[0][:3] == told[1][:3]
    for row, folder in ((rows(first)[-1], first), (rows(second)[-1], second)):
        confusion = np.load(folder / "round_4" / "confusion_test.npy")
        assert confusion.sum() == (20 if folder == first else 16), row


@pytest.mark.slow
def test_it_resumes_to_the_bit(al_run: Command, two: list[str]) -> None:
    """Killed in the last round before the switch, and in the one after it."""
    arguments = [*two, "schedule.reset=never", "augmentation=post_query", "image_noise.sigma=0.05"]
    whole = al_run.run_folder(*arguments)
    for kept in (2, 3):
        output = al_run.folder / f"killed-{kept}"
        process = al_run.start(*arguments, f"output_dir={output}")
        while not list(output.glob(f"*/*/*/round_{kept}")) and process.poll() is None:
            time.sleep(0.01)
        process.kill()
        process.communicate()
        again = al_run.run_folder(*arguments, f"output_dir={output}")
        assert (again / "queries.csv").read_bytes() == (whole / "queries.csv").read_bytes()
        assert without_times(again) == without_times(whole)


def without_times(folder: Path) -> list[dict[str, str]]:
    return [{key: row[key] for key in row if "seconds" not in key} for row in rows(folder)]


def test_identity_and_bad_values() -> None:
    def of(*overrides: str) -> str:
        return identity(to_dict(composed(*overrides)))

    key = "schedule.switch_dataset"
    second = [f"+dataset@{key}.dataset=chexpert", f"+{key}.at=0.5"]
    assert of(*second) != of()
    assert of(*second, f"{key}.dataset.root=/elsewhere", f"{key}.dataset.cache_dir=/tmp") == of(*second)
    assert of(*second, f"{key}.dataset.positives=9") != of(*second)
    assert of(*second, f"+{key}.measure=first") != of(*second)
    assert of(*second, f"+{key}.measure=second") == of(*second)
    spelled = of("dataset=chexpert", "dataset.finding=pleural_effusion")
    assert (
        spelled
        == of("dataset=chexpert", "dataset.finding=Pleural Effusion")
        != of("dataset=chexpert", "dataset.finding=edema")
    )
    for wrong, words in {
        f"{key}.at=1": "schedule.switch_dataset.at=1 must be below 1",
        f"+{key}.after=1": "schedule.switch_dataset.after is no key; .* has dataset, at, measure",
        f"~{key}.dataset": "schedule.switch_dataset.dataset must be given",
        f"+{key}.measure=both": "schedule.switch_dataset.measure=both must be 'second' or 'first'",
        "patches.size=[32]": r"patches.size=\[32\] must be a list of at least 2 items",
        "patches=null": r"patches=null must be {size: \[…\]",
        "image_noise.splits=train": "image_noise.splits=train must be a list$",
    }.items():
        with pytest.raises(InputError, match=words):
            validate(composed(*second, wrong))


def test_bad_input_and_other_data(al_run: Command, two: list[str], tmp_path: Path) -> None:
    def refused(words: str, *arguments: str) -> None:
        done = al_run(*two, *arguments)
        assert done.returncode == 2, done.stderr
        assert re.search(words, done.stderr.splitlines()[-1]), done.stderr
        assert "Traceback" not in done.stderr

    refused(
        "at=0.5: 44 labels of the second data set are asked for, whose .* 40 samples", "schedule.budget=90"
    )
    np.savez(tmp_path / "third.npz", **layout((40, 16, 16), size=(15, 15)))
    third = f"schedule.switch_dataset.dataset.path={tmp_path}/third.npz"
    refused("images of small are 1×14×14, those of third 1×15×15", third)
    refused("target and schedule.plateau follow one validation split", "schedule.target.value=0.9")
    refused("schedule.switch_dataset.dataset needs a _target_", "~schedule.switch_dataset.dataset._target_")
    assert not (al_run.folder / "outputs").exists()
    al_run.run_folder(*two)
    np.savez(tmp_path / "second.npz", **layout((40, 16, 16)))
    refused("was begun with other data")
