"""`al-predict RUN IMAGES`: files elsewhere are read as the run's own were."""

import csv
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from PIL import Image

from al_runner.runs.last_model import last_model
from al_runner.runs.predict import main
from al_runner.runs.predictions import Predictions, of_files, of_pool
from tests.commands import Command
from tests.people.test_runs import Truth, labeled
from tests.runs.test_encoding import SMALL

LEARNS = ["schedule.initial_size=14", "schedule.epochs=30", "model.width=4", "optimizer.lr=0.01"]
NEAR = 1e-6
"""Batches of other sizes sum in another order."""


@pytest.fixture
def scans(al_run: Command, monkeypatch: pytest.MonkeyPatch) -> Truth:
    """Scans of all kinds of pixels: gray, 16 bits, color, transparent; and of two sizes."""
    monkeypatch.chdir(al_run.folder)
    al_run.env["AL_RUNNER_CACHE"] = str(al_run.folder / "cache")
    monkeypatch.setenv("AL_RUNNER_CACHE", al_run.env["AL_RUNNER_CACHE"])
    rng, labels = np.random.default_rng(0), {}
    kinds = {"L": np.uint8, "I;16": np.uint16, "RGB": np.uint8, "RGBA": np.uint8}
    for i in range(40):
        kind = list(kinds)[i % 4]
        edge, bands = 14 + 6 * (i % 3 == 0), {"RGB": (3,), "RGBA": (4,)}.get(kind, ())
        pixels = rng.integers(0, 120, (edge, edge, *bands))
        pixels[:, 3 + 6 * (i // 4 % 2) : 6 + 6 * (i // 4 % 2)] += 130
        scale = 200 if kind == "I;16" else 1
        name = f"{i % 5}/{i:02}.{'tiff' if kind == 'I;16' else 'png'}"
        path = al_run.folder / "scans" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((scale * pixels).astype(kinds[kind])).save(path)
        labels[name] = ("normal", "ill")[i // 4 % 2]
    return labels


def same(run: Path, elsewhere: Path, *places: Path) -> tuple[Predictions, Predictions]:
    """The predictions of the pool, and of copies of its files, which are the same."""
    model = last_model(run)
    pool, copies = of_pool(model), of_files(model, list(places) or [elsewhere])
    names = [Path(name).relative_to(elsewhere).as_posix() for name in copies.names]
    probs = dict(zip(names, copies.probs, strict=True))
    again = torch.stack([probs[name] for name in pool.names])
    assert len(pool.names) > 5
    assert (again - pool.probs).abs().max() <= NEAR
    assert copies.temperature == pool.temperature
    assert pool.probs.std(0).min() > 1e-4, "they are not all alike"
    return pool, copies


@pytest.mark.parametrize(
    "more",
    [[], ["dataset.channels=3"], [*SMALL, "head=linear"], [*SMALL, "head=mlp"], [*SMALL, "head=finetune"]],
)  # fmt: skip
def test_copies_of_the_pool_elsewhere_have_its_predictions(
    al_run: Command, scans: Truth, more: list[str], tmp_path: Path
) -> None:
    more = [word.replace("encoder.batch_size=30", "encoder.batch_size=16") for word in more]
    run = labeled(al_run, scans, "dataset.test_size=20", *LEARNS, *more)
    shutil.copytree(al_run.folder / "scans", tmp_path / "copies")
    pool, _ = same(run, tmp_path / "copies")
    main([str(run), str(tmp_path / "copies")])
    table = list(csv.DictReader((run / "predictions_of_images.csv").open(encoding="utf-8")))
    assert len(table) == 40
    sure = [float(row["sure"]) for row in table]
    assert sure == sorted(sure)
    assert {row["index"] for row in table} == {""}
    first = table[0]
    assert first["prediction"] == max(("normal", "ill"), key=lambda name: float(first[f"p({name})"]))
    assert pool.temperature is not None, "calibrated"


def test_files_and_tables_name_images(
    al_run: Command, scans: Truth, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = labeled(al_run, scans, *LEARNS)
    shutil.copytree(al_run.folder / "scans", tmp_path / "copies")
    (tmp_path / "copies" / "list.csv").write_text("Patient;Path\n" + "".join(f"p;{name}\n" for name in scans))
    same(run, tmp_path / "copies", tmp_path / "copies" / "list.csv")
    one = tmp_path / "copies" / "0" / "00.png"
    main([str(run), str(one), str(one), "--out", str(tmp_path / "one.csv")])
    assert "1 images by the model" in capsys.readouterr().err
    assert [row["file"] for row in csv.DictReader((tmp_path / "one.csv").open())] == [str(one)]

    def said(*words: str) -> str:
        with pytest.raises(SystemExit) as ended:
            main([str(run), *words])
        assert ended.value.code == 2
        err = capsys.readouterr().err
        assert err.count("\n") == 1
        assert err.startswith("al-predict: ")
        return err

    (empty := tmp_path / "empty").mkdir()
    (empty / "notes.md").write_text("nothing")
    assert "holds no file that ends in .bmp" in said(str(empty))
    assert "there is no file or folder gone" in said("gone")
    (damaged := tmp_path / "damaged.png").write_bytes(one.read_bytes()[:60])
    assert f"1 of 1 files cannot be read: {damaged} (" in said(str(damaged))
    assert "1 of 2 files cannot be read" in said(str(damaged), str(one))
    assert not (run / "predictions_of_images.csv").exists()
    main([str(run), "--skip", str(damaged), str(one)])
    assert "left out: 1 of 2" in capsys.readouterr().err
    nibabel.save(nibabel.Nifti1Image(np.zeros((4, 4, 4)), np.eye(4)), volume := tmp_path / "v.nii.gz")
    assert "is a volume, and this run's network takes images of 1×14×14" in said(str(volume))
    pages = [Image.new("L", (9, 9)), Image.new("L", (9, 9))]
    pages[0].save(tmp_path / "pages.tiff", save_all=True, append_images=pages[1:])
    assert "has several pages" in said(str(tmp_path / "pages.tiff"))
    (table := tmp_path / "table.csv").write_text("path\nnowhere.png\n")
    assert "row 2: there is no file" in said(str(table))
    table.write_text("name\nnowhere.png\n")
    assert "has no column file" in said(str(table))


def test_arrays_of_volumes(
    al_run: Command,
    npz: object,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from tests.conftest import layout, tiny_run

    monkeypatch.chdir(al_run.folder)
    arrays = layout(size=(8, 10, 12))
    run = al_run.run_folder(*tiny_run(npz("solid.npz", **arrays)))  # type: ignore[operator]
    model = last_model(run)
    pool = of_pool(model)
    (folder := tmp_path / "volumes").mkdir()
    for index in pool.indices:
        np.save(folder / f"{index:03}.npy", arrays["train_images"][index])
    copies = of_files(model, [folder])
    assert [Path(name).stem for name in copies.names] == [f"{index:03}" for index in pool.indices]
    assert (copies.probs - pool.probs).abs().max() <= NEAR
    np.save(tmp_path / "flat.npy", arrays["train_images"][0, 0])
    Image.new("L", (12, 12)).save(tmp_path / "flat.png")
    for name, why in (("flat.npy", "expected uint8 1×8×10×12"), ("flat.png", "is an image, and this run's")):
        with pytest.raises(SystemExit):
            main([str(run), str(tmp_path / name)])
        assert why in capsys.readouterr().err


def test_features_that_somebody_has_are_not_those_of_others(
    al_run: Command,
    tiny: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    from tests.runs.test_encoding import GIVEN, write_features

    monkeypatch.chdir(al_run.folder)
    write_features(al_run.folder)
    run = al_run.run_folder(*tiny, *GIVEN)
    np.save(tmp_path / "one.npy", np.zeros((14, 14), np.uint8))
    with pytest.raises(SystemExit):
        main([str(run), str(tmp_path / "one.npy")])
    assert "encoder=features has the features of the run's own images alone" in capsys.readouterr().err
