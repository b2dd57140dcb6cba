import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from al_runner.data.dataset import normalize
from al_runner.data.sets import npz as module
from al_runner.data.tasks import Binary, MultiClass, MultiLabel
from al_runner.errors import InputError
from tests.conftest import layout

Write = Callable[..., Path]


def test_reads_the_layout(npz: Write) -> None:
    dataset = module.load(npz())
    arrays = layout()
    assert dataset.name == "small"
    assert dataset.task == MultiClass(3)
    assert dataset.train.images.shape == (60, 1, 14, 14)
    assert dataset.train.images.dtype == torch.uint8
    assert np.array_equal(dataset.train.images[:, 0].numpy(), arrays["train_images"])
    assert dataset.splits["test"].targets.tolist() == arrays["test_labels"][:, 0].tolist()
    assert dataset.fingerprint.startswith("md5:")


@pytest.mark.parametrize(
    ("shape", "channels", "size"),
    [
        ((14, 14), 1, (14, 14)),
        ((14, 14, 3), 3, (14, 14)),
        ((14, 14, 14), 1, (14, 14, 14)),
        ((14, 14, 14, 3), 3, (14, 14, 14)),
    ],
)
def test_every_shape_of_images(
    npz: Write, shape: tuple[int, ...], channels: int, size: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(0)
    stored = {f"{s}_images": rng.integers(0, 256, (n, *shape), dtype=np.uint8)
              for s, n in (("train", 60), ("val", 20), ("test", 20))}  # fmt: skip
    dataset = module.load(npz(**stored))
    assert (dataset.channels, dataset.image_size) == (channels, size)
    image = dataset.train.images[5]
    last = image.movedim(0, -1) if channels == 3 else image[0]
    assert np.array_equal(last.numpy(), stored["train_images"][5])


def test_tasks(npz: Write) -> None:
    two = {key: (value > 0).astype(np.uint8) for key, value in layout().items() if "labels" in key}
    assert module.load(npz(**two)).task == Binary()
    assert module.load(npz(**two), n_classes=4).task == MultiClass(4)
    many = {key: np.repeat(value, 5, axis=1) for key, value in two.items()}
    dataset = module.load(npz(**many))
    assert dataset.task == MultiLabel(5)
    assert dataset.train.targets.shape == (60, 5)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"val_labels": None}, "lacks val_labels"),
        ({"train_labels": np.zeros((59, 1), np.uint8)}, "60 train_images, but 59 train_labels"),
        ({"test_labels": -np.ones((20, 1), np.int8)}, "run from -1"),
        ({"train_images": np.zeros((60, 14, 14))}, "float64"),
        ({"train_labels": np.zeros((60, 1))}, "expected integers"),
        ({"val_images": np.zeros((20, 14, 15), np.uint8)}, "14×15"),
        ({"val_images": np.zeros((0, 14, 14), np.uint8), "val_labels": np.zeros((0, 1), np.uint8)}, "empty"),
        ({"val_labels": np.zeros((20, 3), np.uint8)}, "differ in shape"),
    ],
)
def test_refuses_a_bad_file(npz: Write, changed: dict[str, np.ndarray], words: str) -> None:
    with pytest.raises(InputError, match=words):
        module.load(npz(**changed))


def test_refuses_a_task_that_the_labels_contradict(npz: Write) -> None:
    with pytest.raises(InputError, match="multilabel"):
        module.load(npz(), task="multilabel")
    with pytest.raises(InputError, match="run from 0 to 2"):
        module.load(npz(), task="binary")


@pytest.mark.parametrize("keep", [0, 10, 2000])
def test_refuses_a_file_cut_short(npz: Write, keep: int) -> None:
    path = npz()
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"cut short|damaged"):
        module.load(path)


def test_refuses_damaged_content(npz: Write, tmp_path: Path) -> None:
    arrays = layout()
    path = tmp_path / "damaged.npz"
    np.savez_compressed(path, **arrays)
    content = bytearray(path.read_bytes())
    content[200:400] = bytes(200)
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        module.load(path)


def test_refuses_an_official_name_with_another_content(npz: Write) -> None:
    with pytest.raises(InputError, match="750601b1f35ba3300ea97c75c52ff8f6"):
        module.load(npz("breastmnist.npz"))


def test_accepts_the_official_file(data_dir: Path, tmp_path: Path) -> None:
    shutil.copy(data_dir / "medmnist" / "breastmnist.npz", tmp_path / "other-name.npz")
    assert module.load(data_dir / "medmnist" / "breastmnist.npz").task == Binary()
    assert len(module.load(tmp_path / "other-name.npz").train) == 546


def test_normalization_spans_minus_one_to_one() -> None:
    assert normalize(torch.tensor([0, 255], dtype=torch.uint8)).tolist() == [-1, 1]


def test_a_stray_label_is_told(npz: Write, capsys: pytest.CaptureFixture[str]) -> None:
    labels = layout()["train_labels"]
    labels[0] = 7
    path = npz(train_labels=labels)
    assert module.load(path).task.n_classes == 8
    said = capsys.readouterr().err
    assert "the largest label makes 8 classes, but no training image is of class 3, 4, 5, 6;" in said
    with pytest.raises(InputError, match="labels run from 0 to 7; 3 classes are numbered 0 to 2"):
        module.load(path, n_classes=3)
    assert module.load(npz()).task.n_classes == 3
    assert not capsys.readouterr().err
