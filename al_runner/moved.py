"""Where modules went: names that users' YAML files, code and run folders have from earlier versions.

An old name goes on working: it imports the module of today. A run's identity is made from the names of the
time before the move, so that runs keep their folders.
"""

import sys
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

ROOMS = {
    "config": "faults globs help identity nodes parts resolvers schedule_node schema",
    "loop": "cost criteria oracle pool schedule seeding switching",
    "runs": "build journal loggers proxy record review run",
    "runs.sweeps": "job stopping sweep threads",
    "learning": "encoders states",
    "models": "saliency",
    "data.formats": "dicom nifti pictures",
    "data.layouts": "findings grid image_table image_tree outlined samples volumes",
    "data.sets": "chexpert decathlon download glas glas_grades image_folder medmnist mouse_scans nifti_folder"
    " nih_chestxray14 npz organ_slices phantom phantom_ct",
}
"""Package → what moved into it from the package above it, or from the first floor."""
RENAMED = {"progress": "runs.display", "sweep_table": "runs.sweeps.table", "tasks": "data.tasks"}


def _table() -> dict[str, str]:
    """Old name → new name."""
    found = dict(RENAMED)
    for room, names in ROOMS.items():
        above = "data." if room.startswith("data.") else ""
        found |= {f"{above}{name}": f"{room}.{name}" for name in names.split()}
    return {f"al_runner.{old}": f"al_runner.{new}" for old, new in found.items()}


MOVED = _table()
BACK = {new: old for old, new in MOVED.items()}


def today(value: Any) -> Any:
    """A name as it is now; of a list or dict, the same with all names in it. What is no moved name stays."""
    return _renamed(value, MOVED)


def original(value: Any) -> Any:
    """The same with the names from before the move."""
    return _renamed(value, BACK)


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _renamed(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each, names) for each in value]
    if not isinstance(value, str) or not value.startswith("al_runner."):
        return value
    parts = value.split(".")
    for length in range(len(parts), 1, -1):
        if new := names.get(".".join(parts[:length])):
            return ".".join([new, *parts[length:]])
    return value


class MovedFinder(MetaPathFinder, Loader):
    """Imports a module of today under its old name. Asked last, so only for what is not found otherwise."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:  # noqa: ARG002
        """A spec for names that moved."""
        return ModuleSpec(fullname, self) if today(fullname) != fullname else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module itself, not a copy: its classes are the same under both names."""
        module = import_module(today(spec.name))
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Give the module back the spec of its own name, which the import system has just replaced."""
        if module.__spec__ is not None and module.__spec__.loader is self:
            module.__spec__ = module.__spec__.loader_state


def install() -> None:
    """Let old names be imported."""
    if not any(isinstance(finder, MovedFinder) for finder in sys.meta_path):
        sys.meta_path.append(MovedFinder())
