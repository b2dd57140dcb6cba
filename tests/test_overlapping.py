"""Labels that overlap with the installed command, from files to the report and to predicted masks."""

import json
import signal
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch

from al_runner.data.tasks.bit_fields import planes
from al_runner.runs.last_model import last_model
from al_runner.runs.predict import main
from tests.commands import Command
from tests.data.test_overlapping_masks import volumes
from tests.runs.test_resume import wait_for_round
from tests.test_segmentation import SCANS, rows

NAMES = ["organs", "tumors", "abdomen"]
REGIONS = [*SCANS, "dataset.regions={organs: [2,3], tumors: [4,5], abdomen: [2,3,4,5]}"]
BAYESIAN = ["strategy=bald", "posterior=mc_dropout", "posterior.samples=3", "augmentation=post_query",
            "transforms=volumes", "patches.size=[16,8,8]", "oracle.cost=slices"]  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two strategies on scans with regions, finished."""
    folder = tmp_path_factory.mktemp("regions")
    asked = ["strategy=random,entropy", "logger=csv", "dataset.hausdorff=true", "keep_predictions=true",
             "keep_pool=true", "schedule.target.metric=val/dice_organs"]  # fmt: skip
    done = Command(folder)("-m", *REGIONS, *asked)
    assert done.returncode == 0, done.stderr
    return folder


def test_a_run_on_regions(finished: Path) -> None:
    (folder,) = finished.glob("outputs/phantom_ct/entropy/seed-0-*")
    found = rows(folder / "rounds.csv")
    assert [row["n_labeled"] for row in found] == ["4", "6", "8"]
    per_image = np.load(folder / "round_2" / "dice_images_test.npy")
    assert per_image.shape == (3, 3)
    means = [float(found[-1][f"test/dice_{name}"]) for name in NAMES]
    assert means == pytest.approx(np.nanmean(per_image, 0), abs=1e-5)
    assert float(found[-1]["test/dice"]) == pytest.approx(np.nanmean(means), abs=1e-6)
    assert "test/hausdorff_95_tumors" in found[-1]
    masks = torch.from_numpy(np.load(folder / "round_2" / "masks_test.npy"))
    assert (masks.dtype, masks.shape) == (torch.uint8, (3, 24, 16, 16))
    labels = planes(torch.from_numpy(np.load(folder / "round_2" / "labels.npy")), 3).bool()
    assert ((labels[:, 0] | labels[:, 1]) == labels[:, 2]).all(), "the abdomen holds organs and tumors"
    assert {row["label"] for row in rows(folder / "queries.csv")} <= {"0+2", "0+1+2"}
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["dataset"]["class_names"] == NAMES
    assert [len(counts) for counts in manifest["dataset"]["class_counts"].values()] == [3, 3, 3]


@pytest.mark.slow
def test_its_report(finished: Path, tmp_path: Path) -> None:
    report = Command(tmp_path).report
    done = report(str(finished / "outputs"), "--out", str(tmp_path / "report"))
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "report" / "index.html").read_text()
    for words in ("Dice of each test image", *NAMES):
        assert words in page, words
    done = report(str(finished / "outputs"), "--metric", "test/dice_tumors", "--out", str(tmp_path / "one"))
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_stopped_and_resumed_is_the_same_to_the_bit(al_run: Command) -> None:
    words = [*REGIONS, *BAYESIAN, "logger=none", "schedule.epochs=4"]
    process = al_run.start(*words)
    wait_for_round(al_run, process, 0, seconds=250)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    resumed = al_run.run_folder(*words)
    undisturbed = al_run.run_folder(*words, "output_dir=undisturbed")
    for name in ("queries.csv", "round_2/labels.npy", "round_2/dice_images_test.npy", "round_2/costs.npy"):
        assert (resumed / name).read_bytes() == (undisturbed / name).read_bytes()
    scores = [float(row["score"]) for row in rows(resumed / "queries.csv")[4:]]
    assert len(scores) == 4
    assert min(scores) > 0


WRONG = {
    "strategy=nmi_entropy": ["NmiEntropy is not for labels that overlap: it compares regions"],
    "strategy=badge": ["Badge is not for segmentation"],
    "loss.class_weights=balanced": ["the loss of this task weighs no classes"],
    "oracle=noisy": ["cannot disturb segmentation masks"],
    "dataset.regions={bones: [9]}": ["dataset.regions: bones has 9, no value of the masks"],
    "dataset.regions={bones: []}": ["dataset.regions.bones", "a list of at least 1"],
    "dataset.regions=[1,2]": ["dataset.regions=[1, 2] must be {key: value, …}"],
    "+dataset@schedule.switch_dataset.dataset=phantom_ct +schedule.switch_dataset.at=0.5 "
    "schedule.switch_dataset.dataset.shape=[24,16,16]": ["is Overlapping of 3 classes", "Segmentation of 6"],
}


@pytest.mark.parametrize("override", WRONG)
def test_refused_before_anything_is_written(al_run: Command, override: str) -> None:
    base = SCANS if override.startswith("dataset.regions") else REGIONS
    done = al_run(*base, "logger=none", *override.split(" ") if "+" in override else [override])
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert all(words in done.stderr for words in WRONG[override]), done.stderr
    assert list(al_run.folder.iterdir()) == []


@pytest.mark.slow
def test_predicted_masks_have_a_file_for_each_label(
    al_run: Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And can be read as the masks of another run."""
    monkeypatch.chdir(al_run.folder)
    al_run.env["AL_RUNNER_CACHE"] = str(al_run.folder / "cache")
    monkeypatch.setenv("AL_RUNNER_CACHE", al_run.env["AL_RUNNER_CACHE"])
    volumes(al_run.folder / "scans", ["liver", "left tumor"], ("RAS", "LPI"))
    run = al_run.run_folder(
        "dataset=nifti_folder", "dataset.root=scans", "dataset.window=[0,4]",
        "dataset.masks={liver: liver/*.nii.gz, left tumor: left tumor/*.nii.gz}", "dataset.shape=[8,4,6]",
        "model=unet", "model.width=4", "model.depth=1", "schedule.initial_size=4", "schedule.budget=4",
        "schedule.epochs=40", "optimizer.lr=0.01", "trainer=cpu", "logger=none",
    )  # fmt: skip
    main([str(run), "scans/images", "--export", "net.pt2"])
    folder = Path(capsys.readouterr().out.splitlines()[0])
    table = rows(folder / "predictions.csv")
    assert len(table) == 10
    model = last_model(run)
    reading, drawing = model.dataset.reading, model.dataset.masks
    assert reading is not None
    assert drawing is not None
    for row in table[:2]:
        image, names = Path(row["file"]), row["mask"].split(";")
        assert names == [f"{image.name[:3]}_liver.nii.gz", f"{image.name[:3]}_left_tumor.nii.gz"]
        stored = torch.from_numpy(reading.read(image))[None]
        probs = next(model.whole().predictions(stored, model.machine))[0]
        assert probs.shape == (2, 8, 4, 6)
        present = (probs > 0.5).numpy()
        masks = [np.asarray(nibabel.load(folder / name).dataobj).transpose(2, 1, 0) for name in names]
        for k, mask in enumerate(masks):
            assert mask.shape == (7, 6, 5)
            assert np.array_equal(mask[:, 1:5, :], present[k, :7, :, :5]), "on the image's own voxels"
            assert not mask[:, [0, 5]].any()
            assert float(row[f"share({['liver', 'left tumor'][k]})"]) == pytest.approx(mask.mean(), abs=1e-4)
        sure = torch.maximum(probs, 1 - probs).mean()
        assert float(row["sure"]) == pytest.approx(float(sure), abs=1e-4)
    network = torch.export.load("net.pt2").module()
    assert network(stored).shape == (1, 2, 8, 4, 6)
    assert (network(stored)[0] - probs).abs().max() < 1e-5
    again = al_run.run_folder(
        "dataset=nifti_folder", "dataset.root=.", "dataset.images=scans/images/*.nii.gz", "dataset.name=two",
        f"dataset.masks={{liver: {folder.relative_to(al_run.folder)}/*_liver.nii.gz}}", "trainer=cpu",
        "dataset.shape=[8,4,6]", "model=unet", "model.width=4", "model.depth=1", "schedule.initial_size=4",
        "schedule.budget=4", "schedule.epochs=1", "logger=none",
    )  # fmt: skip
    assert rows(again / "rounds.csv")[0]["n_labeled"] == "4"
