"""What the nodes of the typed config are made of."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=1, strict=True)]
Seed = Annotated[int, Field(ge=0, strict=True)]
Part = Annotated[dict[str, Any], Field(min_length=1)]
ArmName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w .+-]*$")]
ValMetric = Annotated[str, Field(pattern=r"^val/\w+$")]


class Strict(BaseModel):
    """A config node that takes no key that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)
