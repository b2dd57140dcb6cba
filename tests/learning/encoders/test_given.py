"""Features of a user's own: taken as they are, or refused in one line."""

from pathlib import Path

import numpy as np
import pytest

from al_runner.errors import InputError
from al_runner.learning.encoders.given import Given
from tests.learning.encoders.data import COUNTS, MACHINE, two_kinds


def arrays(dtype: str = "float32") -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=(n, 5)).astype(dtype) for name, n in COUNTS.items()}


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("kind", ["npz", "npy"])
def test_are_taken_as_they_are(dtype: str, kind: str, tmp_path: Path) -> None:
    content = arrays(dtype)
    np.savez(tmp_path / "all.npz", **content)
    for name, each in content.items():
        np.save(tmp_path / f"{name}.npy", each)
    one, each = str(tmp_path / "all.npz"), {name: str(tmp_path / f"{name}.npy") for name in content}
    found = Given(path=one if kind == "npz" else each).encode(two_kinds(), MACHINE)
    for name, expected in content.items():
        assert found.splits[name].numpy().tolist() == expected.astype("float32").tolist()


def nan() -> np.ndarray:
    content = arrays()["val"]
    content[3, 2] = np.nan
    return content


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"val": arrays()["val"][1:]},
            r"the val features have 9 rows of 5 numbers, dataset kinds has 10 val",
        ),
        ({"val": nan()}, r"the val features are not finite in 1 rows, first in row 3"),
        (
            {"test": np.ones((12, 4), np.float32)},
            r"different numbers of features: 5 in train, 5 in val, 4 in",
        ),
        ({"train": np.ones((40, 5), np.int64)}, r"the train features are int64 \[40, 5\]; floats \[N, D\]"),
        ({"train": np.ones(40)}, r"the train features are float64 \[40\]"),
        ({"train": np.ones((40, 0))}, r"have 40 rows of 0 numbers"),
        ({"train": None}, r"lacks train; it has val, test"),
        ({"train": np.array([{}] * 40, dtype=object)}, r"all\.npz is damaged: Object arrays"),
    ],
)
def test_what_does_not_fit_is_said(changed: dict[str, np.ndarray | None], said: str, tmp_path: Path) -> None:
    content = {name: each for name, each in {**arrays(), **changed}.items() if each is not None}
    np.savez(tmp_path / "all.npz", **content)
    with pytest.raises(InputError, match=said) as caught:
        Given(path=str(tmp_path / "all.npz")).encode(two_kinds(), MACHINE)
    assert "\n" not in str(caught.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*gone\.npz: No such file"):
        Given(path=str(tmp_path / "gone.npz")).encode(two_kinds(), MACHINE)
    (tmp_path / "bad.npz").write_bytes(b"no archive")
    with pytest.raises(InputError, match=r"bad\.npz is not an npz file"):
        Given(path=str(tmp_path / "bad.npz")).encode(two_kinds(), MACHINE)
    with pytest.raises(InputError, match=r"is not an \.npz file"):
        Given(path="features.npy")
    with pytest.raises(InputError, match="needs a file for each of train, val and test"):
        Given(path={"train": "a.npy"})


def test_have_no_weights_to_begin_with(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="encoder=features has no weights"):
        Given(path="any.npz").start(two_kinds(), MACHINE)
