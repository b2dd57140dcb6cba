"""Builds the parts of a run from the config's nodes that have a `_target_`."""

import copy
import inspect
import json
from collections.abc import Mapping
from functools import partial, reduce
from operator import getitem
from typing import TYPE_CHECKING, Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf, open_dict

from al_runner.config.identity import source_of
from al_runner.config.schema import to_dict
from al_runner.config.targets import check
from al_runner.errors import InputError

if TYPE_CHECKING:
    from al_runner.data.dataset import Dataset

DATASETS = ("dataset", "schedule.switch_dataset.dataset", "proxy.dataset")
OF_NO_DATA = (
    "posterior",
    "strategy",
    "schedule.initial",
    "audit.saliency",
    "oracle",
    "optimizer",
    "proxy.optimizer",
    "encoder",
    "head",
    "logger",
)
"""Parts that are made without data, so that values that do not go together are found before any are read."""
_last: dict[str, tuple[str, "Dataset"]] = {}
"""The data sets of this process's last job, if any, and what they were made from: the jobs of a sweep mostly
ask for the same ones again."""


class Parts:
    """Builds the nodes of one composed config.

    Args:
        composed: the config.
        plain: the same as plain values, if somebody has them already.
    """

    def __init__(self, composed: DictConfig, plain: Mapping[str, Any] | None = None) -> None:
        self.composed = composed
        self.plain = to_dict(composed) if plain is None else plain
        self._made: dict[str, Any] = {}

    def check(self) -> None:
        """Refuse what no part can be made from, before any data are read.

        Raises:
            InputError: names the key.
        """
        from al_runner.data.transforms import check_steps  # imports PyTorch, before which more is to be done

        plain = dict(self.plain)
        transforms = plain.pop("transforms")
        if plain["augmentation"]["placement"] != "none":  # else they need not be imported
            check(transforms, "transforms")
            self._made["transforms"] = self._build("transforms", {})
            check_steps(self._made["transforms"])
        check(plain, "")
        for name in OF_NO_DATA:
            node = OmegaConf.select(self.composed, name)
            if OmegaConf.is_dict(node) and node:
                self._made[name] = self._whole(name, node)

    def __call__(self, name: str, **arguments: Any) -> Any:
        """What the node `name` describes, made with further arguments; a data set is read once for all jobs.

        Raises:
            InputError: it cannot be made; says why.
        """
        if name in self._made:
            return self._made.pop(name)
        return self._dataset(name) if name in DATASETS else self._build(name, arguments)

    def _whole(self, name: str, node: DictConfig) -> Any:
        """A part that the run uses as it is."""
        if "_target_" not in node:
            raise InputError(f"{name} needs a _target_: the dotted name of a function or class")
        part = self._build(name, {})
        if isinstance(part, partial) and isinstance(part.func, type) and name != "oracle":
            raise InputError(f"{name}._partial_=true leaves {node['_target_']} unmade: leave it out")
        return part

    def _dataset(self, name: str) -> "Dataset":
        node = self._values(name)
        if "_target_" not in node:
            raise InputError(f"{name} needs a _target_: +dataset@{name}=organmnist takes one of conf/dataset")
        made_from = json.dumps([node, source_of(node)], default=str)
        if name not in _last or _last[name][0] != made_from:
            _last.pop(name, None)  # first, so that it is not in memory beside the next one
            _last[name] = made_from, self._build(name, {})
        return _last[name][1]

    def _build(self, name: str, arguments: Mapping[str, Any]) -> Any:
        node = OmegaConf.select(self.composed, name)
        check(self._values(name), name)
        try:
            part = instantiate(_converted(node), **arguments)
            if isinstance(part, partial):  # to be called later, so its keys are checked now
                inspect.signature(part.func).bind_partial(*part.args, **part.keywords)
            return part
        except TypeError as error:
            raise InputError(f"{name}: {error} in {node.get('_target_', 'one of them')}") from error
        except InstantiationException as error:
            cause = error.__cause__
            if isinstance(cause, InputError):
                raise cause from error
            said = " ".join(str(cause or error).split())
            raise InputError(said if said.startswith(f"{name}.") else f"{name}: {said}") from error

    def _values(self, name: str) -> Any:
        """A node as plain values."""
        return reduce(getitem, name.split("."), self.plain)


def _converted(node: Any) -> Any:
    """A part's node, so that Hydra gives the part lists and mappings, none of OmegaConf's.

    As an argument of `instantiate` it would cost as much as all else that does.
    """
    if not OmegaConf.is_dict(node):
        return node
    node = copy.deepcopy(node)
    with open_dict(node):
        node["_convert_"] = "all"
    return node
