"""The ways to guess labels, by the names that a config knows them by."""

from collections.abc import Callable, Mapping
from typing import Any

from al_runner.errors import InputError, instead
from al_runner.learning.linear.guesses import KEY, SemiSupervised
from al_runner.learning.linear.label_spreading import LabelSpreading
from al_runner.learning.linear.pseudo_labels import PseudoLabels

WAYS: Mapping[str, Callable[..., SemiSupervised]] = {
    "pseudo_labels": PseudoLabels,
    "label_spreading": LabelSpreading,
}


def semi_supervised(asked: str | Mapping[str, Any] | None) -> SemiSupervised | None:
    """The way that a config asks for: by its name, or by its name and its options.

    Raises:
        InputError: there is none of that name, or it has no such option.
    """
    if asked is None:
        return None
    name, options = (asked, {}) if isinstance(asked, str) else next(iter(asked.items()), ("", {}))
    if name not in WAYS or (not isinstance(asked, str) and len(asked) != 1):
        raise InputError(f"{KEY}={asked}: null, or one of them; {instead(str(name), list(WAYS))}")
    try:
        return WAYS[name](**(options or {}))
    except TypeError as error:
        raise InputError(f"{KEY}.{name}: {error}") from error
