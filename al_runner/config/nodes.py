"""What the nodes of the typed config are made of."""

from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from al_runner.config.faults import as_typed

SWEEPS = "sweeps"
"""The folder of `hydra.sweep.dir` below output_dir."""
LARGEST_SEED = 2**32 - 1
"""The largest that every library takes."""


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


def data_node(data: dict[str, Any]) -> dict[str, Any]:
    """A data set's node, whose places are words and whose seeds, where it is one of ours, are whole numbers.

    Raises:
        ValueError: one is not; says which.
    """
    for key in ("root", "path"):
        if not isinstance(place := data.get(key, ""), str):
            raise ValueError(f"{key}={as_typed(place)} must be the name of a file or folder")
    ours = str(data.get("_target_", "")).startswith("al_runner.")
    for key in ("seed", "split_seed"):
        value = data.get(key, 0)
        is_seed = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_SEED
        if ours and not is_seed:
            raise ValueError(
                f"{key}={as_typed(value)} must be a whole number, at least 0 and at most {LARGEST_SEED}"
            )
    return data


def no_boolean(value: Any) -> Any:
    """A number, or a text that spells one, as an environment variable does; true is not 1.

    Raises:
        PydanticCustomError: it is true or false.
    """
    if isinstance(value, bool):
        raise PydanticCustomError("float_type", "Input should be a valid number")
    return value


Count = Annotated[int, Field(ge=1, strict=True)]
Number = Annotated[float, BeforeValidator(no_boolean), Field(allow_inf_nan=False)]
Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED, strict=True)]
Folder = Annotated[str, AfterValidator(below_output_dir)]
Part = Annotated[dict[str, Any], Field(min_length=1)]
Data = Annotated[Part, AfterValidator(data_node)]
ArmName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w .+-]*$")]
ValMetric = Annotated[str, Field(pattern=r"^val/\w+$")]


class Strict(BaseModel):
    """A config node that takes no key that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)
