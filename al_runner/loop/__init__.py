"""The active-learning loop and the nouns it is about: pool, query, oracle, schedule, streams of random
numbers, and the protocols of what it is given. Indices, sizes and labels; no image, no network, no file.

Imports `errors` alone. Everything else may import it.
"""

from importlib import import_module
from typing import Any

FORMERLY_HERE = {"Experiment": "experiment"} | dict.fromkeys(
    ("Evaluation", "Journal", "Learner", "Memory", "Review", "Stage", "Strategy"), "protocols"
)
"""What was in a module of this name: users' code goes on importing it."""


def __getattr__(name: str) -> Any:
    if name not in FORMERLY_HERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{FORMERLY_HERE[name]}"), name)
