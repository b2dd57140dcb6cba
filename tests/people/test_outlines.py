"""A run whose images people outline: masks in a folder are its answers."""

import csv
import shutil
from pathlib import Path

import pytest

from tests.commands import Command
from tests.data.nifti_files import write_glas, write_pair
from tests.people.test_runs import rows, status

COUNT = 14
RUN = [
    "oracle=people", "model=unet", "model.width=2", "model.depth=2", "schedule.initial_size=3",
    "schedule.query_size=2", "schedule.budget=7", "schedule.epochs=1", "optimizer.batch_size=2",
    "strategy=entropy", "logger=none",
]  # fmt: skip
VOLUMES = [
    "dataset=nifti_folder", "dataset.root=scans", "dataset.labels=[background,front,back]",
    "dataset.missing=unlabeled", "dataset.test_size=4", *RUN,
]  # fmt: skip
GLANDS = ["dataset=glas", "dataset.root=glands", "dataset.shape=[16,32]", "dataset.missing=unlabeled", *RUN]


@pytest.fixture
def scans(al_run: Command) -> Path:
    """Volumes without masks; returns the folder of the masks that people would draw."""
    for k in range(COUNT):
        write_pair(al_run.folder / "scans", f"p{k:02}", shape=(10, 12, 8), seed=k)
    truth = al_run.folder / "truth"
    shutil.move(al_run.folder / "scans" / "masks", truth)
    return truth


def asked(folder: Path) -> list[dict[str, str]]:
    """What is not answered yet."""
    return list(csv.DictReader((folder / "to_label.csv").open(encoding="utf-8")))


def outline(folder: Path, truth: Path, count: int | None = None) -> None:
    """Save the masks of some of what is asked."""
    for row in asked(folder)[:count]:
        shutil.copy(truth / row["mask"], folder / "masks")


def outlined(al_run: Command, arguments: list[str], truth: Path) -> Path:
    """The folder of a run whose questions were all answered by masks."""
    for _ in range(6):
        folder = al_run.run_folder(*arguments)
        if not (folder / "to_label.csv").is_file():
            return folder
        outline(folder, truth)
    raise AssertionError("it goes on asking")


def same_record(folder: Path, other: Path) -> bool:
    """Whether two runs say the same, label for label."""
    tables = all(rows(folder, name) == rows(other, name) for name in ("queries.csv", "rounds.csv"))
    labels = sorted(path.relative_to(folder) for path in folder.glob("round_*/labels.npy"))
    return (
        tables and bool(labels) and all((folder / p).read_bytes() == (other / p).read_bytes() for p in labels)
    )


def test_a_run_asks_for_masks_and_waits(al_run: Command, scans: Path) -> None:
    done = al_run(*VOLUMES)
    folder = al_run.folder / done.stdout.strip()
    assert done.returncode == 0, done.stderr
    assert "waiting for 7 of 7 outlines: save masks in" in done.stderr
    assert status(folder) == "waiting"
    questions = asked(folder)
    assert [row["split"] for row in questions] == ["test"] * 4 + ["train"] * 3
    assert all(Path(row["image"]).is_file() and row["mask"] == Path(row["image"]).name for row in questions)
    outline(folder, scans, 5)
    done = al_run(*VOLUMES)
    assert "waiting for 2 of 7 outlines" in done.stderr
    assert [row["file"] for row in asked(folder)] == [row["file"] for row in questions[5:]]
    kept = rows(folder, "labels.csv")
    assert [row["sample"] for row in kept] == [row["file"] for row in questions[:5]]
    assert all(row["label"].startswith("sha256:") and row["via"] == "mask" and row["at"] for row in kept)


def test_volumes_by_masks_are_the_run_of_a_simulated_oracle(al_run: Command, scans: Path) -> None:
    folder = outlined(al_run, VOLUMES, scans)
    assert status(folder) == "finished"
    assert not {"asked.json", "to_label.csv", "waiting.csv"} & {path.name for path in folder.iterdir()}
    first = rows(folder, "rounds.csv")[0]
    low, dice, high = (float(first[f"test/dice{end}"]) for end in ("_low", "", "_high"))
    assert low - 1e-6 <= dice <= high + 1e-6
    assert "val/dice" not in first
    shutil.copytree(scans, al_run.folder / "scans" / "masks")
    simulated = al_run.run_folder(*VOLUMES, "oracle=simulated")
    assert same_record(folder, simulated)


def test_glands_by_masks_are_the_run_of_a_simulated_oracle(al_run: Command) -> None:
    write_glas(al_run.folder / "glands")
    simulated = al_run.run_folder(*[word for word in GLANDS if "missing" not in word], "oracle=simulated")
    truth = al_run.folder / "truth"
    truth.mkdir()
    for path in al_run.folder.glob("glands/train_*_anno.bmp"):
        from PIL import Image

        Image.open(path).save(truth / f"{path.stem.removesuffix('_anno')}.png")
        path.unlink()
    folder = outlined(al_run, GLANDS, truth)
    assert same_record(folder, simulated), "also one of the data as they are"
