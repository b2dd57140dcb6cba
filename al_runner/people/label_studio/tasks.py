"""What a run asks, as Label Studio has it: tasks, the labeling interface, and where the images are.

Formats: https://labelstud.io/guide/tasks and https://labelstud.io/tags/choices.
"""

import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from al_runner.data.words import CANNOT_TELL, NONE, Words
from al_runner.errors import InputError
from al_runner.people.asked import Asked, Question

CHOICES, IMAGE, NOTE = "label", "image", "note"
"""Names in the labeling interface, and so in annotations."""
SAMPLE = "sample"
"""The name of the sample in a task's data."""
SHOWN = (".bmp", ".jpeg", ".jpg", ".png", ".webp")
"""Label Studio leaves images to the browser, and these are the ones that browsers show."""

Address = Callable[[str], str]
"""A sample → where Label Studio finds its image."""


def folder(asked: Asked, document_root: Path | None) -> Path:
    """The folder from which Label Studio serves local files: by default the one above the images.

    Raises:
        InputError: it is not above the images. Label Studio serves none that lie in that folder itself.
    """
    if document_root is None:
        return asked.root.parent
    above = Path(os.path.abspath(document_root))  # noqa: PTH100  with "..", without following links
    if above not in asked.root.parents:
        raise InputError(f"--document-root {document_root} is no folder above {asked.root}")
    return above


def local(asked: Asked, document_root: Path) -> Address:
    """Images that Label Studio serves itself.

    Source: https://labelstud.io/guide/storage#Local-storage.
    """
    below = PurePosixPath(asked.root.relative_to(document_root).as_posix())
    return lambda sample: f"/data/local-files/?d={quote(str(below / sample))}"


def at_url(prefix: str) -> Address:
    """Images below an address.

    Raises:
        InputError: it is none.
    """
    if not prefix.startswith(("http://", "https://", "/")):
        raise InputError(
            f"--image-url {prefix}: an address is expected, such as https://images.example/scans"
        )
    return lambda sample: f"{prefix.rstrip('/')}/{quote(sample)}"


def tasks(asked: Asked, address: Address, guess: bool = False) -> list[dict[str, Any]]:
    """A task for each question, in their order: an import file of Label Studio.

    Args:
        asked: what a run asks.
        address: where the images are.
        guess: show the model's guess as a pre-annotation. It biases who sees it.

    Raises:
        InputError: an image that browsers do not show, or no guess where it is wanted.
    """
    if guess and not any(each.guess for each in asked.questions):
        why = "an image may have several labels" if asked.words.several else "no model has learned yet"
        raise InputError(f"--guess: there is none in round {asked.round}, as {why}")
    return [_task(asked, each, address, guess) for each in asked.questions]


def _task(asked: Asked, question: Question, address: Address, guess: bool) -> dict[str, Any]:
    if PurePosixPath(question.sample).suffix.lower() not in SHOWN:
        raise InputError(f"Label Studio cannot show {question.sample}, only {', '.join(SHOWN)}; al-label can")
    told: dict[str, Any] = {
        "data": {
            IMAGE: address(question.sample),
            SAMPLE: question.sample,
            "index": question.index,
            "split": question.split,
        }
    }
    if guess and question.guess:
        told["predictions"] = [_prediction(asked, question.guess)]
    return told


def _prediction(asked: Asked, probs: tuple[float, ...]) -> dict[str, Any]:
    """The most likely class, with its probability as the score."""
    score = max(probs)
    name = asked.words.classes[probs.index(score)]
    chosen = {"from_name": CHOICES, "to_name": IMAGE, "type": "choices", "value": {"choices": [name]}}
    return {"model_version": f"al-runner, round {asked.round}", "score": score, "result": [chosen]}


def interface(words: Words) -> str:
    """The labeling interface as XML: the image; beside it, the labels that may be given and a note."""
    view = ElementTree.Element("View", style="display: flex; gap: 1em")
    shown = ElementTree.SubElement(view, "View", style="flex: 3; min-width: 0")
    beside = ElementTree.SubElement(view, "View", style="flex: 1")
    ElementTree.SubElement(shown, "Image", name=IMAGE, value=f"${IMAGE}", zoom="true", zoomControl="true")
    choices = ElementTree.SubElement(
        beside,
        "Choices",
        name=CHOICES,
        toName=IMAGE,
        choice="multiple" if words.several else "single-radio",
        required="true",
    )
    for name in [*words.classes, *([NONE] if words.several else []), CANNOT_TELL]:
        ElementTree.SubElement(choices, "Choice", value=name)
    ElementTree.SubElement(
        beside, "TextArea", name=NOTE, toName=IMAGE, placeholder="Note", maxSubmissions="1"
    )
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode")
