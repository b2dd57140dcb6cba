"""Annotations as Label Studio exports them (JSON, JSON-MIN) → answers.

Formats: https://labelstud.io/guide/export#Label-Studio-JSON-format-of-annotated-tasks.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from al_runner.data.words import BETWEEN, CANNOT_TELL, NONE
from al_runner.errors import InputError
from al_runner.people.answers import Answer, Answers, samples_of, writable
from al_runner.people.asked import Asked
from al_runner.people.checked import checked
from al_runner.people.label_studio.tasks import CHOICES, NOTE

VIA = "label-studio"

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Person(BaseModel):
    """Who completed an annotation, where the export tells more than a number; JSON-MIN has the address."""

    email: str


class _Value(BaseModel):
    choices: list[str] = []
    text: str | list[str] = []


class _Result(BaseModel):
    from_name: str = ""
    value: _Value = _Value()


class _Annotation(BaseModel):
    """What the two formats tell of an annotation."""

    created_at: datetime | None = None
    updated_at: datetime | None = None
    lead_time: Seconds | None = None


class _Full(_Annotation):
    result: list[_Result] | None = None
    was_cancelled: bool = False
    completed_by: _Person | int | None = None


class _Data(BaseModel):
    sample: str


class _Task(BaseModel):
    """JSON: a task with its annotations."""

    data: _Data
    annotations: list[_Full] = []


class _Min(_Annotation):
    """JSON-MIN: an annotation with the data of its task; one choice is its name."""

    sample: str
    label: str | _Value | list[str | _Value] = []
    note: str | _Value | list[str | _Value] = []
    annotator: int | str | None = None


def read(path: Path) -> object:
    """What a file holds.

    Raises:
        InputError: it cannot be read, or is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON: export as JSON or JSON-MIN in Label Studio") from error


def new(told: object, source: str, asked: Asked, answers: Answers) -> list[Answer]:
    """The answers that annotations hold beyond those that are known, the first ones first.

    A reader has one answer for a sample; others may have others. Skipped tasks are no answers. Samples of
    earlier rounds may be among them, as a project keeps its tasks. A reader who changed an answer since it
    was taken corrects it, as on the page, as long as the sample is asked for.

    Args:
        told: as Label Studio exports it.
        source: where it comes from, to be said if it does not fit.
        asked: what is waited for.
        answers: what is known.

    Raises:
        InputError: it is none of the formats, a sample that was never asked for, a label that is none, or a
            reader who gives two answers. Names the task; none of the answers counts.
    """
    known = [each for readers in answers.of_readers().values() for each in readers.values()]
    samples = {each.sample for each in asked.questions} | samples_of(answers.lines)
    given = list(_given(told, source))
    changed = {(answer.sample, answer.by): at for _, answer, at in given}
    in_order = sorted(((where, answer) for where, answer, _ in given), key=lambda found: found[1].at)
    open_ = {each.sample for each in asked.questions}

    def corrected(before: Answer, said: Answer) -> Answer | None:
        if (at := changed[said.sample, said.by]) <= before.at:
            _mention(f"{said.sample} was {said.label} before it was {before.label}, which stays")
            return None
        if said.sample not in open_:
            _mention(
                f"{said.sample} stays {before.label}: it is not asked any more, and {said.label} comes late"
            )
            return None
        more = None if said.seconds is None else max(0.0, said.seconds - (before.seconds or 0.0))
        return replace(said, at=at, seconds=more)  # Label Studio counts the time from the beginning

    return checked(
        in_order, asked.words, samples, known, lambda answer: (answer.sample, answer.by), corrected
    )


def _mention(said: str) -> None:
    print(f"al-label: {said}", file=sys.stderr)


def _given(told: object, source: str) -> Iterator[tuple[str, Answer, str]]:
    """Where each answer was found, the answer, and when it was changed last."""
    if not isinstance(told, list):
        raise InputError(f"{source} holds no list of tasks: export as JSON or JSON-MIN in Label Studio")
    for place, item in enumerate(told, 1):
        if not isinstance(item, Mapping):
            raise InputError(f"{source}: item {place} is no task, but {json.dumps(item)[:40]}")
        where = f"{source}: task {item['id']}" if "id" in item else f"{source}: item {place}"
        try:
            found = _of_task(item, where) if "data" in item or "annotations" in item else _of_min(item)
        except ValidationError as error:
            raise InputError(f"{where}: {_first(error)}") from error
        for answer, choices, at in found:
            yield where, _one(answer, choices, where), at


def _of_task(item: Mapping[str, Any], where: str) -> list[tuple[Answer, list[str], str]]:
    """The answers in a task of JSON, what each chooses, and when it was changed last."""
    task = _Task.model_validate(item)
    found = []
    for each in task.annotations:
        if each.was_cancelled or not (choices := _chosen(each.result or [], where)):
            continue
        note = [one.value for one in each.result or [] if one.from_name == NOTE]
        by = each.completed_by.email if isinstance(each.completed_by, _Person) else each.completed_by
        found.append((_answer(task.data.sample, each, by, _texts(note)), choices, _changed(each)))
    return found


def _chosen(results: list[_Result], where: str) -> list[str]:
    """The choices of an annotation.

    Raises:
        InputError: it was made with another labeling interface.
    """
    named = {one.from_name: one.value.choices for one in results if one.value.choices}
    if other := named.keys() - {CHOICES}:
        raise InputError(
            f"{where}: its choices are called {min(other)}, not {CHOICES}, as `export` calls them"
        )
    return named.get(CHOICES, [])


def _of_min(item: Mapping[str, Any]) -> list[tuple[Answer, list[str], str]]:
    """The same of an item of JSON-MIN."""
    each = _Min.model_validate(item)
    choices = _texts(each.label)
    if not choices:
        return []
    return [(_answer(each.sample, each, each.annotator, _texts(each.note)), choices, _changed(each))]


def _texts(value: str | _Value | list[_Value] | list[str | _Value]) -> list[str]:
    """What was chosen or written, however it is nested."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return value.choices + ([value.text] if isinstance(value.text, str) else value.text)


def _answer(sample: str, told: _Annotation, by: int | str | None, note: list[str]) -> Answer:
    """An answer without its label. A reader is called what both formats tell: mostly a number."""
    name = "" if by in (None, "None") else str(by)  # "None": so says JSON-MIN of an account that is gone
    at, words = _utc(told.created_at), writable(" ".join(note))
    return Answer(sample, "", writable(name), at, told.lead_time, words, VIA)


def _changed(told: _Annotation) -> str:
    return _utc(told.updated_at or told.created_at)


def _utc(at: datetime | None) -> str:
    if at is None:
        return ""
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).isoformat(timespec="milliseconds")


def _one(answer: Answer, choices: list[str], where: str) -> Answer:
    """With the label as people would write it."""
    alone = [name for name in choices if name in (CANNOT_TELL, NONE)]
    if alone and len(set(choices)) > 1:
        raise InputError(f"{where}: {answer.sample} is {' and '.join(choices)}; {alone[0]} stands alone")
    return Answer(**{**vars(answer), "label": BETWEEN.join(choices)})


def _first(error: ValidationError) -> str:
    """What does not fit the format, and where in the task."""
    fault = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, fault['loc'])) or 'it'}: {' '.join(fault['msg'].split())}"
