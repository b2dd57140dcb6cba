"""Code of the user's own that a config names: no part of a run's identity, but whether it changed is told."""

import sysconfig
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from al_runner.files import digest, files_below

INSTALLED = tuple(
    Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib")
)
PACKAGES = {"site-packages", "dist-packages"}
"""Folders of installed packages, also those of another Python that this one sees, as clusters have them."""


def own_code(composed: Any) -> dict[str, str]:
    """Checksums of the modules and packages that `_target_`s name and that are not installed, by their names.

    Args:
        composed: the config as plain values.
    """
    names = {target.partition(".")[0] for target in _targets(composed)} - {"al_runner"}
    places = {name: place for name in sorted(names) if (place := _place(name)) is not None}
    return {name: _checksum(place) for name, place in places.items()}


def changed(before: Mapping[str, str] | None, now: Mapping[str, str]) -> list[str]:
    """The modules whose content is another one; none where it was not noted before."""
    return [] if before is None else [name for name in now if before.get(name, now[name]) != now[name]]


def _targets(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        if isinstance(target := node.get("_target_"), str):
            yield target
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from _targets(each)


def is_installed(module: str) -> bool:
    """Whether a module, given by its dotted name, is none of the user's own."""
    return _place(module.partition(".")[0]) is None


def _place(name: str) -> Path | None:
    """A module's file, or a package's folder; None where it is installed, or not to be found."""
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin is None or not Path(spec.origin).is_file():
        return None
    place = Path(spec.origin).resolve()
    if PACKAGES & set(place.parts) or any(place.is_relative_to(folder) for folder in INSTALLED):
        return None
    return place.parent if spec.submodule_search_locations else place


def _checksum(place: Path) -> str:
    """Of a file, or of all modules of a package."""
    if place.is_file():
        return digest(place)[:12]
    return "".join(digest(path)[:12] for path in files_below(place) if path.suffix == ".py")
