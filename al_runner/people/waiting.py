"""What a run waits for, in a line for people."""

from importlib.util import find_spec
from pathlib import Path

from al_runner.people.answers import WITHDRAWN, Answers
from al_runner.people.asked import Asked
from al_runner.people.table import TABLE

NEEDED = ("starlette", "uvicorn")
"""Libraries that the page needs, and nothing else does."""


def page_lacks() -> str | None:
    """What al-label's page lacks here, and how that is installed; None = nothing."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    return f"{' and '.join(missing)} missing: pip install 'al-runner[label]'" if missing else None


def waits(folder: Path) -> str | None:
    """What people are to do; None = it asks them nothing.

    Raises:
        InputError: a file is not as al-runner wrote it.
    """
    if (asked := Asked.read(folder)) is None:
        return None
    known = {sample for sample, each in Answers(folder).counting().items() if each.label != WITHDRAWN}
    missing = sum(each.sample not in known for each in asked.questions)
    if asked.masks is None:
        labels = f"{missing:,} label{'s' * (missing != 1)}"
        if lacks := page_lacks():
            return f"waiting for {labels}: fill in {folder}/{TABLE} (al-label would ask for them; {lacks})"
        return f"waiting for {labels}: al-label {folder} asks for them, or fill in {folder}/{TABLE}"
    masks, here = asked.masks, Path.cwd()
    if masks.is_relative_to(here):
        masks = masks.relative_to(here)
    return (
        f"waiting for {missing:,} of {len(asked.questions):,} outlines: save masks in {masks} by the "
        f"names that {folder}/{TABLE} says"
    )
