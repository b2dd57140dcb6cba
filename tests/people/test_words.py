import pytest
import torch

from al_runner.data.words import CANNOT_TELL, NONE, Words
from al_runner.errors import InputError

TWO = Words(("normal", "pneumonia"))
FINDINGS = Words(("mass", "nodule", "old scar"), several=True)


@pytest.mark.parametrize(
    ("text", "label"),
    [("normal", "normal"), (" NORMAL ", "normal"), ("Cannot_Tell", CANNOT_TELL), ("pneumonia", "pneumonia")],
)
def test_one_label_as_people_spell_it(text: str, label: str) -> None:
    assert TWO.label(text) == label


@pytest.mark.parametrize(
    ("text", "label", "target"),
    [
        ("nodule; MASS", "mass;nodule", [1, 1, 0]), ("old_scar", "old scar", [0, 0, 1]),
        ("mass;mass", "mass", [1, 0, 0]), ("None", NONE, [0, 0, 0]),
        ("cannot tell", CANNOT_TELL, [-2, -2, -2]),
    ],
)  # fmt: skip
def test_several_labels(text: str, label: str, target: list[int]) -> None:
    assert FINDINGS.label(text) == label
    assert FINDINGS.target(label) == target
    assert FINDINGS.describe(torch.tensor(target)) == label


def test_what_is_no_label_is_said() -> None:
    with pytest.raises(ValueError, match="flu is not one of normal, pneumonia, cannot tell"):
        TWO.label("flu")
    with pytest.raises(ValueError, match="cyst is not one of mass, nodule, old scar, none, cannot tell"):
        FINDINGS.label("mass;cyst")
    with pytest.raises(ValueError, match="is not one of"):
        TWO.label("none")


@pytest.mark.parametrize(
    "classes",
    [("normal",), ("normal", "Normal"), ("a;b", "c"), ("cannot tell", "c"), ("none", "c"), ("", "c"), ()],
)
def test_names_that_cannot_be_told_apart_are_refused(classes: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match=r"dataset\.classes"):
        Words(classes)


def test_targets_go_there_and_back() -> None:
    for label in (*TWO.classes, CANNOT_TELL):
        assert TWO.describe(torch.tensor(TWO.target(label))) == label
