"""What Label Studio 1.23 exports, written by hand; the slow test compares it with a real one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from al_runner.data.words import Words
from al_runner.people.asked import Asked, Question

QUESTIONS = [
    Question("a.png", "test", 4),
    Question("b/ü & #1?.png", "train", 7, "p7", (0.25, 0.75)),
    Question("c.png", "train", 9, "", (0.6, 0.4)),
]
TWO = Words(("normal", 'R&D <"x">'))
FINDINGS = Words(("mass", "nodule", "old scar"), several=True)
ROOT = Path("/data/scans")


def asks(
    folder: Path, words: Words = TWO, questions: Sequence[Question] = QUESTIONS, root: Path = ROOT
) -> Path:
    """A run folder that waits for labels."""
    folder.mkdir(exist_ok=True)
    Asked(1, root, words, questions, ("python", "-m"), Path("/here")).write(folder)
    return folder


def annotation(*choices: str, by: object = 1, note: str = "", **more: object) -> dict[str, Any]:
    """An annotation in JSON."""
    result: list[dict[str, Any]] = []
    if choices:
        value = {"choices": list(choices)}
        result.append({"from_name": "label", "to_name": "image", "type": "choices", "value": value})
    if note:
        value = {"text": [note]}
        result.append({"from_name": "note", "to_name": "image", "type": "textarea", "value": value})
    return {
        "id": 1, "completed_by": by, "result": result, "was_cancelled": False, "ground_truth": False,
        "created_at": "2026-03-01T10:00:05.775512Z", "updated_at": "2026-03-01T10:00:05.775543Z",
        "draft_created_at": None, "lead_time": 4.288, "prediction": {}, "result_count": 1, "task": 1,
        "project": 1, "updated_by": 1, "parent_prediction": None, "parent_annotation": None, **more,
    }  # fmt: skip


def task(sample: str, *annotations: dict[str, Any], **more: object) -> dict[str, Any]:
    """A task in JSON."""
    image = f"/data/local-files/?d=scans/{sample}"
    return {
        "id": 3, "annotations": list(annotations), "drafts": [], "predictions": [],
        "data": {"image": image, "sample": sample, "index": 4, "split": "test"},
        "meta": {}, "created_at": "2026-03-01T09:00:00.355943Z", "updated_at": "2026-03-01T10:00:05.882519Z",
        "inner_id": 1, "total_annotations": 1, "cancelled_annotations": 0, "total_predictions": 0,
        "project": 1, "updated_by": 1, "comment_authors": [], **more,
    }  # fmt: skip


def minimal(sample: str, label: object = None, **more: object) -> dict[str, Any]:
    """An annotation in JSON-MIN."""
    return {
        "image": f"/data/local-files/?d=scans/{sample}", "sample": sample, "index": 4, "split": "test",
        "id": 3, **({} if label is None else {"label": label}), "annotator": 1, "annotation_id": 1,
        "created_at": "2026-03-01T10:00:05.775512Z", "updated_at": "2026-03-01T10:00:05.775543Z",
        "lead_time": 4.288, **more,
    }  # fmt: skip
