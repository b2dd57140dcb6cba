"""Copies of configs, quicker than OmegaConf makes them.

Hydra copies a job's config some ten times, all of it or parts of it, and OmegaConf copies a config node by
node: it makes an empty node, checks what is in it, and copies its metadata field by field. Here a copy's node
takes over all fields, and only what can change is copied.
"""

import copy
from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig, ListConfig
from omegaconf.base import Metadata, Node
from omegaconf.nodes import AnyNode, BooleanNode, FloatNode, IntegerNode, StringNode

KINDS: tuple[Any, ...] = (DictConfig, ListConfig, AnyNode, StringNode, IntegerNode, FloatNode, BooleanNode)
COPIED = {kind: kind.__deepcopy__ for kind in KINDS}
"""The kinds of nodes that configs mostly consist of → how OmegaConf copies them; others copy themselves."""


def _copied(node: Any, memo: dict[int, Any]) -> Any:
    """A node with all that is in it; its parent is the same one."""
    new = _like(node, node.__dict__)
    fields = new.__dict__
    fields["_metadata"] = _metadata_copied(fields["_metadata"], memo)
    fields["_flags_cache"] = None
    if isinstance(content := fields.get("_content"), dict):
        fields["_content"] = {key: _child(child, new, memo) for key, child in content.items()}
    elif isinstance(content, list):
        fields["_content"] = [_child(child, new, memo) for child in content]
    return new


def _child(node: Node, parent: Node, memo: dict[int, Any]) -> Node:
    """A copy of a node in another, without that one."""
    if type(node) in COPIED:
        new: Node = _copied(node, memo)
    else:
        fields = node.__dict__
        before, fields["_parent"] = fields["_parent"], None
        try:
            new = copy.deepcopy(node, memo)
        finally:
            fields["_parent"] = before
    new.__dict__["_parent"] = parent
    return new


def _metadata_copied(metadata: Metadata, memo: dict[int, Any]) -> Metadata:
    """Of its fields, flags and what resolvers found can change."""
    new: Metadata = _like(metadata, metadata.__dict__)
    new.flags = None if metadata.flags is None else metadata.flags.copy()
    found = metadata.resolver_cache
    new.resolver_cache = copy.deepcopy(found, memo) if found else found.copy()
    return new


def _like(one: Any, fields: Mapping[str, Any]) -> Any:
    """An object of the same class with these fields."""
    new = object.__new__(type(one))
    new.__dict__.update(fields)
    return new


for kind in KINDS:
    kind.__deepcopy__ = _copied
