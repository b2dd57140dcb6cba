"""Words in and around figures: labels, notes and text alternatives, none too long for its place."""

import re
from collections.abc import Sequence

import numpy as np

from al_runner.report.study.analysis import Analysis

LONGEST_ALT = 400
"""Characters of a text alternative: a screen reader reads all of it in one go."""
LONGEST_LIST = 250
LONGEST_NAME = 18
MOST_LINES = 5


def listed(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def told(findings: Sequence[str], values: Sequence[float]) -> str:
    """All findings where they are few, else those with the least and the greatest value."""
    everything = listed(findings)
    if len(everything) <= LONGEST_LIST:
        return everything
    order = sorted(range(len(values)), key=lambda k: (np.isnan(values[k]), values[k]))
    known = [k for k in order if not np.isnan(values[k])] or order
    return f"the extremes of {len(findings)}: {findings[known[0]]}; {findings[known[-1]]}"


def alt(text: str) -> str:
    """A text alternative, cut where it is too long."""
    return text if len(text) <= LONGEST_ALT else f"{text[: LONGEST_ALT - 1]}…"


def wrapped(label: str, width: int) -> str:
    """A label on as many lines as it needs, up to five, broken where its words or parts end if it can be."""
    lines = [""]
    for word in re.findall(r"[^\s_=/+-]*[\s_=/+-]+|[^\s_=/+-]+", label):
        for part in (word[k : k + width] for k in range(0, len(word), width)):
            if len(lines[-1]) + len(part.rstrip()) > width:
                lines.append("")
            lines[-1] += part
    cut = ["…"] if len(lines) > MOST_LINES else []
    return "\n".join([line.strip() for line in lines[:MOST_LINES]] + cut)


def shortened(name: str, width: int = LONGEST_NAME) -> str:
    """A name that fits beside an axis: its ends, as names often differ in their last letters."""
    return name if len(name) <= width else f"{name[: width - 7]}…{name[-6:]}"


def only_first(shown: int, count: int, things: str) -> str:
    """Says that a figure does not show all; nothing where it does."""
    return f" The first {shown} of {count} {things}." if shown < count else ""


def class_names(analysis: Analysis, count: int) -> list[str]:
    """The classes' names, shortened, or their numbers."""
    names = analysis.experiment.arms[0].runs[0].manifest["dataset"].get("class_names", [])
    return list(map(shortened, names)) if len(names) == count else [str(k) for k in range(count)]
