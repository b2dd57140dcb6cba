"""The page `strategies.md`: its hand-written text, below each strategy what docstrings and configs say."""

import re
from collections.abc import Iterator

import yaml
from hydra.utils import get_object

from docs_pages import docstrings
from docs_pages.configuration import described
from docs_pages.options import Option, option
from docs_pages.tables import table

GROUP = "strategy"
HEADING = re.compile(r"^(#{2,3}) (.+)$", re.MULTILINE)
ORIGIN = """\
!!! note "Where this page comes from"
    The text and the tables of cost are written by hand. The boxes, with definition, source and values of
    every strategy, are read from the docstrings and from `conf/strategy/` when the site is built.
"""


def page(written: str) -> str:
    """The page with a box for every strategy that a heading names."""
    parts = HEADING.split(written)
    made = [parts[0]]
    for level, title, body in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        start = f"\n{ORIGIN}\n" if len(made) == 1 else ""
        made.append(f"{start}{level} {title}{body}")
        made += _boxes(title) if level == "###" else []
    return "".join(made)


def named(written: str) -> list[str]:
    """The strategies that headings name."""
    return [name for level, title in HEADING.findall(written) if level == "###" for name in title.split(", ")]


def _boxes(title: str) -> Iterator[str]:
    """What is known of the strategies of one heading; of several, each with a heading of its own."""
    names = title.split(", ")
    for name in names:
        if len(names) > 1:
            yield f"\n#### {name}\n"
        yield f"\n{_box(option(GROUP, name))}\n"


def _box(each: Option) -> str:
    """One strategy: the file's comment, what its docstrings say, its values."""
    definitions = [f"As `{each.parent.name}`, with:"] if each.parent else _definitions(each)
    values = table(each.values, f"{GROUP}.") or "It has no values."
    lines = [described(each.header), *definitions, values]
    indented = "\n\n".join(line.rstrip() for line in lines if line).replace("\n", "\n    ")
    return f'!!! abstract "al-run strategy={each.name}"\n    {indented}\n'.replace("\n    \n", "\n\n")


def _definitions(each: Option) -> Iterator[str]:
    """What the strategy's acquisition function and its class or function say of themselves, with links."""
    chosen = _acquisitions(each)
    for target in [*chosen, each.target]:
        said = docstrings.said(get_object(target))
        if chosen and target == each.target:
            said = said.split("\n\n")[0]  # the rest is the same for every acquisition function
        yield f"**[`{target.rpartition('.')[2]}`][{target}]** {docstrings.markdown(said)}"


def _acquisitions(each: Option) -> list[str]:
    """The acquisition function that the file chooses, if it chooses one."""
    chosen = (yaml.safe_load(each.text) or {}).get("acquisition")
    return [chosen["_target_"]] if chosen else []
