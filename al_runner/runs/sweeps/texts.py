"""Configs as YAML, key by key: the jobs of a process have most of them in common, and writing one is slow."""

from collections.abc import Mapping
from typing import Any

import yaml
from hydra.conf import HydraConf
from omegaconf import DictConfig, OmegaConf
from omegaconf._utils import get_omega_conf_dumper

_texts: dict[tuple[str, str, str], str] = {}
"""What a key lies in, key, value → its lines."""


def yaml_of(config: DictConfig | HydraConf, inside: str = "") -> str:
    """A config as `OmegaConf.to_yaml` writes it, to the byte.

    Args:
        config: not empty.
        inside: a key that it is the value of; "" = there is none.
    """
    content: Any = OmegaConf.to_container(config, resolve=False, enum_to_str=True)
    lines = (_lines(inside, str(key), value) for key, value in content.items())
    return (f"{inside}:\n" if inside else "") + "".join(lines)


def _lines(inside: str, key: str, value: Any) -> str:
    """One of its keys."""
    known = (inside, key, repr(value))
    if known not in _texts:
        text = _dumped({inside: {key: value}} if inside else {key: value})
        _texts[known] = text.removeprefix(f"{inside}:\n") if inside else text
    return _texts[known]


def _dumped(content: Mapping[str, Any]) -> str:
    text: str = yaml.dump(
        content,
        default_flow_style=False,
        allow_unicode=True,
        sort_keys=False,
        Dumper=get_omega_conf_dumper(),
    )
    return text
