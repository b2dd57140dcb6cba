"""Values of parts are refused by the annotations of what they are for, before anything is made of them."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Optional, Protocol, TypedDict

import pytest
import torch
from annotated_types import Ge, Len

from al_runner.config.annotations import check_values, in_config
from al_runner.config.targets import check
from al_runner.data.sets import (
    chexpert,
    decathlon,
    glas,
    image_folder,
    mask_folder,
    medmnist,
    nih_chestxray14,
    npz,
    phantom,
    phantom_ct,
    unlabeled,
)
from al_runner.errors import InputError
from al_runner.models import alda, monai_segmentation, unet, vision


class Level(Enum):
    """An enumeration, which a config cannot hold."""

    LOW = 1


class Kernel(Protocol):
    """Something that is called."""

    def __call__(self, values: torch.Tensor) -> torch.Tensor: ...


class Limits(TypedDict):
    """A mapping."""

    low: float


def annotated(
    count: int = 1,
    share: float = 0.5,
    name: str = "x",
    is_on: bool = False,
    path: Path = Path(),
    either: float | Literal["auto"] = "auto",
    one: Literal[1, 3] = 1,
    pair: tuple[float, float] = (0, 1),
    many: Sequence[int] = (),
    any_number: Iterable[float] = (),
    of_names: Mapping[str, Annotated[int, Ge(1)]] | None = None,
    nested: Annotated[Sequence[Annotated[Sequence[float], Len(1)]], Len(2)] = (),
    implicit: int = None,  # type: ignore[assignment]  # noqa: RUF013
    optional: Optional[int] = None,  # noqa: UP045
    kernel: Kernel | None = None,
    function: Callable[[int], int] | None = None,
    tensor: torch.Tensor | None = None,
    level: Level | None = None,
    limits: Limits | None = None,
    anything: Any = None,
    unknown: "NotThere" = None,  # type: ignore[name-defined]  # noqa: F821
    plain=None,  # type: ignore[no-untyped-def]
    **others: int,
) -> None:
    """Takes one of each."""


NODE = {"_target_": "builtins.dict"}
TAKEN: dict[str, list[Any]] = {
    "count": [0, -3, 2**53],
    "share": [1, 0.5, -2.0],
    "name": ["", "a", "nan"],
    "is_on": [True, False],
    "path": ["a/b"],
    "either": ["auto", 1, 0.5],
    "one": [1, 3],
    "pair": [[0, 1], [0.5, 2]],
    "many": [[], [1, 2, 3]],
    "any_number": [[1, 0.5]],
    "of_names": [None, {}, {"a": 1}],
    "nested": [[[1], [2, 3]]],
    "implicit": [None, 3],
    "optional": [None, 3],
    "kernel": [None, NODE],
    "function": [None, NODE],
    "tensor": [None, NODE],
    "level": [None, 1, "LOW"],
    "limits": [None, {"low": 1}],
    "anything": [None, 1, "x", [], {}],
    "unknown": [None, 1],
    "plain": [None, 1],
    "others": ["a word: further keys are a library's"],
}
REFUSED: dict[str, dict[str, list[Any]]] = {
    "count": {
        "must be a whole number": [None, True, 1.0, "x", [], [1], {}, NODE, math.nan],
        "at most": [2**60],
    },
    "share": {"must be a number": [None, True, "x", [], {}], "not infinite": [math.nan, math.inf, -math.inf]},
    "name": {"is a number: with quotes": [1, 0.5], "must be a word": [None, True, [], {}]},
    "is_on": {"must be true or false": [None, 0, 1, "true", []]},
    "path": {"must be a word": [None, []], "a word of at least 1": [""]},
    "either": {"must be a number or 'auto'": [None, True, []], "did you mean auto?": ["aut"]},
    "one": {"must be 1 or 3": [None, True, 1.0, 2, "1", [1]]},
    "pair": {"must be a list": [None, 1, "ab", {}], "must be a number": [[0, True], [0, "1"]]},
    "many": {"must be a list": [None, 1, "ab", {}], "must be a whole number": [[1.5], [True], [[1]]]},
    "any_number": {"must be a number": [["x"], [None]]},
    "of_names": {"{key: value, …}": [1, "x", [1]], r"of_names\.a=0 must be at least 1": [{"a": 0}]},
    "nested": {"a list of at least 2": [[], [[1]]], "a list of at least 1": [[[1], []]]},
    "implicit": {"must be a whole number": ["x"]},
    "kernel": {"a part's node, with a _target_": [1, "x", {}, {"a": 1}, []]},
    "function": {"a part's node, with a _target_": [1, "x"]},
    "tensor": {"a part's node, with a _target_": [1, "x", [1]]},
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_fits_is_taken(name: str) -> None:
    for value in TAKEN[name]:
        check_values(annotated, {name: value}, "part")


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_in_one_line(name: str) -> None:
    for words, values in REFUSED[name].items():
        for value in values:
            with pytest.raises(InputError, match=words) as error:
                check_values(annotated, {name: value}, "part")
            assert str(error.value).startswith(f"part.{name}")
            assert "\n" not in str(error.value)


def test_a_list_of_many_faults_is_said_once() -> None:
    with pytest.raises(InputError) as error:
        check_values(annotated, {"many": [0.5, "x", None]}, "part")
    assert str(error.value) == "part.many=0.5 must be a whole number"


def test_what_cannot_be_seen_is_written_so() -> None:
    with pytest.raises(InputError) as error:
        check_values(annotated, {"one": "a\nb"}, "part")
    assert str(error.value) == r"part.one='a\nb' must be 1 or 3"


def test_a_library_may_take_longer_tuples_than_it_says() -> None:
    from pydantic import TypeAdapter

    shear = TypeAdapter(in_config(float | tuple[float, float], is_loose=True))
    assert shear.validate_python([1, 2, 3, 4]) == [1, 2, 3, 4]
    check_values(torch.optim.AdamW, {"betas": [0.9, 0.99]}, "optimizer.algorithm")


def test_hydras_own_keys_and_missing_arguments() -> None:
    node: dict[str, Any] = {"_target_": "al_runner.strategies.uncertainty.Uncertainty"}
    with pytest.raises(InputError, match=r"strategy\.acquisition must be given: al_runner.* needs it"):
        check(node, "strategy")
    check({**node, "_partial_": True}, "strategy")
    for key, value in (("_partial_", "x"), ("_convert_", "x"), ("_recursive_", 1), ("_args_", 1)):
        with pytest.raises(InputError, match=f"strategy.{key}="):
            check({**node, "acquisition": NODE, key: value}, "strategy")


@pytest.mark.parametrize("target", [dict, torch.zeros])
def test_what_cannot_be_told_is_left_to_the_target(target: Callable[..., Any]) -> None:
    check_values(target, {"network": 1, "a": []}, "part")


@pytest.mark.parametrize(
    ("target", "options", "words"),
    [
        (glas.load, {"test": "C"}, "dataset.test=C must be 'both', 'A' or 'B'"),
        (glas.load, {"val_share": 1}, "dataset.val_share=1 must be below 1"),
        (glas.load, {"shape": [16]}, r"dataset.shape=\[16\] must be a list of at least 2"),
        (phantom.load, {"n_val": 0}, "dataset.n_val=0 must be at least 1"),
        (phantom_ct.load, {"shape": [8, 32, 32]}, "dataset.shape=8 must be at least 16"),
        (phantom_ct.load, {"shape": [32, 32]}, "a list of at least 3"),
        (phantom_ct.load, {"noise": -1.0}, "dataset.noise=-1.0 must be at least 0"),
        (image_folder.load, {"channels": 2}, "dataset.channels=2 must be 1 or 3"),
        (image_folder.load, {"image_size": 0}, "dataset.image_size=0 must be at least 1"),
        (image_folder.load, {"split": [0.5, 0.5]}, "a list of at least 3"),
        (image_folder.load, {"split": [1, 0, 0]}, "dataset.split=0 must be above 0"),
        (image_folder.load, {"per_class": {"a": 0}}, "dataset.per_class.a=0 must be at least 1"),
        (
            image_folder.load,
            {"per_class": "none"},
            "per_class=none must be a whole number or a share such as 10% or 'all' or",
        ),
        (image_folder.load, {"white": 0}, "dataset.white=0 must be at least 1"),
        (image_folder.load, {"on_error": "ignore"}, "dataset.on_error=ignore must be 'fail' or 'skip'"),
        (medmnist.load, {"against": "none"}, "dataset.against=none must be 'no_finding' or 'rest'"),
        (medmnist.load, {"size": 29}, "dataset.size=29 must be 28, 64, 128 or 224"),
        (npz.load, {"task": "mulitclass"}, "dataset.task=mulitclass: did you mean multiclass?"),
        (npz.load, {"n_classes": 0}, "dataset.n_classes=0 must be at least 1"),
        (mask_folder.load, {"labels": {0: "no", 2**16: "yes"}}, "its key 65536 must be at most 65535"),
        (unlabeled.load, {"test_size": 0}, "dataset.test_size=0 must be at least 1 or a share such as 10%"),
        (unlabeled.load, {"test_size": "0%"}, "or a share above 0% and at most 100%"),
        (decathlon.load, {"fit": "stretch"}, "dataset.fit=stretch must be 'pad' or 'resize'"),
        (decathlon.load, {"shape": [8, 8]}, "a list of at least 3"),
        (decathlon.load, {"spacing": [1.0, 0.0, 1.0]}, "dataset.spacing=0.0 must be above 0"),
        (
            nih_chestxray14.load,
            {"positives": 0},
            "positives=0 must be at least 1 or a share such as 10% or 'all'",
        ),
        (nih_chestxray14.load, {"negatives_per_positive": 0}, "must be above 0"),
        (nih_chestxray14.load, {"tables": "a.csv"}, "dataset.tables=a.csv must be a list"),
        (chexpert.load, {"uncertain": "maybe"}, "must be 'positive', 'negative' or 'ignore'"),
        (unet.unet, {"norm": "layer"}, "dataset.norm=layer must be 'instance' or 'batch'"),
        (monai_segmentation.segresnet, {"width": 12}, "must be a multiple of 8"),
        (monai_segmentation.segresnet, {"blocks": [1, 0]}, "dataset.blocks=0 must be at least 1"),
        (alda.alda_cnn, {"width": 0}, "must be at least 1"),
        (vision.resnet, {"stem": "large"}, "must be 'auto', 'small' or 'imagenet'"),
        (vision.resnet, {"base_width": 2.5}, "must be a whole number"),
    ],
)
def test_ranges_of_ours(target: Callable[..., Any], options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        check_values(target, options, "dataset")
