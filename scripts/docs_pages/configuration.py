"""The page `reference/configuration.md`: every group, every option, every key."""

import re
from collections.abc import Iterator

from docs_pages.options import CONF, PRESETS, Option, groups, options, schema, top_level
from docs_pages.tables import table, text

COMMAND = re.compile(r"al-run(?: '[^']+'| [\w@.]+=[\w@./]*\w)+")
BESIDES = {
    "experiment": "Presets: the settings of a published study, composed last, so that they win over the "
    "defaults. What is given on the command line wins over them.",
    "saliency": "What makes saliency maps. It is chosen inside the part that asks for them: "
    "`saliency@strategy.saliency=grad_cam` or `saliency@audit.saliency=grad_cam`.",
}
"""Groups that are no key of the composed config."""
INTRODUCTION = """\
# Configuration

Every group, every option and every key that `al-run` takes. This page is made from the YAML files in `conf/`,
the schema in `al_runner/config` and the signatures of what the files build, so it says what the code does.

- `group=option` chooses a file: `strategy=badge`. The option marked *default* is taken where nothing is said.
- `group.key=value` changes a value: `strategy.first=chance`. `null` is "nothing".
- `+group.key=value` adds a key that no file writes, `~group.key` takes one out; `al-run --cfg job` shows
  the result.
- A value of another key is `${key}`, one of the same node `${.key}`; `${oc.env:NAME,other}` is an environment
  variable, or `other` where it is not set.

"""


def page() -> str:
    """The page."""
    return "\n".join([INTRODUCTION, *_overview(), *_top_level(), *(_group(name) for name in groups())])


def _overview() -> Iterator[str]:
    yield "| group | what it decides | default | options |\n|---|---|---|---|"
    for name in groups():
        shown = f"`{_default(name)}`" if _default(name) else "–"
        yield f"| [`{name}`](#{name}) | {_first_sentence(_about(name))} | {shown} | {len(options(name))} |"
    yield ""


def _top_level() -> Iterator[str]:
    yield "## Top-level keys {#top-level}\n"
    yield table(top_level())


def _group(name: str) -> str:
    """A section: what the group decides, then its options."""
    parts = [f"## {name} {{#{name}}}\n", _about(name) + "\n"]
    shown = [each for each in options(name) if not each.is_variant]
    return "\n".join([*parts, *(_preset(each) if name == PRESETS else _option(each) for each in shown)])


def _option(each: Option) -> str:
    """An option, and those that only set what it has."""
    made = f"As [`{each.parent.name}`](#{anchor(each.parent)}), and:" if each.parent else ""
    body = table(each.values, f"{each.group}.") or ("" if made else "It has no keys of its own.\n")
    target = f"Builds [`{'.'.join(each.target.split('.')[-2:])}`][{each.target}]." if _ours(each) else ""
    origin = " ".join(filter(None, [target, made]))
    parts = [_heading(each), described(each.header), _more(each), origin, body, _variants(each)]
    return "\n".join(f"{part}\n" for part in parts if part)


def _more(each: Option) -> str:
    return f"[What it does](../strategies.md#{each.name})" if each.group == "strategy" else ""


def _variants(each: Option) -> str:
    """Options that are this one with other values, and no more to say."""
    found = [other for other in options(each.group) if other.is_variant and other.parent == each]
    said = (f"`{each.group}={other.name}` ({_set(other)})" for other in found)
    return f"The same with other values: {', '.join(said)}." if found else ""


def _set(each: Option) -> str:
    return ", ".join(f"`{value.path}: {value.default}`" for value in each.values)


def _preset(each: Option) -> str:
    """A preset: its file, which says what it is."""
    return f'{_heading(each)}\n\n??? example "conf/{PRESETS}/{each.name}.yaml"\n\n    ```yaml\n' + "".join(
        f"    {line}\n" for line in [*each.text.splitlines(), "```", ""]
    )


def anchor(each: Option) -> str:
    """The name that links to an option have."""
    return f"{each.group}-{each.name.replace('/', '-')}"


def described(header: str) -> str:
    """A file's first comment as a paragraph, in which commands are code."""
    return text(COMMAND.sub(r"`\g<0>`", " ".join(header.split())))


def _heading(each: Option) -> str:
    mark = " *(default)*" if each.name == _default(each.group) else ""
    return f"### `{each.group}={each.name}`{mark} {{#{anchor(each)}}}\n"


def _ours(each: Option) -> bool:
    return each.target is not None and each.target.startswith("al_runner.") and each.parent is None


def _about(name: str) -> str:
    words = BESIDES.get(name) or schema()[name][1]
    return words[0].upper() + words[1:].removesuffix(".") + "."


def _first_sentence(words: str) -> str:
    return words.split(". ")[0].split(": ")[0].removesuffix(".")


def _default(name: str) -> str:
    """The option that is taken where none is asked for."""
    lines = (CONF / "config.yaml").read_text().splitlines()
    found = [line.partition(":")[2].strip() for line in lines if line.strip().startswith(f"- {name}: ")]
    return found[0] if found and found[0] != "null" else ""
