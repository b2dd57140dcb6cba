"""Defaults lists that Hydra reads in half of the time.

With each file, Hydra makes a config of all choices so far. It needs that only for a list in which one choice
is named by another, as in `- model: ${dataset}_default`.
"""

from collections.abc import Sequence

from hydra._internal import defaults_list
from hydra._internal.defaults_list import Overrides
from hydra.core.default_element import InputDefault
from omegaconf import DictConfig

choices = defaults_list._create_interpolation_map


def choices_where_needed(
    overrides: Overrides, defaults: Sequence[InputDefault], self_added: bool
) -> DictConfig:
    """The choices by which others are named; nothing where no other is."""
    if any(each.is_interpolation() for each in defaults if not each.is_self()):
        return choices(overrides, list(defaults), self_added)
    return DictConfig({})


defaults_list._create_interpolation_map = choices_where_needed
