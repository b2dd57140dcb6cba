"""How descriptions are found: comments in YAML, types in words, arguments in docstrings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from docs_pages import commands, commented, docstrings, kinds
from docs_pages.options import Value, option
from docs_pages.tables import table
from pydantic import BaseModel, Field

from al_runner.values import Size

TEXT = """\
# What the file is.
defaults: [other, /saliency@saliency: grad_cam]
_target_: a.B
plain: 1e-3        # beside it
hash: a#b
list: [1,
  2]               # behind its end
inline: {x: 1, y: 2}  # of both
part: {_target_: c.D, _partial_: true}
block:             # of the block
  # above it
  inner: ${.plain}
  url: "x # y"     # after quotes
"""


def test_keys_with_their_comments() -> None:
    found = {key.path: (key.default, key.comment, key.around) for key in commented.keys(TEXT)}
    assert found == {
        "plain": ("1e-3", "beside it", ""),
        "hash": ("a#b", "", ""),
        "list": ("[1, 2]", "behind its end", ""),
        "inline.x": ("1", "", "of both"),
        "inline.y": ("2", "", "of both"),
        "part": ("{_target_: c.D, _partial_: true}", "", ""),
        "block": ("", "of the block", ""),
        "block.inner": ("${.plain}", "above it", "of the block"),
        "block.url": ('"x # y"', "after quotes", "of the block"),
    }
    assert commented.header(TEXT) == "What the file is."
    assert commented.parents(TEXT) == ["other"]
    assert commented.node_target(TEXT) == "a.B"
    assert commented.keys("# nothing\n{}\n") == []


class Node(BaseModel):
    """`node`: what it is. And more.

    Attributes:
        share: of them.
    """

    size: Annotated[int, Field(ge=1)] | Literal["all"]
    share: Annotated[float, Field(gt=0, lt=1)] = 0.5


class Outer(BaseModel):
    """Holds a node."""

    node: Node | None


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (bool, "`true`, `false`"),
        (Literal["a", "b"] | None, "`a`, `b` or `null`"),
        (Annotated[int, Field(ge=1, strict=True)], "whole number ≥ 1"),
        (Annotated[float, Field(ge=0, lt=1)], "number ≥ 0, < 1"),
        (Annotated[str, Field(pattern=r"^val/\w+$")], "`val/…`"),
        (list[Annotated[int, Field(ge=1)]], "list of whole number ≥ 1"),
        (Sequence[str] | Path | str, "list of text or path or text"),
        (Mapping[Literal["top_fraction"], float], "`{top_fraction: …}`"),
        (Size, "whole number ≥ 1 or share such as `10%`"),
        (Callable[..., int], "function"),
        (Node, "`{size, share}`"),
        (Any, ""),
    ],
)
def test_types_in_words(annotation: Any, expected: str) -> None:
    assert kinds.words(annotation) == expected


def test_fields_of_the_schema() -> None:
    assert kinds.fields(Outer) == {
        "node": ("`{size, share}` or `null`", "what it is. And more."),
        "node.size": ("whole number ≥ 1 or `all`", ""),
        "node.share": ("number > 0, < 1", "of them"),
    }


def documented(a: int, b: int) -> None:
    """What it is.

    A formula: 0 < x, `<name>`.

    >>> 1 + 1
    2

    Args:
        a, b: both,
            on two lines.

    Raises:
        ValueError: a: wrong.
    """


def test_docstrings() -> None:
    name = f"{__name__}.documented"
    assert docstrings.said(documented) == "What it is.\n\nA formula: 0 < x, `<name>`."
    assert docstrings.arguments(name) == {"a": "both, on two lines", "b": "both, on two lines"}
    plain = docstrings.markdown("0 < x, `<name>`\n\n>>> 1 + 1\n2\n\nEnd")
    assert plain == "0 &lt; x, `<name>`\n\n```pycon\n>>> 1 + 1\n2\n```\n\nEnd"
    apart = docstrings.one_by_one("Args:\n    a, b: both,\n        here.\n    c: it.")
    assert apart == "Args:\n    a: both,\n        here.\n    b: both,\n        here.\n    c: it."


def test_values_of_an_option() -> None:
    found = {value.path: value for value in option("strategy", "nmi_entropy_coarse").inherited}
    above = {value.path: value for value in option("strategy", "nmi_entropy").values}
    assert found["bins"] == replace(above["bins"], default="16")
    assert above["bins"].default != "16"
    assert found["pairing"].default == "spatial"
    assert option("dataset", "bloodmnist").is_variant
    assert not option("dataset", "chestmnist").is_variant


def test_a_row_of_a_table() -> None:
    row = table([Value("dir", "${oc.env:HOME,.}/a", "a|b", "x_y")], "g.").splitlines()[-1]
    assert row == "| `g.dir` | `${oc.env:HOME,.}/a` | a\\|b | x&#95;y |".replace("${oc.env:HOME,.}", "~")
    part = table([Value("p", "{_target_: a.b.entropy, _partial_: true}", "", "")]).splitlines()[-1]
    assert part == "| `p` | `entropy` |  |  |"


def test_the_help_stands_where_the_page_says() -> None:
    page = commands.al_run(f"# al-run\n\n{commands.PLACE}\n\nEnd.\n")
    assert page.index("Groups (group=option") < page.index("End.")
    assert commands.al_run("# al-run\n").rstrip().endswith("```")
