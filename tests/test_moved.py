"""What was made with the modules' earlier names goes on: run folders, YAML files, code."""

import csv
import json
import pickle
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from al_runner.config.identity import identity
from al_runner.config.schema import to_dict
from al_runner.moved import MOVED, original, today
from al_runner.report.study.folders import find
from tests.commands import Command
from tests.composing import composed

EARLIER = Path(__file__).parent / "fixtures" / "before_the_move"
"""Identities of composed configs and two run folders, written by version 0.1.0."""
IDENTITIES = json.loads((EARLIER / "identities.json").read_text())


@pytest.fixture
def earlier(al_run: Command) -> Path:
    """The run folders, where the command finds them."""
    shutil.copytree(EARLIER / "runs", al_run.folder / "outputs")
    return al_run.folder / "outputs"


def asked(folder: Path) -> list[str]:
    """The words that the run was asked for with."""
    return json.loads((folder / "manifest.json").read_text())["command"].split()[1:]


def test_a_finished_run_is_finished(al_run: Command, earlier: Path) -> None:
    (folder,) = earlier.glob("phantom/ideal_kurtosis/*")
    before = (folder / "rounds.csv").read_bytes()
    done = al_run(*asked(folder))
    assert done.returncode == 0
    assert "finished already" in done.stderr
    assert done.stdout.strip() == str(folder.relative_to(al_run.folder))
    assert (folder / "rounds.csv").read_bytes() == before


def test_a_stopped_run_goes_on(al_run: Command, earlier: Path) -> None:
    (folder,) = earlier.glob("phantom/entropy/*")
    rows = list(csv.DictReader((folder / "rounds.csv").open()))
    assert len(rows) == 2
    assert al_run.run_folder(*asked(folder)) == folder
    assert list(csv.DictReader((folder / "rounds.csv").open()))[:2] == rows
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["status"], len(manifest["sessions"])) == ("finished", 2)


@pytest.mark.parametrize(
    ("arguments", "later"),
    [
        (["dataset=nifti_folder", "dataset.root=a", "dataset.labels=[a,b]"], {"missing", "test_size"}),
        (["dataset=glas"], {"missing", "split"}),
        (["dataset=glas_grades"], {"split"}),
        (["dataset=unlabeled", "dataset.root=a", "dataset.classes=[a,b]"], {"window", "upright"}),
        (["dataset=image_folder", "dataset.root=a"], {"upright", "duplicates"}),
    ],
)
def test_keys_that_came_later_change_no_folder(arguments: list[str], later: set[str]) -> None:
    now = to_dict(composed(*arguments, "oracle=people"))
    earlier = {
        **now,
        "dataset": {key: value for key, value in now["dataset"].items() if key not in later},
        "oracle": {key: value for key, value in now["oracle"].items() if key.startswith("_")},
    }
    assert later <= now["dataset"].keys()
    assert identity(now) == identity(earlier)


@pytest.mark.parametrize(
    ("arguments", "node", "later"),
    [
        (["model=dense_vnet"], "model", {"prior", "dropout"}),
        (["strategy=nmi_entropy_coarse"], "strategy", {"information", "entropy"}),
        (["posterior=mc_dropout"], "posterior", {"layers"}),
    ],
)
def test_parts_with_later_keys_keep_their_folders(arguments: list[str], node: str, later: set[str]) -> None:
    now = to_dict(composed(*arguments))
    assert later <= now[node].keys()
    earlier = {**now, node: {key: value for key, value in now[node].items() if key not in later}}
    assert identity(now) == identity(earlier)


def test_a_saliency_method_without_a_class_of_its_own_is_what_it_was() -> None:
    now = to_dict(composed("strategy=ideal_kurtosis"))
    earlier = {
        **now,
        "strategy": {**now["strategy"], "saliency": {"_target_": now["strategy"]["saliency"]["_target_"]}},
    }
    assert "of" in now["strategy"]["saliency"]
    assert identity(now) == identity(earlier)
    assert identity(to_dict(composed("strategy=ideal_kurtosis", "strategy.saliency.of=1"))) != identity(now)


def test_a_report_reads_both_names_as_one() -> None:
    science = [run.science for run in find([EARLIER / "runs"])]
    assert {each["oracle._target_"] for each in science} == {"al_runner.loop.oracle.Simulated"}
    assert {each["dataset._target_"] for each in science} == {"al_runner.data.sets.phantom.load"}


@pytest.mark.parametrize("words", IDENTITIES)
def test_runs_keep_their_folders(words: str) -> None:
    assert identity(to_dict(composed(*words.split()))) == IDENTITIES[words]


def test_users_yaml_may_name_the_earlier_module() -> None:
    plain = to_dict(composed())
    earlier = to_dict(composed("oracle._target_=al_runner.oracle.Simulated"))
    assert plain["oracle"]["_target_"] != earlier["oracle"]["_target_"]
    assert identity(plain) == identity(earlier)


def test_the_earlier_name_is_the_same_module() -> None:
    import al_runner.pool as earlier
    from al_runner.pool import Query

    from al_runner.loop import Learner, pool, protocols

    assert earlier is pool
    assert Query is pool.Query
    assert pool.__spec__.name == "al_runner.loop.pool"
    assert pickle.loads(pickle.dumps(Query.empty())).indices.numel() == 0
    assert Learner is protocols.Learner
    with pytest.raises(ModuleNotFoundError):
        find_spec("al_runner.nowhere.at_all")
    with pytest.raises(ImportError):
        from al_runner.loop import Nothing  # noqa: F401


@pytest.mark.parametrize("old", MOVED)
def test_every_module_that_moved_is_there(old: str) -> None:
    assert find_spec(MOVED[old]) is not None
    assert original(today(f"{old}.thing")) == f"{old}.thing"


def test_names_within_lists_and_what_did_not_move() -> None:
    assert today(["al_runner.saliency.GradCam", {"a": "al_runner.run"}]) == [
        "al_runner.models.saliency.GradCam",
        {"a": "al_runner.runs.run"},
    ]
    stays = ["al_runner.data.dataset.Dataset", "torch.optim.AdamW", "my.al_runner.pool", 3, None]
    assert today(stays) == stays
