"""The installed command: what it writes and prints, and one clear line for each bad input."""

import csv
import json
import os
import resource
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from al_runner.config.own_code import own_code
from tests.commands import COMMAND, REPORT, Command
from tests.conftest import layout


def rows(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Exit code 2, and one line on standard error that says all of `words`."""
    assert done.returncode == 2, done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("al-run: ")
    for word in words:
        assert word in lines[0]


def test_a_run_and_its_folder(al_run: Command, tiny: list[str]) -> None:
    done = al_run.truly(*tiny)
    assert done.returncode == 0, done.stderr
    folder = al_run.folder / done.stdout.splitlines()[-1]
    assert folder.parent == al_run.folder / "outputs" / "small" / "entropy"
    assert folder.name.startswith("seed-0-")

    rounds, queries = rows(folder / "rounds.csv"), rows(folder / "queries.csv")
    assert [row["n_labeled"] for row in rounds] == ["6", "10", "14"]
    assert [row["n_queried"] for row in rounds] == ["6", "4", "4"]
    metrics = ("accuracy", "balanced_accuracy", "auroc", "f1", "precision", "recall")
    expected = {f"{split}/{name}" for split in ("val", "test") for name in metrics}
    seconds = {"fit_seconds", "score_seconds", "evaluate_seconds"}
    assert set(rounds[0]) == expected | seconds | {"round", "n_labeled", "n_queried", "train/loss"}

    assert len({row["index"] for row in queries}) == 14
    labels = layout()["train_labels"][:, 0]
    assert all(int(row["label"]) == labels[int(row["index"])] for row in queries)
    assert all(row["score"] == "" for row in queries[:6])
    scores = [float(row["score"]) for row in queries[6:10]]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= np.log2(3) for score in scores)

    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["status"] == "finished"
    assert manifest["dataset"]["sizes"] == {"train": 60, "val": 20, "test": 20}
    assert manifest["command"].startswith("al-run dataset=npz")
    for name in ("config.yaml", "overrides.yaml", "hydra.yaml"):
        assert (folder / ".hydra" / name).is_file()
    assert (folder / "round_2" / "checkpoint.pt").is_file()
    assert "round 2/2" in done.stderr

    again = al_run(*tiny)
    assert again.returncode == 0
    assert "finished already" in again.stderr
    assert again.stdout == done.stdout

    elsewhere = al_run.run_folder(*tiny, "output_dir=elsewhere", "trainer=cpu")
    assert elsewhere.name == folder.name, "the folder is a function of the science"
    assert (elsewhere / "queries.csv").read_bytes() == (folder / "queries.csv").read_bytes()


def test_pneumoniamnist(al_run: Command, data_dir: Path) -> None:
    folder = al_run.run_folder(
        "dataset=pneumoniamnist",
        f"data_dir={data_dir}",
        "strategy=entropy",
        "schedule.initial_size=20",
        "schedule.query_size=20",
        "schedule.budget=60",
        "schedule.epochs=10",
        "logger=none",
    )
    assert [row["n_labeled"] for row in rows(folder / "rounds.csv")] == ["20", "40", "60"]
    assert float(rows(folder / "rounds.csv")[-1]["test/auroc"]) > 0.7


def test_other_models_placements_of_epochs_and_stops(al_run: Command, tiny: list[str]) -> None:
    folder = al_run.run_folder(
        *tiny,
        "oracle=noisy",
        "schedule.query_size=[2,4]",
        "schedule.epochs={start: 1, grow: 1}",
        "schedule.reset={every: 2}",
        "schedule.evaluate_every=2",
        "schedule.target.value=0",
        "keep_predictions=true",
        "keep_checkpoints=none",
    )
    assert len(rows(folder / "rounds.csv")) == 1, "the target was reached at once"
    assert np.load(folder / "round_0" / "probabilities_test.npy").shape == (20, 3)
    assert not list(folder.rglob("checkpoint.pt"))


def test_the_first_query_may_see_what_the_untrained_network_sees(al_run: Command, tiny: list[str]) -> None:
    words = ["schedule.initial=k_center", "schedule.initial_features=model"]
    folder = al_run.run_folder(*tiny, *words, "schedule.budget=6")
    assert len(rows(folder / "queries.csv")) == 6


def test_a_strategy_may_make_the_first_query_too(al_run: Command, tiny: list[str]) -> None:
    by_itself, by_name = (
        al_run.run_folder(*tiny, "strategy=k_center", "schedule.budget=6", f"schedule.initial={how}")
        for how in ("strategy", "k_center")
    )
    assert rows(by_itself / "queries.csv") == rows(by_name / "queries.csv")
    assert by_itself != by_name


def test_begins_with_typical_images_and_ends_when_predictions_are_stable(
    al_run: Command, tiny: list[str]
) -> None:
    folder = al_run.run_folder(
        *tiny, "schedule.initial=typiclust", "schedule.stable={kappa: 1e-9, rounds: 2, samples: 50}",
        "schedule.budget=all", "schedule.epochs=20", "keep_checkpoints=none",
    )  # fmt: skip
    found = rows(folder / "rounds.csv")
    kappas = [float(row["pool/kappa"]) for row in found[1:]]
    assert found[0]["pool/kappa"] == ""
    ends = [k for k in range(1, len(kappas)) if np.mean(kappas[k - 1 : k + 1]) >= 1e-9]
    assert ends == [len(kappas) - 1], "it goes on until then, and no further"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["ended_early"].startswith("predictions are stable")


BEFORE_LOADING = {
    "schedule.initial_size=300": ["initial_size=300 exceeds budget=200"],
    "schedule.budget=0": ["schedule.budget=0", "at least 1"],
    "schedule.budget=100.1%": ["schedule.budget=100.1%", "a share above 0% and at most 100%"],
    "schedule.query_size=-3": ["schedule.query_size=-3", "at least 1"],
    "schedule.query_size=[5,0]": ["schedule.query_size=0", "at least 1"],
    "schedule.epochs=0": ["schedule.epochs=0", "at least 1"],
    "schedule.epochs=many": ["schedule.epochs=many", "whole number"],
    "schedule.reset=sometimes": ["'every_round'", "'never'", "{every: k}"],
    "schedule.target.metric=test/accuracy": [
        "metric=test/accuracy: bound=value needs",
        "such as val/accuracy",
    ],
    "seed=-1": ["seed=-1"],
    "keep_checkpoints=some": ["keep_checkpoints=some", "'last'"],
    "trainer.precision=8": ["trainer.precision=8"],
    "loss.class_weights=equal": ["loss.class_weights: equal is neither balanced nor a list"],
    "loss.class_weights=[1,-1]": ["loss.class_weights: [1, -1]", "above 0"],
    "schedule.bugdet=3": ["schedule.bugdet"],
    "schedule.initial=first": [
        "schedule.initial=first",
        "'class_balanced'",
        "a part's node, with a _target_",
    ],
    "schedule.plateau.rounds=0": ["schedule.plateau.rounds=0", "at least 1"],
    "schedule.stable.kappa=99": ["schedule.stable.kappa=99", "at most 1"],
    "dataset=npz": ["dataset.path must be given"],
}


@pytest.mark.parametrize("override", BEFORE_LOADING)
def test_refused_before_anything_is_loaded(al_run: Command, override: str) -> None:
    start = time.monotonic()
    refused(al_run(override), *BEFORE_LOADING[override])
    assert time.monotonic() - start < 60
    assert list(al_run.folder.iterdir()) == []


WITH_DATA = {
    "schedule.budget=61": ["schedule.budget=61 exceeds the pool", "60 samples", "schedule.budget=all"],
    "schedule.query_size=0.5%": ["schedule.query_size=0.5% is no sample: the pool has 60"],
    "strategy=switch_strategy strategy.at=0.5%": ["strategy.at=0.5% is no sample: the pool has 60"],
    "schedule.target.metric=val/dice schedule.target.value=.9": ["val/dice", "val/accuracy"],
    "schedule.best_epoch_by=val/dice": ["val/dice", "val/accuracy"],
    "schedule.plateau.metric=val/dice schedule.plateau.rounds=3": ["val/dice", "val/accuracy"],
    "loss.one_logit=true": ["loss.one_logit=true needs data with two classes"],
    "loss.class_weights=[1,2]": ["loss.class_weights=[1.0, 2.0]: one for each class, so 3"],
    "strategy=foreground_random": ["ForegroundRandom is for segmentation"],
    "+strategy@schedule.initial=technion_entropy_released": ["needs data with two classes"],
    "strategy=technion_entropy_released": ["needs data with two classes"],
    "strategy=reversed strategy@strategy.strategy=technion_entropy_released": ["needs data with two classes"],
    "model=resnet18_3d": ["model=resnet18_3d takes 3D images", "model=resnet18"],
    "+model.depth=3": ["depth", "alda_cnn"],
    "trainer=gpu": ["trainer=auto"],
    "optimizer.lr=-1": ["optimizer.lr=-1"],
    "optimizer.batch_size=2.5": ["optimizer.batch_size=2.5", "whole number"],
    "model.width=abc": ["model"],
    "oracle=noisy oracle.flip_rate=abc": ["oracle"],
    "output_dir=a_file/outputs": ["cannot write", "Not a directory"],
}


@pytest.mark.parametrize("override", WITH_DATA)
def test_refused_before_anything_is_written(al_run: Command, tiny: list[str], override: str) -> None:
    (al_run.folder / "a_file").touch()
    base = [word for word in tiny if not (word.startswith("model.") and override.startswith("model"))]
    refused(al_run(*base, *override.split()), *WITH_DATA[override])
    assert [path.name for path in al_run.folder.iterdir()] == ["a_file"]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


BAD_FILES: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "missing": (Path.unlink, ["cannot read", "No such file"]),
    "truncated": (cut, ["cut short"]),
    "not a zip": (lambda path: path.write_text("images"), ["not an npz file"]),
    "without a key": (lambda path: np.savez(path, train_images=np.zeros(3)), ["lacks train_labels"]),
    "lengths": (
        lambda path: np.savez(path, **{**layout(), "val_labels": np.zeros((9, 1), np.uint8)}),
        ["20 val_images, but 9 val_labels"],
    ),
    "labels": (
        lambda path: np.savez(path, **{**layout(), "val_labels": -np.ones((20, 1), np.int64)}),
        ["in the val split, labels run from -1"],
    ),
    "checksum": (lambda path: shutil.move(path, path.with_name("breastmnist.npz")), ["MD5"]),
}


@pytest.mark.parametrize("fault", BAD_FILES)
def test_bad_npz(al_run: Command, npz: Callable[..., Path], fault: str) -> None:
    damage, words = BAD_FILES[fault]
    path = npz()
    damage(path)
    name = "breastmnist.npz" if fault == "checksum" else "small.npz"
    done = al_run("dataset=npz", f"dataset.path={path.with_name(name)}", "logger=none")
    refused(done, name.removesuffix(".npz"), *words)
    assert list(al_run.folder.iterdir()) == []


def test_no_network_for_a_download(al_run: Command, tmp_path: Path) -> None:
    done = al_run("dataset=organmnist", f"data_dir={tmp_path}", "dataset.url=http://127.0.0.1:9/o.npz")
    refused(done, "put it at", str(tmp_path / "medmnist" / "organsmnist.npz"), "MD5")


def test_loss_that_is_not_finite_keeps_the_rounds_before(al_run: Command, tiny: list[str]) -> None:
    done = al_run(*tiny, "optimizer.lr=1e30")
    assert done.returncode == 2
    assert "round 0, epoch 2: the training loss is not finite; lower optimizer.lr" in done.stderr
    manifest = json.loads(next(al_run.folder.rglob("manifest.json")).read_text())
    assert manifest["status"] == "failed"
    assert "not finite" in manifest["error"]


@pytest.mark.slow
def test_full_disk(al_run: Command, tiny: list[str]) -> None:
    """A limit on the size of files stands for a full disk: every larger write fails."""
    done = subprocess.run(
        [COMMAND, *tiny, "model.width=40"],
        cwd=al_run.folder,
        env=al_run.env,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000)),
    )
    assert done.returncode == 2
    assert "cannot write" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(al_run.folder.rglob("round_*")), "no half round is left"
    assert al_run(*tiny, "model.width=40").returncode == 0, "and with room again, the same command goes on"


@pytest.mark.parametrize("name", ["queries.csv", "rounds.csv", "round_1/query.csv", "manifest.json"])
def test_a_changed_record(finished: tuple[Path, list[str]], tmp_path: Path, name: str) -> None:
    origin, arguments = finished
    al_run = Command(shutil.copytree(origin, tmp_path / "cwd"))
    folder = al_run.run_folder(*arguments)
    path = folder / name
    path.write_text(path.read_text()[:-10])
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    refused(al_run(*arguments), name, "not as al-run wrote it")
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before


def test_what_a_finished_run_did_not_keep_is_said(finished: tuple[Path, list[str]], tmp_path: Path) -> None:
    origin, arguments = finished
    al_run = Command(shutil.copytree(origin, tmp_path / "cwd"))
    done = al_run(*arguments, "keep_pool=true", "keep_predictions=true", "audit=maps")
    assert done.returncode == 0
    already, lacking = done.stderr.splitlines()
    assert "finished already" in already
    assert "was run without keep_predictions=true keep_pool=true audit=maps, and nothing of it is" in lacking
    swept = al_run("-m", *arguments, "keep_pool=true")
    assert "was run without keep_pool=true" in swept.stderr
    assert "was run without" not in al_run(*arguments).stderr


@pytest.mark.slow
def test_a_locale_of_plain_letters_reads_and_writes_what_others_do(al_run: Command, tiny: list[str]) -> None:
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert al_run.truly("--help", **plain).returncode == 0
    al_run.run_folder(*tiny, 'name="Röntgen"')
    env, words = {**al_run.env, **plain}, [REPORT, "outputs/Röntgen"]
    done = subprocess.run(words, cwd=al_run.folder, env=env, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (al_run.folder / "outputs" / "Röntgen" / "report" / "index.html").is_file()


@pytest.mark.slow
def test_remarks_that_cannot_be_written_end_no_run(al_run: Command, tiny: list[str]) -> None:
    """Standard error on a full disk, and a locale that lacks what is printed."""
    words = ['name="Röntgen"', "model.width=3"]
    env = {**al_run.env, "PYTHONIOENCODING": "ascii"}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [COMMAND, *tiny, *words],
            cwd=al_run.folder,
            env=env,
            stdout=subprocess.PIPE,
            stderr=full,
            check=False,
        )
    assert done.returncode == 0
    assert done.stdout.startswith(b"outputs/R?ntgen/entropy/seed-0-")
    manifest = json.loads(next(al_run.folder.rglob("manifest.json")).read_text())
    assert manifest["status"] == "finished"


def test_other_data_under_the_same_name(al_run: Command, tiny: list[str], npz: Callable[..., Path]) -> None:
    folder = al_run.run_folder(*tiny)
    npz(train_images=layout()["train_images"][::-1])
    refused(al_run(*tiny), "other data", "dataset.name")
    assert json.loads((folder / "manifest.json").read_text())["status"] == "finished"
    npz()
    assert al_run(*tiny).returncode == 0, "the same data, written again"


def test_user_code_beside_its_yaml(al_run: Command, tiny: list[str], tmp_path: Path) -> None:
    """A strategy in two files outside the package, found from another folder."""
    mine = tmp_path / "mine"
    (mine / "strategy").mkdir(parents=True)
    (mine / "brightest.py").write_text(
        "from al_runner.loop.pool import Query\n"
        "def brightest(learner, pool, size, generator, weight):\n"
        "    unlabeled = pool.unlabeled\n"
        "    scores = learner.predict(unlabeled)[:, 0] * weight\n"
        "    best = scores.argsort(descending=True)[:size]\n"
        "    return Query(unlabeled[best], scores[best])\n"
    )
    (mine / "strategy" / "brightest.yaml").write_text(
        "_target_: brightest.brightest\n_partial_: true\nweight: 2.0\n"
    )
    folder = al_run.run_folder("--config-dir", str(mine), "strategy=brightest", *tiny)
    assert folder.parent.name == "brightest"
    command = json.loads((folder / "manifest.json").read_text())["command"]
    assert command == shlex.join(["al-run", "--config-dir", str(mine), "strategy=brightest", *tiny])
    assert len(rows(folder / "queries.csv")) == 14


def test_code_that_changed_is_told(al_run: Command, tiny: list[str], tmp_path: Path) -> None:
    """A run is known by its config; whoever edits a strategy should not take the old run for the new one."""
    (tmp_path / "mine" / "strategy").mkdir(parents=True)
    code = tmp_path / "mine" / "first_ones.py"
    text = (
        "from al_runner.loop.pool import Query\n"
        "def first(learner, pool, size, generator):\n"
        "    return Query(pool.unlabeled[:size])\n"
    )
    code.write_text(text)
    (tmp_path / "mine" / "strategy" / "first.yaml").write_text(
        "_target_: first_ones.first\n_partial_: true\n"
    )
    words = ["--config-dir", str(tmp_path / "mine"), "strategy=first", *tiny]
    folder = al_run.run_folder(*words)
    assert "changed since" not in al_run(*words).stderr
    code.write_text(text.replace("[:size]", "[-size:]"))
    done = al_run(*words)
    assert done.returncode == 0
    assert f"al-run: first_ones changed since {folder.relative_to(al_run.folder)} was run" in done.stderr
    manifest = json.loads((folder / "manifest.json").read_text())
    assert list(manifest["sessions"][-1]["own_code"]) == ["first_ones"]


def test_libraries_are_no_code_of_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Wherever they are installed: beside the system's Python, for a user, in another environment."""
    for folder in ("site-packages", "dist-packages", "mine"):
        package = tmp_path / folder / f"in_{folder[:4]}"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        monkeypatch.syspath_prepend(tmp_path / folder)
    names = ["json", "torch", "in_site", "in_dist", "in_mine"]
    assert list(own_code([{"_target_": f"{name}.x"} for name in names])) == ["in_mine"]


def test_help_is_light(al_run: Command) -> None:
    done = al_run("--help")
    assert done.returncode == 0
    assert "\n  strategy     badge, " in done.stdout
    assert max(map(len, done.stdout.splitlines())) < 120, "fits a terminal"
    assert " entropy*, " in done.stdout
    assert "schedule:" in done.stdout
    code = "import sys, al_runner.cli; print([m for m in ('torch', 'numpy', 'pydantic') if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_config_and_completion(al_run: Command) -> None:
    assert "strategy:" in al_run("--cfg", "job").stdout
    line = "al-run strategy="
    env = {"COMP_LINE": line, "COMP_POINT": str(len(line))}
    assert "strategy=entropy" in al_run("-sc", "query=bash", **env).stdout


def test_as_a_module(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "al_runner.cli", "--cfg", "job"],
        cwd=tmp_path,
        env={**os.environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "alda_cnn" in done.stdout
