"""YAML, and what is written as `${...}` in it, are parsed once in a process.

Hydra reads the same twenty files two times for a run, and in a sweep for every choice of files again.
OmegaConf parses `${...}` when it looks whether text is well formed, and each time a value is asked for.
"""

import copy
import io
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from omegaconf import DictConfig, ListConfig, OmegaConf, _utils, base, grammar_parser

from al_runner.config import copying  # noqa: F401  so that it costs little

_own_load = OmegaConf.load
_parsed: dict[str, DictConfig | ListConfig] = {}
"""What a file says, as text → as a config."""


def load(file_: str | Path | IO[Any]) -> DictConfig | ListConfig:
    """What `OmegaConf.load` gives: a config of one's own."""
    if not isinstance(file_, io.TextIOBase) or not file_.seekable():
        return _own_load(file_)
    start, text = file_.tell(), file_.read()
    if text not in _parsed:
        file_.seek(start)  # a mistake is told with the file's name
        _parsed[text] = _own_load(file_)
    return copy.deepcopy(_parsed[text])


OmegaConf.load = staticmethod(load)  # type: ignore[method-assign]

interpolation = lru_cache(maxsize=4096)(grammar_parser.parse)
"""What text with `${...}` in it consists of: a tree that is only looked at."""
_utils.parse = base.parse = interpolation  # type: ignore[attr-defined]
