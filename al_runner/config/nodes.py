"""What the nodes of the typed config are made of."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from al_runner.values import LARGEST, LARGEST_SEED, Percent

SWEEPS = "sweeps"
"""The folder of `hydra.sweep.dir` below output_dir."""


def below_output_dir(name: str) -> str:
    """A folder's path that stays below the folder that it is in.

    Raises:
        ValueError: it is empty, absolute, leads upwards, has characters that cannot be seen, or is taken.
    """
    parts = PurePosixPath(name).parts  # without `.` and double slashes
    if not name.isprintable() or not parts or any(part.strip() in ("", "/", "..") for part in parts):
        raise ValueError(f"{name!r} is no folder below output_dir, such as phantom or my_study/phantom")
    if parts[0] == SWEEPS:
        raise ValueError(f"{name!r} is where sweeps keep what became of their jobs; take another name")
    return "/".join(parts)


def part_node(value: Any, needs_target: bool = False) -> Any:
    """A node that something is made from.

    Args:
        value: as it was given.
        needs_target: without a `_target_`, it is none; nodes of the schema are told so in words of their own.

    Raises:
        PydanticCustomError: it is something else.
    """
    if not isinstance(value, Mapping) or not value or (needs_target and "_target_" not in value):
        raise PydanticCustomError("part_type", "Input should be a part's node, with a _target_")
    return value


def no_number(value: Any) -> Any:
    """A boolean, or a text that spells one, as an environment variable does; 1 is not true.

    Raises:
        PydanticCustomError: it is a number.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise PydanticCustomError("bool_type", "Input should be a valid boolean")
    return value


def no_boolean(value: Any) -> Any:
    """A number, or a text that spells one, as an environment variable does; true is not 1.

    Raises:
        PydanticCustomError: it is true or false.
    """
    if isinstance(value, bool):
        raise PydanticCustomError("float_type", "Input should be a valid number")
    return value


Count = Annotated[int, Field(ge=1, le=LARGEST, strict=True)]
Size = Count | Percent
"""Of samples: see `loop.share`."""
Flag = Annotated[bool, BeforeValidator(no_number)]
Number = Annotated[float, BeforeValidator(no_boolean), Field(allow_inf_nan=False)]
Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED, strict=True)]
Folder = Annotated[str, AfterValidator(below_output_dir)]
Part = Annotated[dict[str, Any], BeforeValidator(part_node)]
ArmName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w .+-]*$")]
ValMetric = Annotated[str, Field(pattern=r"^val/\w+$")]


class Strict(BaseModel):
    """A config node that takes no key that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)
