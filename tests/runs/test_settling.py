"""`precision=auto` is measured once: a run that goes on computes as it did."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch

from al_runner.config.parts import Parts
from al_runner.config.schema import Config, validate
from al_runner.learning.machine import Machine
from al_runner.learning.precision import Precision
from al_runner.runs import settling
from al_runner.runs.build import Setting, prepare
from al_runner.runs.settling import known, measured, settled
from tests.composing import composed

CLOCK: dict[Precision, float] = {"32": 3.0, "tf32": 2.0, "bf16": 1.0}
Asked = tuple[Setting, Config, Parts]


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    yield
    torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before


def asked(*overrides: str) -> Asked:
    config = composed("dataset=phantom", "trainer=cpu", *overrides)
    typed, parts = validate(config), Parts(config)
    return prepare(typed, parts), typed, parts


def on_a_gpu(of: Asked, monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int] = (9, 0)) -> Asked:
    """The same, as if it were on a card that is not there."""
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    setting, config, parts = of
    return replace(setting, machine=Machine(torch.device("cuda", 0), "tf32")), config, parts


def test_a_cpu_is_not_measured() -> None:
    setting, config, parts = asked()
    assert settled(setting, config, parts, {}) is setting


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        ({"precision": "bf16", "device": "card, bf16"}, "bf16"),
        ({"device": "NVIDIA H100, 80 GB, bf16"}, "bf16"),  # before the manifest had a word of its own for it
        ({"device": "CPU x86_64, 2 threads, 32", "precision": "32"}, "32"),
        ({"device": "something"}, None),
    ],
)
def test_what_a_manifest_says(session: dict[str, str], expected: str | None) -> None:
    assert known({"sessions": [{"device": "other, tf32"}, session]}) == expected
    assert known({}) is None


def test_a_run_that_goes_on_is_not_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> Precision:
        raise AssertionError

    monkeypatch.setattr(settling, "measured", never)
    setting, config, parts = on_a_gpu(asked(), monkeypatch)
    found = settled(setting, config, parts, {"sessions": [{"precision": "32"}]})
    assert found.machine.precision == "32"


def test_a_choice_that_this_card_lacks_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "measured", lambda *given: given[-1][-1])
    setting, config, parts = on_a_gpu(asked(), monkeypatch, (7, 5))
    assert settled(setting, config, parts, {"sessions": [{"precision": "bf16"}]}).machine.precision == "32"


def test_a_network_is_tried_in_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "seconds_of", lambda _learner, precision: CLOCK[precision])
    assert measured(*asked("model.width=2"), ("32", "tf32", "bf16")) == "bf16"
