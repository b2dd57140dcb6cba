"""Checks of strategies."""

from collections.abc import Iterable, Mapping

import torch

from al_runner.errors import InputError
from al_runner.loop.protocols import Learner
from al_runner.models.saliency.base import Saliency
from al_runner.strategies.nested import nested


def declares(strategy: object, need: str) -> bool:
    """Whether a strategy, or one that it is around, has an attribute `need` that is true."""
    return any(getattr(each, need, False) for each in nested(strategy))


def check_pixels(strategy: object, dense: bool, several: bool = False) -> None:
    """Refuse a strategy that is not for such data, or that is around such a one.

    Args:
        strategy: any; what it says of itself is `not_for_pixels`, `only_for_pixels` or `not_for_overlaps`,
            and why.
        dense: a label says something of every pixel.
        several: a pixel may have several labels.

    Raises:
        InputError: says why.
    """
    for each in nested(strategy):
        name = type(each).__name__
        if dense and (why := getattr(each, "not_for_pixels", "")):
            raise InputError(
                f"the strategy {name} is not for segmentation: {why}; entropy, bald and k_center are, or let "
                "it ask a proxy, a classifier of the same images (proxy=glas_grades)"
            )
        if dense and several and (why := getattr(each, "not_for_overlaps", "")):
            raise InputError(
                f"the strategy {name} is not for labels that overlap: {why}; entropy, bald and k_center are"
            )
        if not dense and (why := getattr(each, "only_for_pixels", "")):
            raise InputError(f"the strategy {name} is for segmentation: {why}, and here there are no masks")


def maps_of(strategy: object) -> list[Saliency]:
    """The saliency methods whose maps a strategy, and those that it is around, ask for: their `maps_by`."""
    return [maps_by for each in nested(strategy) if (maps_by := getattr(each, "maps_by", None)) is not None]


def check_maps(learner: Learner, methods: Mapping[str, Iterable[Saliency]]) -> None:
    """Try on one sample what parts of a run make saliency maps by.

    Raises:
        InputError: there are no such maps of the learner's data or network; names the part.
    """
    for part, found in methods.items():
        try:
            for method in found:
                learner.saliency(torch.arange(1), method)
        except InputError as error:
            raise InputError(f"{part}: {error}") from error
