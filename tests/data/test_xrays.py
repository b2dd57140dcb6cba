"""NIH ChestX-ray14 and CheXpert, in small files of the official layouts: what is drawn, split and refused."""

import csv
import hashlib
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from al_runner.data.dataset import SPLITS, Dataset
from al_runner.data.sets import chexpert, nih_chestxray14
from al_runner.data.tasks import Binary
from al_runner.errors import InputError
from tests.commands import Command
from tests.data.xray_files import edit, write_chexpert, write_nih, write_official_lists


@pytest.fixture
def nih(tmp_path: Path) -> Path:
    write_nih(tmp_path / "nih")
    return tmp_path / "nih"


@pytest.fixture
def stanford(tmp_path: Path) -> Path:
    write_chexpert(tmp_path / "renamed")
    return tmp_path / "renamed"


def load_nih(root: Path, **options: Any) -> Dataset:
    given = {"image_size": 14, "positives": 20, **options}
    return nih_chestxray14.load(root, root.parent / "cache", **given)


def load_chexpert(root: Path, **options: Any) -> Dataset:
    given = {"image_size": 14, "positives": "all", **options}
    return chexpert.load(root, root.parent / "cache", **given)


def members(root: Path, dataset: Dataset) -> dict[str, dict[str, int]]:
    """Split → path of each image below the root, found by its pixels → target."""
    paths = {}
    for path in sorted([*root.rglob("*.png"), *root.rglob("*.jpg")]):
        pixels = np.asarray(Image.open(path).convert("L")).tobytes()
        assert pixels not in paths, "no two files are alike"
        paths[pixels] = path.relative_to(root).as_posix()
    return {
        name: {
            paths[image.numpy().tobytes()]: int(target)
            for image, target in zip(split.images, split.targets, strict=True)
        }
        for name, split in dataset.splits.items()
    }


def everything(found: dict[str, dict[str, int]]) -> dict[str, int]:
    return {path: target for split in SPLITS for path, target in found[split].items()}


def labels_of(root: Path) -> dict[str, list[str]]:
    """Name of an image → findings, straight from the table."""
    with (root / "Data_Entry_2017.csv").open() as file:
        return {row[0]: row[1].split("|") for row in list(csv.reader(file))[1:]}


def by_hash(names: list[str], count: int, seed: int) -> set[str]:
    return set(sorted(names, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).hexdigest())[:count])


@pytest.mark.parametrize("folders", [1, 2])
def test_nih_draws_a_finding_and_as_many_without(tmp_path: Path, folders: int) -> None:
    root = tmp_path / "nih"
    write_nih(root, folders=folders)
    assert len(list(root.glob("images*"))) == folders
    dataset = load_nih(root)
    labels = labels_of(root)
    found = everything(members(root, dataset))
    names = {path.rsplit("/", 1)[1]: target for path, target in found.items()}
    positive = [name for name, shown in labels.items() if "Effusion" in shown]
    healthy = [name for name, shown in labels.items() if shown == ["No Finding"]]
    assert {name for name, target in names.items() if target} == by_hash(positive, 20, 0)
    assert {name for name, target in names.items() if not target} == by_hash(healthy, 20, 0)
    assert isinstance(dataset.task, Binary)
    assert dataset.class_names == ("No Finding", "Effusion")
    assert dataset.name == "nih_chestxray14"


def test_nih_splits_whole_patients(nih: Path) -> None:
    for seed in range(5):
        found = members(nih, load_nih(nih, split_seed=seed))
        patients = [{path.rsplit("/", 1)[1].split("_")[0] for path in found[split]} for split in SPLITS]
        assert sum(map(len, patients)) == len(set.union(*patients)), "no patient is in two splits"
        assert len(everything(found)) == 40
        sizes = [len(found[split]) for split in SPLITS]
        assert abs(sizes[0] - 28) <= 2
        assert abs(sizes[2] - 8) <= 2


def test_nih_other_numbers_ratios_and_findings(nih: Path) -> None:
    few, many = load_nih(nih), load_nih(nih, positives=24, negatives_per_positive=0.5)
    smaller, larger = everything(members(nih, few)), everything(members(nih, many))
    assert sum(larger.values()) == 24
    assert len(larger) == 36
    assert {path for path, target in smaller.items() if target} <= {
        p for p, target in larger.items() if target
    }
    labels = labels_of(nih)
    everyone = load_nih(nih, positives="all", finding="pneumonia", against="rest")
    assert everyone.class_names == ("no Pneumonia", "Pneumonia")
    found = everything(members(nih, everyone))
    assert sum(found.values()) == sum("Pneumonia" in shown for shown in labels.values())
    others = {name.rsplit("/", 1)[1] for name, target in found.items() if not target}
    assert {name for name in others if labels[name] != ["No Finding"]}, "the rest has other findings"
    other = load_nih(nih, split_seed=1)
    assert other.fingerprint != few.fingerprint
    assert load_nih(nih).fingerprint == few.fingerprint
    assert len(list((nih.parent / "cache").glob("*/*/images"))) == 4, "each choice keeps its cache"


def test_nih_official_test_images(nih: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match=r"official_test=true needs .*test_list.txt: No such file"):
        load_nih(nih, official_test=True)
    write_official_lists(nih)
    found = members(nih, load_nih(nih, official_test=True))
    testing = set((nih / "test_list.txt").read_text().split())
    assert {path.rsplit("/", 1)[1] for path in found["test"]} == testing & {
        path.rsplit("/", 1)[1] for path in everything(found)
    }
    assert len(found["train"]) > 4 * len(found["val"]) > 0
    assert "more than one split" not in capsys.readouterr().err
    names = sorted(path.rsplit("/", 1)[1] for path in found["train"])
    moved = next(one for one, after in pairwise(names) if one.split("_")[0] == after.split("_")[0])
    with (nih / "test_list.txt").open("a") as file:
        file.write(f"\n{moved}")
    edit(nih / "train_val_list.txt", f"{moved}\n", "")
    load_nih(nih, official_test=True)
    assert "1 patients are in more than one split" in capsys.readouterr().err, "lists are not ours to repair"
    edit(nih / "test_list.txt", moved, "")
    with pytest.raises(
        InputError, match=rf"1 images are neither in .*test_list.txt nor in .*: {moved} is one"
    ):
        load_nih(nih, official_test=True)


def test_nih_official_test_images_that_are_not_drawn(nih: Path) -> None:
    rows = [
        line.split(",")[:2]
        for line in (nih / "Data_Entry_2017.csv").read_text().split()[1:]
        if ".png" in line
    ]
    other = next(name for name, findings in rows if findings == "Mass")
    (nih / "test_list.txt").write_text(other)
    (nih / "train_val_list.txt").write_text("\n".join(name for name, _ in rows if name != other))
    with pytest.raises(
        InputError, match=r"images that are drawn is an official test image: raise dataset.pos"
    ):
        load_nih(nih, official_test=True)


def test_rows_without_images_and_images_without_rows(nih: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gone = sorted(nih.rglob("*.png"))[:5]
    for path in gone:
        path.unlink()
    shutil.copy(sorted(nih.rglob("*.png"))[9], nih / "images_002" / "images" / "99999999_000.png")
    (nih / "images_002" / "images" / "notes.txt").write_text("no image")
    with pytest.raises(InputError) as refused:
        load_nih(nih)
    total = len(labels_of(nih))
    assert str(refused.value) == (
        f"{nih}/Data_Entry_2017.csv: 5 of {total} rows have no image file in images, or images_001/images, "
        f"images_002/images, … ({gone[0].name}, {gone[1].name}, {gone[2].name}, and 2 more) and 1 of "
        f"{total - 4} image files have no row (99999999_000.png); complete the folder, or leave them out by "
        "dataset.on_error=skip"
    )
    assert not (nih.parent / "cache").exists()
    dataset = load_nih(nih, on_error="skip")
    assert f"al-run: left out: {nih}/Data_Entry_2017.csv: 5 of" in capsys.readouterr().err
    assert sum(len(split) for split in dataset.splits.values()) == 40, "drawn from what there is"


def test_bad_tables(nih: Path) -> None:
    table = nih / "Data_Entry_2017.csv"
    whole = table.read_text()

    def refused(words: str, **options: Any) -> None:
        with pytest.raises(InputError, match=words):
            load_nih(nih, **options)
        assert not (nih.parent / "cache").exists()

    refused("finding=Cough: there are Effusion, Infiltration, Mass, Pneumonia$", finding="Cough")
    refused(r"has \d+ images of Effusion, but 1,036 are asked for: lower dataset.positives", positives=1036)
    refused(r"images of No Finding, but 200 are asked for: .*negatives_per_", negatives_per_positive=10)
    refused("cannot read .*Data_Entry_2020.csv: No such file", tables=["Data_Entry_2020.csv"])
    table.write_text(whole.replace("Patient ID", "Patient"))
    refused("lacks the column Patient ID; it has Image Index, Finding")
    table.write_text(whole.split("\n")[0])
    refused("has no rows")
    table.write_text(whole + "00000099_000.png,Mass\r\n")
    refused(r"row \d+ is too short")
    table.write_text(whole + whole.splitlines()[3] + "\r\n")
    refused(r"has 0000\d+_\d+.png in several rows")
    table.write_text(whole.replace("No Finding", "Mass"))
    refused("has no image of No Finding, and two classes are needed")
    table.write_bytes(b"\xff\xfe" + whole.encode())
    refused("cannot read .*Data_Entry_2017.csv")


def test_too_few_patients(tmp_path: Path) -> None:
    write_nih(tmp_path / "nih", patients=3, folders=1)
    with pytest.raises(InputError, match="every split needs images of every class, but "):
        load_nih(tmp_path / "nih", positives=2)


def test_chexpert_takes_what_is_certain_and_frontal(stanford: Path) -> None:
    dataset = load_chexpert(stanford)
    found = everything(members(stanford, dataset))
    assert dataset.class_names == ("No Finding", "Pleural Effusion")
    assert len(found) == 48
    for path, target in found.items():
        assert path.endswith("frontal.jpg")
        assert int(path.split("/")[1][-5:]) % 3 == (0 if target else 1)
    assert {path.split("/")[0] for path in found} == {"train", "valid"}


def test_chexpert_splits_whole_patients(stanford: Path) -> None:
    for seed in range(5):
        dataset = load_chexpert(stanford, split_seed=seed, frontal_only=False, uncertain="positive",
                                negatives_per_positive=0.25)  # fmt: skip
        found = members(stanford, dataset)
        patients = [{path.split("/")[1] for path in found[split]} for split in SPLITS]
        assert sum(map(len, patients)) == len(set.union(*patients))


def test_chexpert_uncertain_labels(stanford: Path) -> None:
    """48 images of frontal views are certain, 24 of them positive, 24 more are uncertain."""
    counts = {}
    for uncertain in ("positive", "negative", "ignore"):
        for against in ("no_finding", "rest"):
            ratio = 0.5 if uncertain == "positive" else 1
            dataset = load_chexpert(
                stanford, uncertain=uncertain, against=against, positives="all", negatives_per_positive=ratio
            )
            found = everything(members(stanford, dataset))
            kinds = {(int(path.split("/")[1][-5:]) % 3, target) for path, target in found.items()}
            counts[uncertain, against] = sum(found.values()), kinds
    certain = {(0, 1), (1, 0)}
    assert counts["positive", "no_finding"] == (48, certain | {(2, 1)})
    assert counts["positive", "rest"] == (48, certain | {(2, 1)})
    assert counts["negative", "no_finding"] == (24, certain)
    assert counts["negative", "rest"] == (24, certain | {(2, 0)})
    assert counts["ignore", "no_finding"] == (24, certain)
    assert counts["ignore", "rest"] == (24, certain)


def test_chexpert_lateral_views_are_a_choice(stanford: Path) -> None:
    found = everything(members(stanford, load_chexpert(stanford, frontal_only=False, tables=["train.csv"],
                                                       on_error="fail")))  # fmt: skip
    assert sum(path.endswith("lateral.jpg") for path in found) * 2 == len(found) == 84


def test_chexpert_bad_input(stanford: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def refused(words: str, **options: Any) -> None:
        with pytest.raises(InputError, match=words):
            load_chexpert(stanford, **options)
        assert not (stanford.parent / "cache").exists()

    refused("finding=effusion: did you mean Pleural Effusion?", finding="effusion")
    assert len(load_chexpert(stanford, finding="pleural_effusion").train)
    shutil.rmtree(stanford.parent / "cache")
    edit(stanford / "train.csv", ",1.0,,,1.0", ",yes,,,1.0")
    refused(r"Pleural Effusion of CheXpert-v1.0-small/train/patient\S+ is yes, not 1.0, 0.0, -1.0 or empty")
    edit(stanford / "train.csv", ",yes,,,1.0", ",1.0,,,1.0")
    edit(stanford / "train.csv", "patient00003", "someone")
    refused("someone/study1/view1_frontal.jpg names no patient, such as patient00001")
    edit(stanford / "train.csv", "someone", "patient00003")
    shutil.rmtree(stanford / "train" / "patient00004")
    refused(r"train.csv and valid.csv: 2 of 144 rows have no image file in .*view1_frontal.jpg")
    assert len(load_chexpert(stanford, on_error="skip", negatives_per_positive=0.9).train)
    assert "left out" in capsys.readouterr().err


def test_as_a_user_runs_them(al_run: Command, tmp_path: Path) -> None:
    """Put into data_dir, found, run; then what a user gets wrong, in one line."""
    write_nih(tmp_path / "data" / "nih_chestxray14")
    write_chexpert(tmp_path / "data" / "CheXpert-v1.0-small")
    table = tmp_path / "data" / "nih_chestxray14" / "Data_Entry_2017.csv"
    env = {"AL_RUNNER_CACHE": str(tmp_path / "cache"), "AL_RUNNER_DATA": str(tmp_path / "data")}
    short = ["dataset.image_size=14", "model.width=2", "schedule.initial_size=6", "schedule.query_size=4",
             "schedule.budget=10", "schedule.epochs=1", "logger=none", "dataset.positives=20"]  # fmt: skip
    for name in ("nih_chestxray14", "chexpert"):
        folder = al_run.run_folder(f"dataset={name}", *short, **env)
        assert folder.parts[-3] == name
        assert (folder / "rounds.csv").read_text().count("\n") == 3
        again = al_run(f"dataset={name}", *short, **env)
        assert "finished already" in again.stdout + again.stderr
    for wrong, words in {
        "dataset.finding=Cough": "al-run: dataset.finding=Cough: there are Effusion, Infiltration, Mass, Pn",
        "dataset.positives=5000": "but 5,000 are asked for: lower dataset.positives",
    }.items():
        done = al_run("dataset=nih_chestxray14", *short, wrong, **env)
        assert done.returncode == 2
        assert words in done.stderr.splitlines()[-1]
        assert "Traceback" not in done.stderr
    table.write_text(table.read_text() + "00000099_000.png,Mass,0,99,045Y,M,PA,2500,2048,0.1,0.1,\n")
    done = al_run("dataset=nih_chestxray14", *short, **env)
    assert done.returncode == 2, "another table, so the run is not simply finished"
    assert "rows have no image file in images, or images_001/images" in done.stderr.splitlines()[-1]
