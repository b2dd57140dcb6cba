"""Segmentation with the installed command, from volumes to the report."""

import csv
from pathlib import Path

import numpy as np
import pytest

from tests.commands import Command

SCANS = ["dataset=phantom_ct", "dataset.n_train=12", "dataset.n_val=2", "dataset.n_test=3",
         "dataset.shape=[24,16,16]", "model=unet", "model.width=4", "model.depth=2", "trainer=cpu",
         "schedule.initial_size=4", "schedule.query_size=2", "schedule.budget=8", "schedule.epochs=2",
         "optimizer.batch_size=2"]  # fmt: skip


def rows(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two strategies on scans, finished."""
    folder = tmp_path_factory.mktemp("scans")
    asked = ["strategy=random,entropy", "logger=csv", "dataset.hausdorff=true", "keep_predictions=true"]
    done = Command(folder)("-m", *SCANS, *asked)
    assert done.returncode == 0, done.stderr
    return folder


def test_a_run_on_volumes(finished: Path) -> None:
    (folder,) = finished.glob("outputs/phantom_ct/entropy/seed-0-*")
    found = rows(folder / "rounds.csv")
    assert [row["n_labeled"] for row in found] == ["4", "6", "8"]
    labels = ["kidney", "left_tumor", "liver", "right_tumor", "skeleton"]
    for row in found:
        each = [float(row[f"test/dice_{label}"]) for label in labels]
        assert float(row["test/dice"]) == pytest.approx(np.nanmean(each), abs=1e-6)
        assert "test/hausdorff_95_liver" in row
    last = folder / "round_2"
    per_image = np.load(last / "dice_images_test.npy")
    assert per_image.shape == (3, 5)
    assert np.nanmean(np.nanmean(per_image, 0)) == pytest.approx(float(found[-1]["test/dice"]), abs=1e-5)
    assert np.load(last / "labels.npy").shape == (2, 24, 16, 16)
    assert np.load(last / "labels.npy").dtype == np.uint8
    assert np.load(last / "masks_test.npy").shape == (3, 24, 16, 16)
    assert all(set(row["label"].split("+")) <= set("12345") for row in rows(folder / "queries.csv"))


@pytest.mark.slow
def test_its_report(finished: Path, tmp_path: Path) -> None:
    report = Command(tmp_path).report
    done = report(str(finished / "outputs"), "--out", str(tmp_path / "report"))
    assert done.returncode == 0, done.stderr
    assert "test/dice" in done.stdout
    assert (tmp_path / "report" / "index.html").is_file()
    done = report(str(finished / "outputs"), "--metric", "test/dice_liver", "--out", str(tmp_path / "liver"))
    assert done.returncode == 0, done.stderr
    done = report(str(finished / "outputs"), "--metric", "test/hausdorff_95")
    assert done.returncode == 2
    assert "is not compared, as lower is better; there are val/dice" in done.stderr


def test_the_same_run_again_is_the_same_to_the_bit(finished: Path, al_run: Command) -> None:
    (folder,) = finished.glob("outputs/phantom_ct/random/seed-0-*")
    again = al_run.run_folder(*SCANS, "strategy=random", "logger=none")
    for name in ("queries.csv", "round_2/labels.npy", "round_2/dice_images_test.npy"):
        assert (again / name).read_bytes() == (folder / name).read_bytes()


WRONG = {
    "model=alda_cnn": ["needs 6×24×16×16", "model=unet"],
    "strategy=badge": ["Badge is not for segmentation"],
    "schedule.best_epoch_by=val/hausdorff_95": ["not measured here", "val/dice"],
    "oracle=noisy": ["cannot disturb segmentation masks"],
    "model.depth=4": ["model.depth=4 halves images 4 times"],
    "dataset.shape=[8,8,8]": ["dataset.shape=8 must be at least 16"],
    "patches.size=[32,16,16]": ["does not fit into images of 1×24×16×16", "at most [24, 16, 16]"],
    "patches.size=[16,16]": ["needs 3 edges"],
    "patches.size=[4,16,16]": ["model.depth=2 halves images 2 times"],
    "patches.overlap=1": ["patches.overlap=1 must be below 1"],
}


@pytest.mark.parametrize("override", WRONG)
def test_refused_before_anything_is_written(al_run: Command, override: str) -> None:
    base = [word for word in SCANS if not (override == "model=alda_cnn" and word.startswith("model"))]
    done = al_run(*base, "dataset.hausdorff=true", "logger=none", override)
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert all(words in done.stderr for words in WRONG[override]), done.stderr
    assert list(al_run.folder.iterdir()) == []


def test_patches_and_what_they_cost(al_run: Command) -> None:
    """A run whose network sees parts of volumes, and the same one again, to the bit."""
    words = [*SCANS, "patches.size=[16,8,8]", "strategy=nmi_entropy", "logger=none", "schedule.budget=6"]
    folder = al_run.run_folder(*words, "oracle.cost=slices")
    again = al_run.run_folder(*words, "oracle.cost=slices", "output_dir=again")
    for name in ("queries.csv", "round_1/dice_images_test.npy", "round_1/costs.npy"):
        assert (folder / name).read_bytes() == (again / name).read_bytes()
    assert float(rows(folder / "rounds.csv")[-1]["cost"]) > 0


def test_patches_are_not_for_classes(al_run: Command, tiny: list[str]) -> None:
    done = al_run(*tiny, "patches.size=[8,8]")
    assert done.returncode == 2
    assert "patches.size is for segmentation" in done.stderr


def test_a_segmentation_network_on_classes(al_run: Command, tiny: list[str]) -> None:
    done = al_run(*[word for word in tiny if not word.startswith("model")], "model=unet", "model.depth=2")
    assert done.returncode == 2
    assert "needs 3, a number for each class: model=alda_cnn and resnet18" in done.stderr
