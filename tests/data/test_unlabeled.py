"""`dataset=unlabeled`: a random sample to measure on, a pool, and labels of some."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch
from PIL import Image

from al_runner.data.dataset import Dataset
from al_runner.data.sets.unlabeled import load
from al_runner.data.tasks import Binary, MultiClass, MultiLabel
from al_runner.errors import InputError
from tests.data.nifti_files import write_pair
from tests.data.test_mask_folder import write as write_picture

Load = Callable[..., Dataset]


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Forty images of twenty patients, some in folders."""
    root = tmp_path / "scans"
    rng = np.random.default_rng(0)
    for i in range(40):
        path = root / ("ward" if i % 3 else ".") / f"p{i // 2:02}_{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (9, 9), dtype=np.uint8)).save(path)
    (root / "notes.txt").write_text("no image")
    return root


@pytest.fixture
def opened(scans: Path, tmp_path: Path) -> Load:
    def open_(**options: Any) -> Dataset:
        given = {"classes": ["normal", "ill"], "image_size": 8, "test_size": 6, **options}
        return load(root=given.pop("root", scans), cache_dir=tmp_path / "cache", **given)

    return open_


def test_a_random_sample_of_whole_patients_and_a_pool(opened: Load, scans: Path) -> None:
    dataset = opened(group=r"p\d+")
    train, test = dataset.train, dataset.splits["test"]
    assert len(test) == 6
    assert len(train) == 34
    assert len(dataset.splits["val"]) == 0
    assert not {*train.patients} & {*test.patients}
    assert all((scans / name).is_file() for name in (*train.names, *test.names))
    assert dataset.root == scans
    assert isinstance(dataset.task, Binary)
    assert train.told.tolist() == test.told.tolist() == []
    assert dataset.sampled("test") == test.patients
    assert dataset.sampled("train") == ()


def test_the_sample_follows_its_seed_alone(opened: Load, scans: Path) -> None:
    assert opened().splits["test"].names == opened(classes=["a", "b", "c"]).splits["test"].names
    assert opened().splits["test"].names != opened(split_seed=1).splits["test"].names
    larger = opened(test_size=12).splits["test"].names
    assert {*opened().splits["test"].names} < {*larger}, "a larger sample holds a smaller one"
    assert opened(test_size="30%").splits["test"].names == larger, "of all 40 images"
    assert isinstance(opened(classes=["a", "b", "c"]).task, MultiClass)


def test_known_labels_come_from_a_table(opened: Load, scans: Path, tmp_path: Path) -> None:
    table = tmp_path / "known.csv"
    table.write_text("Label;Path\nILL;p00_0.png\ncannot tell;ward/p00_1.png\n;p01_3.png\n", encoding="utf-8")
    dataset = opened(labels=table)
    known = {
        name: target
        for split in dataset.splits.values()
        for name, target in zip(split.names, split.targets.tolist(), strict=True)
        if target != -1
    }
    assert known == {"p00_0.png": 1, "ward/p00_1.png": -2}
    assert sum(len(split.told) for split in dataset.splits.values()) == 1
    assert dataset.fingerprint != opened().fingerprint


def test_a_table_knows_patients(opened: Load, tmp_path: Path) -> None:
    table = tmp_path / "known.csv"
    table.write_text("file,label,patient\np00_0.png,,007\np09_18.png,,007\n")
    dataset = opened(labels=table)
    of = {n: p for split in dataset.splits.values() for n, p in zip(split.names, split.patients, strict=True)}
    assert of["p00_0.png"] == of["p09_18.png"] == "007"


def test_several_labels(opened: Load, tmp_path: Path) -> None:
    table = tmp_path / "known.csv"
    table.write_text("file,label\np00_0.png,mass;scar\nward/p00_1.png,none\n")
    dataset = opened(classes=["mass", "nodule", "scar"], several=True, labels=table)
    assert dataset.task == MultiLabel(3)
    rows = torch.cat([split.targets for split in dataset.splits.values()])
    assert sorted(rows[(rows >= 0).all(1)].tolist()) == [[0, 0, 0], [1, 0, 1]]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"root": Path("nowhere")}, "is not a folder"),
        ({"test_size": "1%"}, "test_size=1% is no sample: .*scans has 40"),
        ({"test_size": 40}, "leaves none to learn from: take fewer, such as"),
        ({"classes": ["one"]}, "at least two are needed"),
        ({"group": "x(\\d)"}, "finds no patient in"), ({"labels": "nowhere.csv"}, "cannot read nowhere.csv"),
    ],
)  # fmt: skip
def test_bad_values_end_in_one_line(opened: Load, options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        opened(**options)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,label\np00_0.png,flu\n", "row 2: flu is not one of normal, ill, cannot tell"),
        ("file,label\np00_0.png,ill\np00_0.png,normal\n", "row 3: p00_0.png is there twice"),
        ("file,label\nelsewhere.png,ill\n", "names no image of"), ("name,label\na,b\n", "no column file or"),
    ],
)  # fmt: skip
def test_tables_that_do_not_fit(opened: Load, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "known.csv").write_text(text)
    with pytest.raises(InputError, match=said):
        opened(labels=tmp_path / "known.csv")


def test_no_images(opened: Load, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no images"):
        opened(root=tmp_path / "empty")


def test_volumes_become_cubes(opened: Load, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "volumes"
    for k in range(9):
        write_pair(root, f"p{k}", shape=(10 + k, 12, 8))
    shutil.rmtree(root / "masks")
    dataset = opened(root=root, test_size=3)
    assert dataset.train.images.shape == (6, 1, 8, 8, 8)
    assert len(dataset.splits["test"]) == 3
    assert all((root / name).is_file() for name in dataset.train.names)
    index = dataset.train.names.index(name := dataset.train.names[0])
    content = nibabel.load(root / name).get_fdata().transpose(2, 1, 0)
    low, high = np.percentile(content, (0.5, 99.5))
    scaled = torch.from_numpy((content - low) / (high - low) * 255).clamp(0, 255).float()
    cube = torch.nn.functional.interpolate(scaled[None, None], (8, 8, 8), mode="area")[0]
    assert torch.equal(dataset.train.images[index], cube.round().byte())
    windowed = opened(root=root, test_size=3, window=[0, 300])
    assert windowed.fingerprint != dataset.fingerprint
    for k in range(2):
        write_picture(root, f"flat{k}")
    assert opened(root=root / "images", test_size=1).train.images.shape == (1, 1, 8, 8)
    assert "9 volumes" in capsys.readouterr().err


def test_a_window_is_for_volumes(opened: Load) -> None:
    with pytest.raises(InputError, match=r"dataset\.window=\[0, 300\] is for volumes"):
        opened(window=[0, 300])
