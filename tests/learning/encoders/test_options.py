"""The files of conf/encoder say all there is to choose, with the defaults of the classes that they name."""

from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from hydra.utils import instantiate
from omegaconf import OmegaConf

from al_runner.learning.encoders.options import described, digest_of
from al_runner.learning.encoders.pretrained import Pretrained
from al_runner.learning.encoders.selfsupervised import SelfSupervised
from al_runner.learning.encoders.views import Views

CONF = Path(__file__).parents[3] / "conf" / "encoder"
OPTIONS = sorted(path.stem for path in CONF.glob("*.yaml") if path.stem != "none")
GIVEN = {"features": {"path": "any.npz"}, "state_file": {"file": "a.pt"}, "monai": {"file": "a.pt"},
         "torchscript": {"file": "a.pt"}}  # fmt: skip


def node_of(name: str) -> Any:
    GlobalHydra.instance().clear()
    with initialize_config_module("al_runner.conf", version_base="1.3"):
        node = compose(f"encoder/{name}").encoder
    return OmegaConf.merge(node, GIVEN.get(name, {}))


@pytest.mark.parametrize("name", OPTIONS)
def test_a_file_makes_its_encoder(name: str) -> None:
    node = node_of(name)
    encoder = instantiate(node, _convert_="all")
    assert callable(encoder.encode)
    assert callable(encoder.start)
    asked = {field.name: field for field in fields(encoder)}
    assert set(node) - {"_target_"} == set(asked), "every option, and no other"
    if isinstance(encoder, SelfSupervised | Pretrained):
        assert encoder.name == name
        assert str(encoder.cache_dir).endswith("/encoders")
    for key, field in asked.items():
        if field.default is not MISSING and (name, key) not in DIFFER:
            assert getattr(encoder, key) == field.default, key


DIFFER = {("mae", "weight_decay"), ("efficientnet_lite0", "size")}
"""What is chosen for a method, not for all."""


def test_there_are_as_many_as_promised() -> None:
    assert {"simclr", "barlow_twins", "dino", "mae", "torchvision", "timm", "features"} <= set(OPTIONS)


@pytest.mark.parametrize("name", OPTIONS)
def test_an_encoder_is_known_by_plain_values(name: str) -> None:
    first, second = (described(instantiate(node_of(name), _convert_="all")) for _ in range(2))
    assert digest_of(first) == digest_of(second)
    assert "cache_dir" not in first
    assert "0x" not in str(first), "no address of this process"


def test_another_value_is_another_encoder() -> None:
    node = node_of("simclr")
    found = {digest_of(described(instantiate(node, _convert_="all")))}
    for key, value in {"seed": 1, "views.flip": 0.1, "model.width": 9, "model.levels": 2}.items():
        changed = node.copy()
        OmegaConf.update(changed, key, value)
        found.add(digest_of(described(instantiate(changed, _convert_="all"))))
    elsewhere = node.copy()
    elsewhere.cache_dir = "/elsewhere"
    found.add(digest_of(described(instantiate(elsewhere, _convert_="all"))))
    assert len(found) == 5


def test_what_was_kept_outlives_a_move_of_its_module() -> None:
    assert described(Views())["target"] == "al_runner.encoders.views.Views"
