"""`al-predict RUN --export`: a file that loads without al-runner and gives its numbers."""

import ast
import csv
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from al_runner.learning.whole import Whole
from al_runner.runs import exported
from al_runner.runs.exported import export
from al_runner.runs.last_model import last_model
from al_runner.runs.predict import main
from al_runner.runs.predictions import of_files
from tests.commands import Command, forked
from tests.data.nifti_files import write_decathlon, write_glas
from tests.people.test_runs import Truth, labeled
from tests.runs.test_encoding import SMALL
from tests.runs.test_predict_elsewhere import LEARNS, scans

__all__ = ["scans"]

WITHOUT = Path(__file__).with_name("without_al_runner.py")
SLIM = [word.replace("batch_size=30", "batch_size=16") for word in SMALL]
Start = Callable[..., subprocess.CompletedProcess[str]]
NEAR = 2e-6
"""Six digits are printed."""


def alone(script: Path, *files: Path, start: Start = forked) -> str:
    """What the code beside a network prints, in a process without al-runner."""
    done = start(str(WITHOUT), str(script), *map(str, files), folder=script.parent)
    assert done.returncode == 0, done.stderr
    return done.stdout


def truly(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A process that has imported nothing before."""
    return subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("more", [[], [*SLIM, "head=linear", "dataset.channels=3"]])
@pytest.mark.slow
def test_it_gives_the_same_numbers_without_al_runner(
    al_run: Command, scans: Truth, more: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxruntime")
    run = labeled(al_run, scans, "dataset.test_size=20", *LEARNS, *more)
    main([str(run), "--export", str(tmp_path / "model.pt2")])
    out, err = capsys.readouterr()
    assert out.split() == [str(tmp_path / "model.pt2"), str(tmp_path / "model_predict.py")]
    assert "probabilities differ by" in err
    assert not (run / "predictions.csv").exists()
    files = [al_run.folder / "scans" / name for name in sorted(scans)][:12]
    model = last_model(run)
    expected = of_files(model, files)
    start = truly if more else forked  # one of them where nothing was imported before
    said = alone(tmp_path / "model_predict.py", *files, start=start)
    table = list(csv.DictReader(said.splitlines()))
    assert [row["file"] for row in table] == [str(file) for file in files]
    found = torch.tensor([[float(row[name]) for name in ("normal", "ill")] for row in table])
    assert (found - expected.probs).abs().max() <= NEAR
    assert expected.probs.std(0).min() > 1e-3
    text = " ".join((tmp_path / "model_predict.py").read_text(encoding="utf-8").split())
    assert f"calibrated (temperature {model.temperature:.3f})" in text
    assert "uint8 [n, " in text
    network = torch.export.load(tmp_path / "model.pt2").module()
    batch = model.dataset.train.images[:3]
    assert network(batch).shape == (3, 2), "any number of images at a time"
    main([str(run), "--export", str(tmp_path / "model.onnx")])
    assert "onnxruntime and what is imported below" in (tmp_path / "model_predict.py").read_text()
    assert "torch.export" not in (tmp_path / "model_predict.py").read_text()
    table = list(csv.DictReader(alone(tmp_path / "model_predict.py", *files).splitlines()))
    found = torch.tensor([[float(row[name]) for name in ("normal", "ill")] for row in table])
    assert (found - expected.probs).abs().max() <= NEAR


@pytest.mark.parametrize(
    "data",
    [["dataset=glas", "dataset.shape=[24,36]", "dataset.root=glas"],
     ["dataset=decathlon", "dataset.folder=task", "dataset.root=task", "patches.size=[8,8,8]"]],
)  # fmt: skip
@pytest.mark.slow
def test_masks(
    al_run: Command,
    data: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(al_run.folder)
    al_run.env["AL_RUNNER_CACHE"] = str(al_run.folder / "cache")
    monkeypatch.setenv("AL_RUNNER_CACHE", al_run.env["AL_RUNNER_CACHE"])
    write_glas(al_run.folder / "glas")
    write_decathlon(al_run.folder / "task")
    run = al_run.run_folder(
        *data, "model=unet", "model.width=4", "model.depth=1", "schedule.initial_size=4", "schedule.budget=4",
        "schedule.epochs=20", "optimizer.lr=0.01", "trainer=cpu", "logger=none",
    )  # fmt: skip
    main([str(run), "--export", str(tmp_path / "outlines.pt2")])
    model = last_model(run)
    shape = tuple(model.dataset.train.images.shape[1:])
    assert f"images of {'×'.join(map(str, shape))}" in capsys.readouterr().err
    network = torch.export.load(tmp_path / "outlines.pt2").module()
    one = torch.tensor([2])
    probs = network(model.dataset.train.images[one])
    assert probs.shape == (1, model.dataset.task.n_classes, *shape[1:])
    expected = model.learner.predict(one)
    assert (probs.flatten(2).movedim(1, -1) - expected).abs().max() <= 1e-5
    folder, name = ("glas", "train_1.bmp") if "dataset=glas" in data else ("task/images", "case_00.nii.gz")
    file = al_run.folder / folder / name
    printed = Path(alone(tmp_path / "outlines_predict.py", file).strip())
    mask, reading = np.load(printed), model.dataset.reading
    assert reading is not None
    predicted = next(model.whole().predictions(torch.from_numpy(reading.read(file))[None], model.machine))
    assert np.array_equal(mask, predicted[0].argmax(0))
    assert len(np.unique(mask)) > 1


class _Off(Whole):
    def finish(self, outputs: Tensor) -> Tensor:
        return super().finish(outputs).flip(1)


@pytest.mark.slow
def test_a_file_with_other_numbers_is_not_written(
    al_run: Command,
    tiny: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(al_run.folder)
    run = al_run.run_folder(*tiny, "schedule.budget=6", "schedule.epochs=9")

    def said(*words: str) -> str:
        with pytest.raises(SystemExit) as ended:
            main([str(run), *words])
        assert ended.value.code == 2
        assert not list(tmp_path.glob("*.p*"))
        return capsys.readouterr().err

    assert "the file of a network ends in .pt2" in said("--export", str(tmp_path / "model.pth"))

    def off(model: Any) -> Whole:
        whole = _whole(model)
        return _Off(whole.network, whole.last, whole.image_size, whole.temperature).eval()

    _whole = exported.LastModel.whole
    monkeypatch.setattr(exported.LastModel, "whole", off)
    assert "probabilities differ by" in said("--export", str(tmp_path / "model.pt2"))
    monkeypatch.setattr(_Off, "forward", lambda self, images: self.finish(images.numpy()))
    assert "this network cannot be exported: " in said("--export", str(tmp_path / "model.pt2"))
    monkeypatch.undo()
    monkeypatch.chdir(al_run.folder)
    model = last_model(run)
    names = ("myelocytes, and others", 'so called "blasts"', "rest")
    dataset = replace(model.dataset, class_names=names)
    named = tmp_path / 'm"""\\ü.pt2'  # a name that ends a docstring
    found = export(replace(model, setting=replace(model.setting, dataset=dataset)), named)
    assert found.code.name == 'm"""\\ü_predict.py'
    words = ast.get_docstring(ast.parse(found.code.read_text()))
    assert words is not None
    assert f"python {found.code.name} scan.npy …" in words
    assert 'so called "blasts"' in " ".join(words.split())
    assert found.code.is_file()
    array, file = np.zeros((14, 14), np.uint8), tmp_path / "one, again.npy"
    np.save(file, array)
    printed = list(csv.reader(alone(found.code, file, start=truly).splitlines()))
    network = torch.export.load(found.network).module()
    probs = network(torch.zeros(1, 1, 14, 14, dtype=torch.uint8))[0].tolist()
    assert printed == [["file", *names], [str(file), *(f"{each:.6f}" for each in probs)]]
