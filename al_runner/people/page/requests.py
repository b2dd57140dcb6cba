"""What the browser may send: known keys, of known types, within bounds."""

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request

Reader = Annotated[
    str, StringConstraints(pattern=r"^\w[\w .\-]{0,15}$", to_upper=True, strip_whitespace=True)
]
"""Initials."""


class Sent(BaseModel):
    """A body: nothing else is in it, and nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    by: Reader
    round: Annotated[int, Field(ge=0)]


class SentAnswer(Sent):
    """An answer to the question at a place."""

    place: Annotated[int, Field(ge=0)]
    label: Annotated[str, StringConstraints(min_length=1, max_length=4000)]
    note: Annotated[str, StringConstraints(max_length=1000)] = ""
    seconds: Annotated[float, Field(ge=0, le=86_400)] | None = None


Body = TypeVar("Body", bound=Sent)


async def body(request: Request, kind: type[Body]) -> Body:
    """The request's body.

    Raises:
        HTTPException: it is not of this kind.
    """
    if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
        raise HTTPException(415, "Only application/json.")
    try:
        return kind.model_validate_json(await request.body())
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"])) or "the body"
        raise HTTPException(400, f"{where} is not as it must be.") from error


class _Named(BaseModel):
    by: Reader


def reader(request: Request) -> str:
    """The reader that a GET names.

    Raises:
        HTTPException: it names none.
    """
    try:
        return _Named(by=request.query_params.get("by", "")).by
    except ValidationError as error:
        raise HTTPException(400, "by is not as it must be: initials.") from error
