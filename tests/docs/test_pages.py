"""The site: what is made from the code is whole, links lead somewhere, every page can be found."""

import posixpath
import re
from importlib import import_module
from pkgutil import resolve_name

import pytest
import yaml
from docs_pages import api, strategies
from docs_pages.options import PRESETS, Value, groups, options, schema, top_level
from docs_pages.tables import table, text

from tests.docs.written import DOCS, ROOT, anchors, links, pages

VALUES = [
    pytest.param(value, id=f"{each.group}={each.name}:{value.path}")
    for group in groups()
    for each in options(group)
    for value in each.values
] + [pytest.param(value, id=value.path) for value in top_level()]


def test_finds_the_values() -> None:
    assert len(VALUES) > 250
    assert {"strategy", "dataset", PRESETS, "saliency"} <= set(groups())
    assert len(options("strategy")) > 40


@pytest.mark.parametrize("value", VALUES)
def test_every_key_is_described(value: Value) -> None:
    """By a comment in its file, a description in the schema, or the docstring of what it is given to."""
    assert len(value.meaning) > 2, f"{value.path} = {value.default}: nothing says what it means"


def test_every_group_is_described() -> None:
    composed = set(groups()) - {PRESETS, "saliency"}
    assert not [name for name in composed if not schema()[name][1]]


@pytest.mark.parametrize("group", groups())
def test_the_reference_has_every_option_and_value(group: str) -> None:
    page = pages()["reference/configuration.md"]
    for each in options(group):
        assert f"`{group}={each.name}`" in page
        rows = table(each.values, f"{group}.").splitlines()[2:]
        assert each.is_variant or all(row in page for row in rows)


@pytest.mark.parametrize("each", options("strategy"), ids=lambda each: each.name)
def test_the_catalogue_has_every_strategy(each) -> None:
    written = (DOCS / "strategies.md").read_text()
    page = pages()["strategies.md"]
    assert strategies.named(written).count(each.name) == 1
    _, _, box = page.partition(f'"al-run strategy={each.name}"\n')
    box = box.split("\n#")[0].split("\n!!!")[0]
    assert all(f"`strategy.{value.path}`" in box for value in each.values)
    assert f"][{each.target}]" in box or each.parent


def test_the_catalogue_keeps_what_is_written() -> None:
    page = pages()["strategies.md"]
    lines = (DOCS / "strategies.md").read_text().splitlines()
    assert len(lines) > 300
    assert not [line for line in lines if line not in page]


@pytest.mark.parametrize(
    ("command", "room", "flag"), [("al-report", "report", "--baseline"), ("al-label", "people", "--by")]
)
def test_a_command_has_every_option(command: str, room: str, flag: str) -> None:
    parser = import_module(f"al_runner.{room}.cli").parser()
    flags = [flag for action in parser._actions for flag in action.option_strings]
    assert flag in flags
    page = pages()[f"reference/{command}.md"].replace(", -", ", `-")
    assert not [flag for flag in flags if f"`{flag}" not in page]


def test_the_api_has_every_module() -> None:
    text = "\n".join(pages()[api.address(name)] for name in api.packages())
    modules = [path.relative_to(ROOT).with_suffix("") for path in (ROOT / "al_runner").rglob("*.py")]
    named = [".".join(path.parts) for path in modules if not path.stem.startswith("__")]
    assert len(named) > 150
    assert not [name for name in named if f"::: {name}\n" not in text]


def test_every_page_is_in_the_navigation() -> None:
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]
    assert sorted(flat(nav)) == sorted(pages())


def flat(node: object) -> list[str]:
    if isinstance(node, str):
        return [node]
    return [page for each in (node.values() if isinstance(node, dict) else node) for page in flat(each)]


@pytest.mark.parametrize("address", sorted(pages()))
def test_links_lead_somewhere(address: str) -> None:
    for target in links(pages()[address]):
        path, _, anchor = target.partition("#")
        page = posixpath.normpath(f"{posixpath.dirname(address)}/{path}".lstrip("/")) if path else address
        assert page in pages() or (DOCS / page).is_file(), f"{address}: {target}"
        if anchor.startswith("al_runner."):
            resolve_name(anchor)
        elif anchor:
            assert anchor in anchors(pages()[page]), f"{address}: {target}"


def test_links_of_the_readme_lead_somewhere() -> None:
    readme = (ROOT / "README.md").read_text()
    assert len(links(readme)) > 3
    for target in links(readme):
        path, _, anchor = target.partition("#")
        file = ROOT / path if path else ROOT / "README.md"
        assert file.exists(), target
        assert not anchor or anchor in anchors(file.read_text()), target


def test_formulas_are_shown_as_they_are() -> None:
    """Nothing of a description is taken for markup."""
    assert text("0 < a_b * c [x] {y}") == "0 &#60; a&#95;b &#42; c &#91;x] &#123;y}"
    assert text("as `a_b < c`") == "as `a_b < c`"
    assert not re.search(r"\$\$|\\\(", "".join(pages().values())), "there is no MathJax on the site"
