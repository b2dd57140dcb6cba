"""GlaS by its grades: small files in the official layout, and the samples of `data.glas`."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

from al_runner.data.dataset import SPLITS, Dataset
from al_runner.data.sets import glas, glas_grades
from al_runner.errors import InputError
from tests.data.nifti_files import write_glas

TABLE = "Grade.csv"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_glas(tmp_path / "glas")
    return tmp_path / "glas"


def grades(root: Path, **options: object) -> Dataset:
    return glas_grades.load(root, root.parent / "cache", **{"shape": (16, 24), **options})  # type: ignore[arg-type]


def masks(root: Path, **options: object) -> Dataset:
    return glas.load(root, root.parent / "cache", **{"shape": (20, 30), **options})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options", [{}, {"val_share": 0.4}, {"val_share": 0.4, "split_seed": 3}, {"test": "B"}]
)
def test_the_samples_are_those_with_masks_in_their_order(root: Path, options: dict[str, object]) -> None:
    ours, theirs = grades(root, **options, shape=(20, 30)), masks(root, **options)
    for split in SPLITS:
        assert ours.splits[split].names == theirs.splits[split].names
        assert torch.equal(ours.splits[split].images, theirs.splits[split].images)
        for name, target in zip(ours.splits[split].names, ours.splits[split].targets, strict=True):
            assert int(target) == (int(name.split("_")[1]) % 3 > 0), "as the table was written"
    assert ours.class_names == ("benign", "malignant")
    assert ours.train.images.is_contiguous()


def test_no_mask_is_read(root: Path) -> None:
    before = grades(root)
    for path in root.glob("*_anno.bmp"):
        path.unlink()
    assert grades(root).fingerprint == before.fingerprint


def test_another_grade_is_other_data(root: Path) -> None:
    before = grades(root)
    text = (root / TABLE).read_bytes()
    (root / TABLE).write_bytes(text.replace(b"train_4,1, malignant", b"train_4,1, benign"))
    after = grades(root)
    assert after.fingerprint != before.fingerprint
    assert torch.equal(after.train.images, before.train.images)


def test_a_split_of_one_class_is_mentioned(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (root / TABLE).read_bytes()
    (root / TABLE).write_bytes(text.replace(b"testB_2,3, malignant", b"testB_2,3, benign"))
    grades(root, test="B")
    assert "the test split of glas_grades is not" not in capsys.readouterr().err
    (root / TABLE).write_bytes(text.replace(b"testA_3,4, benign", b"testA_3,4, malignant"))
    grades(root, test="A")
    assert "the test split of glas_grades is all malignant: no AUROC" in capsys.readouterr().err


WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "no grades": (
        lambda g: (g / TABLE).write_bytes(b"name,patient ID\rtrain_1,1"),
        r"lacks the column grade \(GlaS\)",
    ),
    "short row": (
        lambda g: (g / TABLE).write_bytes(b"name,patient ID,grade (GlaS)\rtrain_1,1"),
        "row train_1,1 is too short",
    ),
    "unknown": (
        lambda g: (g / TABLE).write_bytes((g / TABLE).read_bytes().replace(b"_5,2, mal", b"_5,2, m")),
        "the grade of train_5 is 'mignant', expected benign or malignant",
    ),
    "no image": (lambda g: (g / "train_2.bmp").unlink(), "train_2.bmp: No such file"),
    "gray": (
        lambda g: Image.new("L", (30, 20)).save(g / "train_2.bmp"),
        "pixels of the kind L, expected RGB",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_bad_input(root: Path, name: str) -> None:
    damage, words = WRONG[name]
    damage(root)
    with pytest.raises(InputError, match=words):
        grades(root)


def test_real_data(data_dir: Path, tmp_path: Path) -> None:
    if not (data_dir / "glas").is_dir():
        pytest.skip("no glas in AL_RUNNER_DATA")
    dataset = glas_grades.load(data_dir / "glas", tmp_path, shape=(16, 24))
    counts = {name: dataset.task.count(split.targets).tolist() for name, split in dataset.splits.items()}
    assert counts == {"train": [33, 39], "val": [4, 9], "test": [37, 43]}
