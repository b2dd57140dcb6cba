"""Defaults lists: read quickly, and in them what Hydra itself finds."""

from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir, initialize_config_module
from hydra._internal import defaults_list

from al_runner.config import defaults

FILES = {
    "config": "defaults: [_self_, dataset: mr, model: '${dataset}_net', optional more: '${dataset}']",
    "dataset/mr": "n: 1",
    "dataset/ct": "defaults: [/scale@scale: wide]\nn: 2",
    "model/mr_net": "width: 1",
    "model/ct_net": "width: 2",
    "scale/wide": "by: 3",
}


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], {"dataset": {"n": 1}, "model": {"width": 1}}),
        (["dataset=ct"], {"dataset": {"scale": {"by": 3}, "n": 2}, "model": {"width": 2}}),
        (["dataset=ct", "model=mr_net"], {"dataset": {"scale": {"by": 3}, "n": 2}, "model": {"width": 1}}),
    ],
)
def test_choices_named_by_others(
    words: list[str], found: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in FILES.items():
        path = tmp_path / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    with initialize_config_dir(str(tmp_path), version_base="1.3"):
        assert compose("config", words) == found
        monkeypatch.setattr(defaults_list, "_create_interpolation_map", defaults.choices)
        assert compose("config", words) == found


def test_hydra_makes_no_map_that_nobody_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    monkeypatch.setattr(defaults, "choices", lambda *given: made.append(given))
    with initialize_config_module("al_runner.conf", version_base="1.3"):
        assert compose("config", ["strategy=bald"]).strategy
    assert made == [], "none of conf/ names a choice by another"
