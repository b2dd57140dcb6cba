"""Defaults lists that Hydra reads in half of the time.

With each file, Hydra makes a config of all choices so far. It needs that only for a list in which one choice
is named by another, as in `- model: ${dataset}_default`.
"""

from hydra._internal import defaults_list as lists
from hydra._internal.defaults_list import Overrides
from hydra.core.default_element import InputDefault
from omegaconf import DictConfig

choices = lists._create_interpolation_map


def choices_where_needed(
    overrides: Overrides, defaults_list: list[InputDefault], self_added: bool
) -> DictConfig:
    """The choices by which others are named; nothing where no other is."""
    if any(each.is_interpolation() for each in defaults_list if not each.is_self()):
        return choices(overrides, defaults_list, self_added)
    return DictConfig({})


lists._create_interpolation_map = choices_where_needed
