"""`dataset.json`, in which the Medical Segmentation Decathlon and nnU-Net describe a set."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from al_runner.errors import InputError

NAME = "dataset.json"
LIKE = '{"background": 0, "liver": 1} or {"0": "background", "1": "liver"}'
REGIONS = '{"background": 0, "whole tumor": [1, 2], "tumor core": 2}'
IGNORED = "ignore"
"""What nnU-Net calls voxels that are not to be learned from."""


@dataclass(frozen=True)
class Described:
    """What the file says.

    Attributes:
        path: of it.
        content: all of it.
    """

    path: Path
    content: Mapping[str, Any]

    @classmethod
    def read(cls, root: Path, *needed: str) -> "Described":
        """The file in a folder.

        Args:
            root: the folder.
            needed: keys that it must have.

        Raises:
            InputError: it is not there, is not JSON, or lacks something.
        """
        path = root / NAME
        try:
            content = json.loads(path.read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise InputError(
                f"cannot read {path}: {error.strerror or error}; it comes with the set"
            ) from error
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path} is not JSON: {error}") from error
        if not isinstance(content, dict) or (missing := [key for key in needed if not content.get(key)]):
            lacking = ", ".join(missing) if isinstance(content, dict) else ", ".join(needed)
            raise InputError(f"{path} lacks {lacking}")
        return cls(path, content)

    @property
    def labels(self) -> dict[int, str]:
        """Value → name, in the order of values: a JSON object has none.

        Raises:
            InputError: they are of another form, overlap, or one is to be ignored.
        """
        declared = self._declared()
        if self.regions:
            raise InputError(
                f"{self.path}: {next(iter(self.regions))} in labels is a region of several values, which may "
                "overlap with others: dataset=nnunet reads them"
            )
        pairs = dict(filter(None, (_pair(key, value) for key, value in declared.items())))
        if 0 not in pairs or len(pairs) < len(declared):
            raise InputError(f"{self.path}: labels must be like {LIKE}")
        return dict(sorted(pairs.items()))

    @property
    def regions(self) -> dict[str, list[int]]:
        """Name → values, of labels that may overlap (nnU-Net's regions); {} = they exclude each other.

        Raises:
            InputError: they are of another form, or one is to be ignored.
        """
        declared = self._declared()
        if not any(isinstance(value, list) for value in declared.values()):
            return {}
        several = {
            str(name): value if isinstance(value, list) else [value]
            for name, value in declared.items()
            if value not in (0, [0])
        }
        if not all(values and {type(each) for each in values} == {int} for values in several.values()):
            raise InputError(f"{self.path}: regions in labels must be like {REGIONS}")
        return several

    def _declared(self) -> Mapping[Any, Any]:
        """The labels as they stand there."""
        declared = self.content.get("labels")
        if not _is_object(declared):
            raise InputError(f"{self.path}: labels must be like {LIKE}")
        if IGNORED in map(str.casefold, map(str, declared)):
            raise InputError(
                f"{self.path}: voxels with the label {IGNORED} would count as a class of their own"
            )
        return declared

    @property
    def channels(self) -> list[str]:
        """The names of an image's channels, in order, as nnU-Net's second version or earlier ones name them.

        Raises:
            InputError: they are not numbered from 0.
        """
        key = "channel_names" if "channel_names" in self.content else "modality"
        declared = self.content.get(key)
        named = (
            {_number(number): str(name) for number, name in declared.items()} if _is_object(declared) else {}
        )
        numbers = [str(number) for number in range(len(named))]
        if not named or {*numbers} != {*named}:
            raise InputError(f'{self.path}: {key} must be like {{"0": "T1", "1": "T2"}}')
        return [named[number] for number in numbers]


def _number(text: Any) -> str:
    """A number without zeros before it, which some write as they do in the names of files."""
    return str(text).lstrip("0") or "0"


def _is_object(value: Any) -> TypeGuard[Mapping[Any, Any]]:
    """Of JSON's."""
    return isinstance(value, Mapping)


def _pair(key: Any, value: Any) -> tuple[int, str] | None:
    """A value and its name, whichever of them comes first; None = neither is a value."""
    for number, name in ((key, value), (value, key)):
        try:
            return int(number), str(name)
        except (TypeError, ValueError):
            continue
    return None
