"""Copies of configs: quick, and in every field what OmegaConf itself copies."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hydra import initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import DictConfig, ListConfig, OmegaConf

from al_runner.config import resolvers  # noqa: F401
from al_runner.config.copying import COPIED

COMMAND = ["strategy=bald", "audit=maps", "+x={p: ???, q: [1, 2.5, [a]]}", "+x.r=${noted:a}"]


@pytest.fixture(scope="module")
def composed() -> Iterator[DictConfig]:
    """All that `conf/` and Hydra say, with something that a resolver has found and a flag set within."""
    with initialize_config_module("al_runner.conf", version_base="1.3"):
        loader: Any = GlobalHydra.instance().config_loader()
        config = loader.load_configuration("config", COMMAND, RunMode.MULTIRUN)
        OmegaConf.register_new_resolver("noted", lambda text: [text], use_cache=True, replace=True)
        assert config.x.r == ["a"]
        OmegaConf.set_readonly(config.hydra, True)
        yield config


def own_copy(config: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What OmegaConf copies, from before the quick copies."""
    with monkeypatch.context() as patch:
        for kind, method in COPIED.items():
            patch.setattr(kind, "__deepcopy__", method)
        return copy.deepcopy(config)


def fields(node: Any, path: str = "") -> Iterator[tuple[Any, ...]]:
    """All that is in a node and in those below it, but for its parent."""
    known = {**node.__dict__, "_parent": None, "_content": None}
    known["_flags_cache"] = None  # asked for again
    yield path, type(node), known
    content = node.__dict__.get("_content")
    inner = content.items() if isinstance(content, dict) else enumerate(content or ())
    if isinstance(content, str):
        yield path, content
        return
    for key, child in inner:
        assert child._get_parent() is node
        yield from fields(child, f"{path}.{key}")


@pytest.mark.parametrize("key", ["", "hydra", "strategy", "x.q", "seed"])
def test_a_copy_has_all_that_omegaconf_copies(
    composed: DictConfig, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    node: Any = composed
    for name in filter(None, key.split(".")):
        node = node._get_node(name)
    found, expected = copy.deepcopy(node), own_copy(node, monkeypatch)
    assert list(fields(found)) == list(fields(expected))
    assert found._get_parent() is expected._get_parent()


def test_a_copy_is_changed_alone(composed: DictConfig) -> None:
    found = copy.deepcopy(composed)
    found.x.q[2].append("b")
    OmegaConf.set_readonly(found.hydra, False)
    OmegaConf.get_cache(found)["noted"].clear()
    assert composed.x.q == [1, 2.5, ["a"]]
    assert OmegaConf.is_readonly(composed.hydra)
    assert OmegaConf.get_cache(composed)["noted"] != {}


@pytest.mark.parametrize("node", [DictConfig(None), DictConfig("???"), ListConfig(None), ListConfig("${a}")])
def test_what_holds_no_nodes_is_copied(node: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(fields(copy.deepcopy(node))) == list(fields(own_copy(node, monkeypatch)))
