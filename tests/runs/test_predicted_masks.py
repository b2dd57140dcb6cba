"""`al-predict` of a run on masks: files on the images' own pixels."""

import csv
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from PIL import Image

from al_runner.data.formats import volume
from al_runner.runs.last_model import last_model
from al_runner.runs.predict import main
from tests.commands import Command
from tests.data.nifti_files import write_glas, write_pair

LEARNS = [
    "model=unet", "model.width=4", "model.depth=1", "schedule.initial_size=4", "schedule.budget=4",
    "schedule.epochs=20", "optimizer.lr=0.01", "trainer=cpu", "logger=none",
]  # fmt: skip
VOLUMES = [
    "dataset=nifti_folder", "dataset.root=scans", "dataset.labels=[background,front,back]",
    "dataset.shape=[8,8,12]", *LEARNS,
]  # fmt: skip


@pytest.fixture(autouse=True)
def here(al_run: Command, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(al_run.folder)
    al_run.env["AL_RUNNER_CACHE"] = str(al_run.folder / "cache")
    monkeypatch.setenv("AL_RUNNER_CACHE", al_run.env["AL_RUNNER_CACHE"])
    return al_run.folder


@pytest.fixture
def volumes(here: Path) -> Path:
    """Volumes with masks, larger than the grid along one axis and smaller along another."""
    for k in range(14):
        write_pair(here / "scans", f"p{k:02}", shape=(10, 12, 8), seed=k)
    return here / "scans"


def table(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "predictions.csv").open(encoding="utf-8")))


def test_volumes_elsewhere(al_run: Command, volumes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = al_run.run_folder(*VOLUMES)
    new = volumes.parent / "new"
    shutil.copytree(volumes / "images", new)
    main([str(run), str(new)])
    out, err = capsys.readouterr()
    folder = Path(out.strip())
    assert folder == run / "predicted_masks"
    assert "14 masks by the model of round 0, of 4 labels" in err
    model, rows = last_model(run), table(folder)
    reading = model.dataset.reading
    assert reading is not None
    sure = [float(row["sure"]) for row in rows]
    assert sure == sorted(sure)
    assert {row["index"] for row in rows} == {""}
    for row in rows[:3]:
        image, mask = Path(row["file"]), folder / row["mask"]
        labels, _ = volume.read_mask(image, mask, [0, 1, 2])  # of the same geometry, and declared labels
        probs = next(model.whole().predictions(torch.from_numpy(reading.read(image))[None], model.machine))[0]
        pixels, spacing = volume.read_image(image, 1)
        grid = reading.grid  # type: ignore[attr-defined]
        expected = grid.back(probs.argmax(0).byte().numpy(), pixels.shape[1:], spacing)
        assert np.array_equal(labels, expected)
        shares = [float(row[f"share({name})"]) for name in ("background", "front", "back")]
        assert shares == pytest.approx([(labels == k).mean() for k in range(3)], abs=1e-4)
        assert nibabel.load(mask).get_data_dtype() == np.uint8
        assert float(row["sure"]) == pytest.approx(float(probs.max(0).values.mean()), abs=1e-4)
    main([str(run), str(new / "p00.nii.gz"), "--out", str(folder)])  # its own folder is written over
    assert [row["mask"] for row in table(folder)] == ["p00.nii.gz"]


def test_what_nobody_has_outlined_yet(
    al_run: Command, volumes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    masks = volumes / "masks"
    drawn = sorted(masks.iterdir())
    shutil.move(masks, volumes.parent / "truth")
    more = ["dataset.missing=unlabeled", "dataset.test_size=4", "oracle=people", "schedule.budget=6"]
    arguments = [*VOLUMES, *more, "schedule.query_size=2"]
    run = al_run.run_folder(*arguments)
    for row in csv.DictReader((run / "to_label.csv").open(encoding="utf-8")):
        shutil.copy(volumes.parent / "truth" / row["mask"], run / "masks")
    al_run.run_folder(*arguments)
    theirs = {path: path.read_bytes() for path in (run / "masks").iterdir()}
    main([str(run)])
    rows = table(run / "predicted_masks")
    assert len(rows) == len(drawn) - 4 - 4
    assert not {row["mask"] for row in rows} & {path.name for path in theirs}
    assert all((run / "predicted_masks" / row["mask"]).is_file() and int(row["index"]) >= 0 for row in rows)
    capsys.readouterr()
    with pytest.raises(SystemExit) as refused:
        main([str(run), "--out", str(run / "masks")])
    assert refused.value.code == 2
    assert "has other files: give an empty folder by --out" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in (run / "masks").iterdir()} == theirs


def test_pictures_and_bad_input(al_run: Command, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_glas(here / "glas")
    run = al_run.run_folder("dataset=glas", "dataset.shape=[24,36]", "dataset.root=glas", *LEARNS)
    file = here / "glas" / "train_1.bmp"
    main([str(run), str(file), "--out", "out"])
    mask, image = Image.open(here / "out" / "train_1.png"), Image.open(file)
    assert mask.size == image.size
    assert set(np.unique(np.asarray(mask))) <= {0, 255}
    other = here / "other"
    other.mkdir()
    shutil.copy(file, other)
    for arguments, said in (
        ([str(file), str(other)], "2 images have the name train_1"),
        ([], "this run does not know its files"),
        ([str(here / "gone.bmp")], "there is no file or folder"),
    ):
        capsys.readouterr()
        with pytest.raises(SystemExit) as refused:
            main([str(run), *arguments, "--out", "out2"])
        assert refused.value.code == 2
        assert said in capsys.readouterr().err
        assert not (here / "out2" / "predictions.csv").exists()


def refused(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(list(map(str, arguments)))
    assert ended.value.code == 2
    return capsys.readouterr().err


def test_all_masks_or_none(
    al_run: Command, volumes: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("al_runner.data.layouts.given.BLOCK_BYTES", 1)  # what is left out is said at the end
    run = al_run.run_folder(*VOLUMES)
    new, out = volumes.parent / "new", volumes.parent / "out"
    new.mkdir()
    for name in ("p00", "p01"):
        shutil.copy(volumes / "images" / f"{name}.nii.gz", new)
    (new / "p02.nii.gz").write_text("no")
    assert "1 of 3 files cannot be read" in refused(capsys, run, new, "--out", out)
    assert list(out.iterdir()) == []
    main([str(run), str(new), "--out", str(out), "--skip"])
    written = {path.name: path.read_bytes() for path in out.iterdir()}
    assert written.keys() == {"p00.nii.gz", "p01.nii.gz", "predictions.csv"}

    class _Killed(BaseException):
        pass

    move = Path.replace

    def killed(path: Path, target: Path) -> Path:
        if path.parent.name == ".partial" and not path.name.startswith("."):
            raise _Killed(path)
        return move(path, target)

    shutil.copy(volumes / "images" / "p03.nii.gz", new)
    for place in (out, volumes.parent / "other"):
        with monkeypatch.context() as patched:
            patched.setattr(Path, "replace", killed)
            with pytest.raises(_Killed):
                main([str(run), str(new), "--out", str(place), "--skip"])
        (place / ".partial").mkdir()  # as this one was, and what was being written
        (place / ".partial" / "p09.nii.gz").touch()
        (place / ".predictions.csv.partial").touch()
        main([str(run), str(new), "--out", str(place), "--skip"])
        assert {path.name for path in place.iterdir()} == {*written, "p03.nii.gz"}
        assert [row["mask"] for row in table(place)] != []
    table_of_images = new / "predictions.csv"
    table_of_images.write_text("file\np00.nii.gz\n")
    before = (new / "p00.nii.gz").read_bytes()
    assert "would take the place of an image" in refused(capsys, run, table_of_images, "--out", new)
    assert (new / "p00.nii.gz").read_bytes() == before


def test_images_of_one_name_in_folders_of_patients(al_run: Command, here: Path) -> None:
    for k in range(10):
        write_pair(here / "made", f"p{k}", shape=(8, 12, 8), seed=k)
        for kind in ("image", "mask") if k < 8 else ("image",):
            place = here / "scans" / f"p{k}" / f"{kind}.nii.gz"
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(here / "made" / f"{kind}s" / f"p{k}.nii.gz", place)
    arguments = [
        *VOLUMES, "dataset.images=*/image.nii.gz", "dataset.masks=*/mask.nii.gz",
        "dataset.missing=unlabeled", "dataset.split=[0.8,0.1,0.1]", "oracle=people",
    ]  # fmt: skip
    run = al_run.run_folder(*arguments)
    if (run / "to_label.csv").is_file():
        for row in csv.DictReader((run / "to_label.csv").open(encoding="utf-8")):
            shutil.copy(here / "made" / "masks" / row["mask"], run / "masks")
        assert al_run.run_folder(*arguments) == run
    main([str(run)])
    found = table(run / "predicted_masks")
    assert len(found) == 4
    for row in found:
        assert row["mask"] == f"{Path(row['file']).parent.name}.nii.gz"
        assert (run / "predicted_masks" / row["mask"]).is_file()
