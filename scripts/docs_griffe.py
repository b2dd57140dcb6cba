"""Docstrings as Markdown for mkdocstrings: examples are code, and `<name>` is no tag."""

import sys
from pathlib import Path
from typing import Any

import griffe

sys.path.insert(0, str(Path(__file__).parent))

from docs_pages.docstrings import markdown, one_by_one


class Plain(griffe.Extension):
    """Turns every docstring into Markdown that shows what is written."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called once for each module, class, function and attribute."""
        if obj.docstring:
            obj.docstring.value = markdown(one_by_one(obj.docstring.value))
