"""What the browser is told, as values that become JSON."""

from pathlib import Path
from typing import Any

from al_runner.data.formats.volume import is_volume
from al_runner.people.agreement import agreements
from al_runner.people.answers import Answer
from al_runner.people.page.desk import Desk
from al_runner.people.page.pictures import place_of
from al_runner.people.page.progress import COLUMNS, curve, last_confusion
from al_runner.people.page.session import Session


def state(desk: Desk, reader: str) -> dict[str, Any]:
    """The run and the round as a reader has them before them; the reader's next questions are kept free."""
    with desk.lock:
        status, session = desk.status(), desk.session()
        told: dict[str, Any] = {
            "state": status.state,
            "said": status.said,
            "round": None,
            "can_stop": desk.can_stop(status),
        }
        if session is not None:
            told |= _round(session, reader, status.state in ("label", "full"))
        return told


def _round(session: Session, reader: str, is_open: bool) -> dict[str, Any]:
    return {
        "round": session.asked.round,
        "total": len(session.places),
        "done": session.done,
        "queue": session.queue(reader) if is_open else [],
        "second_readings": session.second_readings,
        "seconds_left": session.seconds_left(reader),
    }


def beginning(desk: Desk, reader: str) -> dict[str, Any]:
    """The same, and what does not change while a round waits."""
    with desk.lock:
        session = desk.session()
        told = state(desk, reader)
        if session is not None:
            words = session.asked.words
            told["classes"], told["several"] = list(words.classes), words.several
            told["mine"] = [place for place, _ in session.mine(reader)]
        return told


def question(session: Session, reader: str, place: int, with_names: bool) -> dict[str, Any]:
    """A question: the reader's answer to it, and what kind of image it is."""
    asked = session.asked.questions[place]
    told: dict[str, Any] = {
        "answer": _answer(session.of(place).get(reader)),
        "volume": is_volume(session.asked.root / asked.sample),
        "has_guess": asked.guess is not None,
    }
    if with_names:
        told["name"], told["patient"] = asked.sample, asked.patient
    return told


def _answer(answer: Answer | None) -> dict[str, str] | None:
    return None if answer is None else {"label": answer.label, "note": answer.note}


def path_of(session: Session, place: int) -> Path:
    """The file of a question.

    Raises:
        InputError: it lies outside the folder of the images.
    """
    return place_of(session.asked.root, session.asked.questions[place].sample)


def summary(desk: Desk) -> dict[str, Any]:
    """Learning curve, confusions, and how far readers agree."""
    with desk.lock:
        session = desk.session() or desk.last
        words = session and session.asked.words
        agreed = agreements(session.standing, words) if session and words else []
    return {
        "metrics": list(COLUMNS),
        "curve": [point.told() for point in curve(desk.folder)],
        "confusion": last_confusion(desk.folder, words) if words else None,
        "agreements": [each.told() for each in agreed],
    }
