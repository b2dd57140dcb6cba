"""Builds the parts of a run from the config's nodes that have a `_target_`."""

import inspect
import json
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from al_runner.errors import InputError
from al_runner.identity import data_source
from al_runner.schema import to_dict

if TYPE_CHECKING:
    from al_runner.data.dataset import Dataset

_last: dict[str, "Dataset"] = {}
"""The data set of this process's last job, if any: the jobs of a sweep mostly ask for the same one again."""


class Parts:
    """Builds the nodes of one composed config."""

    def __init__(self, composed: DictConfig) -> None:
        self.composed = composed

    def __call__(self, name: str, **arguments: Any) -> Any:
        """What the node `name` describes, made with further arguments; a data set is read once for all jobs.

        Raises:
            InputError: it cannot be made; says why.
        """
        return self._dataset() if name == "dataset" else self._build(name, arguments)

    def _dataset(self) -> "Dataset":
        plain = to_dict(self.composed)
        key = json.dumps([plain["dataset"], data_source(plain)], default=str)
        if key not in _last:
            _last.clear()  # first, so that two data sets are never in memory at once
            _last[key] = self._build("dataset", {})
        return _last[key]

    def _build(self, name: str, arguments: Mapping[str, Any]) -> Any:
        node = OmegaConf.select(self.composed, name)
        try:
            part = instantiate(node, _convert_="all", **arguments)
            if isinstance(part, partial):  # to be called later, so its keys are checked now
                inspect.signature(part.func).bind_partial(*part.args, **part.keywords)
            return part
        except TypeError as error:
            raise InputError(f"{name}: {error} in {node.get('_target_', 'one of them')}") from error
        except InstantiationException as error:
            cause = error.__cause__
            if isinstance(cause, InputError):
                raise cause from error
            raise InputError(f"{name}: {' '.join(str(cause or error).split())}") from error
