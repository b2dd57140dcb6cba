"""What `al-run --help` prints, read from the config files themselves.

Hydra's own help builds its config repository anew for every group, which takes longer than everything else.
"""

from importlib.resources import files
from importlib.resources.abc import Traversable
from textwrap import fill

TEMPLATE = """\
al-run runs one active-learning experiment, or a sweep with -m.

  al-run strategy=entropy dataset=organmnist      one run
  al-run -m strategy=random,entropy seed=0,1,2    a sweep; hydra/launcher=joblib runs its jobs side by side
  al-run --cfg job                                show the composed config, run nothing
  al-run --config-dir my_configs strategy=mine    your own configs beside ours

Groups (group=option; the default is marked *):
{groups}

Values (key=value) with their defaults:
{values}

schedule:
{schedule}

Run folders are <output_dir>/<name>/<strategy>/seed-<n>-<hash>; the same command resumes an unfinished run.
A group's own values: al-run strategy=entropy --cfg job --package strategy
Shell completion: eval "$(al-run -sc install=bash)"      Hydra's flags: al-run --hydra-help"""


def help_text() -> str:
    """The help page."""
    conf = files("al_runner.conf")
    config = (conf / "config.yaml").read_text(encoding="utf-8")
    defaults, rest = config.split("- override", 1)
    values = rest.split("\n\n")[1]
    groups = [
        _wrapped(group.name, _options(group, "", defaults))
        for group in sorted(conf.iterdir(), key=lambda item: item.name)
        if group.is_dir() and not group.name.startswith("_")
    ]
    schedule = (conf / "schedule" / "default.yaml").read_text(encoding="utf-8")
    return TEMPLATE.format(groups="\n".join(groups), values=_indent(values), schedule=_indent(schedule))


def _options(group: Traversable, prefix: str, defaults: str) -> list[str]:
    """The options of a group, those in its folders included."""
    names: list[str] = []
    for item in sorted(group.iterdir(), key=lambda item: item.name):
        if item.is_dir():
            names += _options(item, f"{prefix}{item.name}/", defaults)
        elif item.name.endswith(".yaml"):
            name = prefix + item.name.removesuffix(".yaml")
            names.append(f"{name}*" if f"- {group.name}: {name}\n" in defaults else name)
    return names


def _wrapped(name: str, options: list[str]) -> str:
    """A group and its options on lines that fit a terminal."""
    return fill(", ".join(options), 100, initial_indent=f"  {name:13}", subsequent_indent=" " * 15)


def _indent(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.strip().splitlines())
