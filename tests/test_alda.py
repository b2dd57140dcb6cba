"""The six regimes of the alda paper: the installed command, on a small file in OrganSMNIST's layout."""

import csv
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from omegaconf import DictConfig

from al_runner.config.parts import Parts
from al_runner.config.schema import validate
from al_runner.errors import InputError
from al_runner.runs.build import build, prepare
from tests.commands import Command
from tests.composing import composed
from tests.config.test_configs import EXPERIMENTS
from tests.conftest import layout

REGIMES = ["1_full", "2_limited", "3_augmented", "4_active", "5_pre_query", "6_post_query"]
ACTIVE = REGIMES[3:]
STEPS = ("rotation", "blur", "elastic")


@dataclass(frozen=True)
class Study:
    """The six regimes, cut short: the run folder of each."""

    folder: Path
    runs: dict[str, Path]

    def rows(self, regime: str) -> list[dict[str, str]]:
        """Its `rounds.csv`."""
        with (self.runs[regime] / "rounds.csv").open(newline="") as file:
            return list(csv.DictReader(file))

    def queries(self, regime: str) -> list[dict[str, str]]:
        """Its `queries.csv`."""
        with (self.runs[regime] / "queries.csv").open(newline="") as file:
            return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("alda")
    (folder / "medmnist").mkdir()
    path = folder / "medmnist" / "organsmnist.npz"
    arrays = layout((150, 22, 22), (28, 28), 8)
    arrays["train_labels"][0] = 10  # eleven classes, as in the real one
    np.savez(path, **arrays)
    md5 = hashlib.md5(path.read_bytes()).hexdigest()
    shared = ["-m", "dataset=organsmnist", f"data_dir={folder}", f"dataset.md5={md5}",
              "logger=none", "trainer=cpu", "model.width=2"]  # fmt: skip
    command = Command(folder)
    passive = command(*shared, f"experiment={named(REGIMES[:3])}", "schedule.epochs=2")
    assert passive.returncode == 0, passive.stderr
    active = command(*shared, f"experiment={named(ACTIVE)}", "schedule.budget=19",
                     "++schedule.final_model.epochs=3", "++schedule.final_model.model.width=3")  # fmt: skip
    assert active.returncode == 0, active.stderr
    found = {regime: next(folder.glob(f"outputs/alda/organsmnist/{regime}/*/seed-0-*")) for regime in REGIMES}
    return Study(folder, found)


def named(regimes: list[str]) -> str:
    return ",".join(f"alda/{regime}" for regime in regimes)


def test_there_are_no_others() -> None:
    assert [name for name in EXPERIMENTS if name.startswith("alda/")] == [f"alda/{name}" for name in REGIMES]


@pytest.mark.slow
def test_active_regimes_share_their_seven_initial_samples_with_the_random_ones(study: Study) -> None:
    initial = [[row["index"] for row in study.queries(regime)[:7]] for regime in REGIMES[1:]]
    assert all(indices == initial[0] for indices in initial)
    assert [row["round"] for row in study.queries("4_active")[:8]] == ["0"] * 7 + ["1"]


def test_what_a_run_of_the_loop_leaves(study: Study) -> None:
    for regime in ACTIVE:
        rows = study.rows(regime)
        assert [row["n_labeled"] for row in rows] == ["7", "11", "15", "19", "19"]
        assert [row["n_queried"] for row in rows] == ["7", "4", "4", "4", "0"]
        assert [bool(row["val/accuracy_max"]) for row in rows] == [False] * 4 + [True]
        assert float(rows[-1]["val/accuracy_max"]) >= float(rows[-1]["val/accuracy"])
        assert len(study.queries(regime)) == 19
        assert not (study.runs[regime] / "round_4" / "picks.npy").exists()


def test_what_a_single_training_leaves(study: Study) -> None:
    for regime, labels in (("1_full", "150"), ("2_limited", "139"), ("3_augmented", "139")):
        (row,) = study.rows(regime)
        assert row["n_labeled"] == labels
        assert float(row["val/accuracy_max"]) >= float(row["val/accuracy"])


def test_what_is_changed_is_part_of_what_a_run_is(study: Study) -> None:
    sciences = {}
    for regime, folder in study.runs.items():
        manifest = json.loads((folder / "manifest.json").read_text())
        assert manifest["report"] == {"arm": regime, "baseline": "2_limited"}
        sciences[regime] = manifest["science"]
    assert "augmentation" not in sciences["2_limited"]
    assert "transforms" not in sciences["4_active"]
    assert sciences["5_pre_query"]["augmentation"] == {"placement": "pre_query"}
    assert sciences["3_augmented"]["transforms"]["rotation"]["degrees"] == 30
    assert sciences["2_limited"]["schedule"]["initial_size"] == 139
    assert "final_model" not in sciences["2_limited"]["schedule"]


@pytest.mark.slow
def test_its_report(study: Study) -> None:
    done = Command(study.folder).report("outputs/alda")
    assert done.returncode == 0, done.stderr
    assert "4_active" in done.stdout
    assert (study.folder / "outputs/alda/report/index.html").is_file()


def start(asked: DictConfig) -> None:
    """All that a run does before it writes anything."""
    config, parts = validate(asked), Parts(asked)
    build(prepare(config, parts), config, parts, lambda _done, _all: None)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["schedule.final_model.record_max=val/auc"], "final_model.record_max=val/auc is not measured"),
        (["schedule.final_model.epochs=0"], "schedule.final_model.epochs=0 must be at least 1"),
        (["~schedule.final_model.model"], "schedule.final_model.model must be given"),
        (["augmentation.placement=both"], "augmentation.placement=both must be 'none', 'pre_query' or"),
        (["+schedule.final_model.model.widht=3"], "widht"),
        (["+transforms.rotation.angle=3", "augmentation=pre_query"], "angle"),
        (
            ["transforms.rotation.p=1.5", "augmentation=post_query"],
            "rotation.p=1.5 is not a number",
        ),
        (["model=resnet18"], "width"),
        (["schedule.final_model.model.width=0"], "schedule.final_model.model.width=0 must be"),
        (["~schedule.final_model.model._target_"], "schedule.final_model.model needs a _target_"),
        (
            ["model@schedule.final_model.model=resnet18_3d", "~schedule.final_model.model.width"],
            "in schedule.final_model",
        ),
        (["augmentation=pre_query", *(f"~transforms.{step}" for step in STEPS)], "transforms is empty"),
        (["strategy=power_bald", "posterior=none"], "needs posterior=mc_dropout or posterior=ensemble"),
        (["report.arm=''"], "must be a name of letters and digits"),
        (["report.arm=3"], "report.arm=3 is a number"),
    ],
)
def test_bad_input(npz: Callable[..., Path], overrides: list[str], words: str) -> None:
    given = ["dataset=npz", f"dataset.path={npz(**layout((150, 22, 22), (28, 28), 8))}", "trainer=cpu"]
    asked = composed("experiment=alda/4_active", *given, *overrides)
    with pytest.raises(InputError, match=re.escape(words)) as fault:
        start(asked)
    assert "\n" not in str(fault.value)
