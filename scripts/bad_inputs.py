"""Gives every key of `conf/` wrong values, and counts what becomes of them.

    python scripts/bad_inputs.py                 # all of them, up to where data would be read
    python scripts/bad_inputs.py --commands 500  # and so many of them as whole commands

Every option of every group is composed, and each of its keys gets each of the values of `WRONG`, and a key
that it does not have. What a job does before it reads data is done in this process, and each value has to be
refused in one line, or accepted because it can be meant: see `is_meant`. A sample is then typed as a command,
in an empty folder: exit code 2, one line on standard error, nothing written. The exit code is 1 where
something else was found.
"""

import argparse
import math
import os
import re
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from inspect import Parameter, signature
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import yaml
from docs_pages import commented
from docs_pages.options import CONF
from hydra import compose, initialize_config_module
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from al_runner import cli
from al_runner.config.identity import identity
from al_runner.config.parts import Parts
from al_runner.config.schema import checked, to_dict
from al_runner.config.suggestions import explained
from al_runner.errors import InputError

WRONG = (
    "null", "true", "wrong", "''", "'3'", "-1", "0", "1.5", "7", "nan", "inf", "100000000000000000000",
    "[]", "[wrong]", "[true]", "[nan]", "{wrong:1}",
)  # fmt: skip
"""As the command line has them."""
GIVEN = {
    "dataset/npz": ["dataset.path=any.npz"],
    "dataset/medmnist": ["dataset.flag=breastmnist"],
    "dataset/image_folder": ["dataset.root=scans"],
    "dataset/decathlon": ["dataset.folder=Task99_Boxes"],
    "dataset/unlabeled": ["dataset.root=scans", "dataset.classes=[a,b]", "oracle=people"],
    "dataset/nifti_folder": ["dataset.root=scans", "dataset.labels=[background,front]"],
    "dataset/nnunet": ["dataset.root=scans"],
    "dataset/totalsegmentator": ["dataset.root=scans", "dataset.classes=[liver]"],
    "encoder/features": ["encoder.path=any.npz"],
    "encoder/monai": ["encoder.file=any.pt"],
    "encoder/state_file": ["encoder.file=any.pt"],
    "encoder/torchscript": ["encoder.file=any.pt"],
    "proxy/glas_grades": ["dataset=glas", "model=unet"],
}
"""What an option does not have by itself."""
USED_BY = {"transforms": ["augmentation=post_query"], "head": ["encoder=simclr"], "saliency": ["audit=maps"]}
"""What a group's parts are looked at for."""
PRESETS = "experiment"
BELOW_ZERO = ("value", "mean", "degrees")
"""A threshold of a metric, an offset, an angle."""
FRACTIONS = ("candidates", "cluster_size", "standard_errors")
"""Multiples, and means of numbers."""
UNCHECKED = ("kernel_size",)
"""What kornia looks at when it changes the first image."""


@dataclass(frozen=True)
class Case:
    """A key that is given a value.

    Attributes:
        base: words that choose where the key is.
        word: what sets it.
        key: with dots.
        text: the value, as it is typed.
        target: what the node with the key makes, if anything.
    """

    base: tuple[str, ...]
    word: str
    key: str
    text: str
    target: str

    @property
    def words(self) -> list[str]:
        """The command."""
        return [*self.base, self.word]


@dataclass(frozen=True)
class Outcome:
    """What became of a case: `refused`, `accepted` or `traceback`; and what was said."""

    kind: str
    said: str = ""


@cache
def composed(words: tuple[str, ...]) -> DictConfig:
    """A config, composed and resolved once."""
    GlobalHydra.instance().clear()
    with initialize_config_module("al_runner.conf", version_base="1.3"):
        config = compose("config", list(words))
    OmegaConf.resolve(config)
    return config


def bases() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Where an option's keys are, and the words that choose it; first the keys of no group."""
    yield "", ()
    for path in sorted(CONF.rglob("*/*.yaml")):
        group, _, option = path.relative_to(CONF).with_suffix("").as_posix().partition("/")
        at = "audit.saliency" if group == "saliency" else group
        chosen = f"{group}@{at}={option}" if at != group else f"{group}={option}"
        if group != PRESETS:
            yield at, (*USED_BY.get(group, ()), chosen, *GIVEN.get(f"{group}/{option}", ()))


def keys(node: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every key below a node, and what the node makes that has it."""
    target = str(node.get("_target_", "")) if OmegaConf.is_dict(node) else ""
    for name in node:
        if str(name).startswith("_"):
            continue
        key = f"{path}.{name}" if path else str(name)
        inner = node._get_node(name)
        has_inner = OmegaConf.is_dict(inner) and not inner._is_none() and not inner._is_missing()
        if path or not (CONF / key).is_dir():
            yield key, target
            yield from keys(inner, key) if has_inner else ()


def cases(groups: Collection[str] = ()) -> Iterator[Case]:
    """Every key with every value, and with a key that it does not have; an argument of a target once.

    Args:
        groups: those whose options are tried, and "" for the keys of no group; all if none is given.
    """
    tried: set[str] = set()
    for at, base in (each for each in bases() if not groups or each[0] in groups):
        node = OmegaConf.select(composed(base), at) if at else composed(base)
        if not OmegaConf.is_dict(node) or not node:
            continue
        for key, target in keys(node, at):
            if (argument := f"{target} {key.rpartition('.')[2]}" if target else key) in tried:
                continue
            tried.add(argument)
            for text in WRONG:
                yield Case(base, f"{key}={text}", key, text, target)
            part = OmegaConf.select(composed(base), key)
            own = part.get("_target_", target) if OmegaConf.is_dict(part) else target
            yield Case(base, f"+{key}.unknown=1", key, "{unknown:1}", own)
        if at and node.get("_target_"):
            yield Case(base, f"+{at}.unknown=1", at, "{unknown:1}", "")


def outcome(case: Case) -> Outcome:
    """What a job does before it reads data."""
    config = deepcopy(composed(case.base))
    try:
        overrides = OverridesParser.create().parse_overrides([case.word])
        ConfigLoaderImpl._apply_overrides_to_config(overrides, config)
        plain = to_dict(config)
        checked(plain)
        identity(plain)
        Parts(config, plain).check()
    except InputError as error:
        return Outcome("refused", str(error))
    except (HydraException, OmegaConfBaseException) as error:
        return Outcome("refused", explained(error, case.words))
    except Exception:
        return Outcome("traceback", traceback.format_exc())
    return Outcome("accepted")


def read(text: str) -> Any:
    """A value as the command line reads it; what only a config can resolve is a word."""
    try:
        return float(text) if re.fullmatch(r"[-\d.]+e-?\d+|-?(nan|inf)", text) else yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def kind(value: Any) -> str:
    """What a value is."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    if isinstance(value, float):
        return "fraction" if math.isfinite(value) else "no number"
    return {int: "number", str: "word", list: "list", dict: "mapping"}.get(type(value), "other")


@cache
def shown() -> dict[str, set[str]]:
    """Name of a key → the kinds of its defaults, and of the values that comments list, in all files."""
    found: dict[str, set[str]] = {}
    for path in CONF.rglob("*.yaml"):
        for key in commented.keys(path.read_text()):
            listed = re.split(r"\s\|\s", key.comment or key.around)
            listed[0] = listed[0].rpartition(": ")[2]
            texts = [key.default, *(re.sub(r"\s+\(.*|;.*", "", text) for text in listed if len(listed) > 1)]
            found.setdefault(key.path.rpartition(".")[2], set()).update(kind(read(text)) for text in texts)
    return found


def is_meant(case: Case) -> bool:
    """Whether a value that is accepted can be meant.

    Its kind is one that a default or a comment in `conf/` shows for a key of that name; a whole number may
    stand for a fraction, and text that spells a number for one of the schema, as an environment variable has
    it. A number below 0 is meant for what `BELOW_ZERO` names, a fraction where `conf/` has whole numbers for
    what `FRACTIONS` does. `UNCHECKED` is judged later. Null is meant where it is the argument's default. What
    a library takes without saying what (`**options`) it has to judge by itself, and so what else its own
    annotations allow.

    An empty text is never meant, and neither is what is not finite.
    """
    value, name = read(case.text.replace(":", ": ")), case.key.rpartition(".")[2]
    kinds, what = set(shown().get(name, ())), kind(value)
    parameters = signature(get_object(case.target)).parameters if case.target else {}
    if case.target and (name not in parameters or (case.text == "{unknown:1}" and any_argument(parameters))):
        return any_argument(parameters)
    if value in ("", "nan") or what == "no number" or (isinstance(value, list) and "nan" in str(value)):
        return False
    kinds |= {"number"} if "fraction" in kinds else set()
    kinds |= {"fraction"} if name in FRACTIONS else set()
    if not case.target:
        kinds |= {"word"} if "number" in kinds and str(value).isdigit() else set()
    elif parameters[name].default is None:
        kinds |= {"null"}
    if isinstance(value, int | float) and value < 0 and name not in (*BELOW_ZERO, *UNCHECKED):
        return False
    return what in kinds or (is_of_library(case.target) and what == "number" and "list" in kinds)


def any_argument(parameters: Mapping[str, Parameter]) -> bool:
    """Whether a function takes arguments that it does not name."""
    return any(each.kind is each.VAR_KEYWORD for each in parameters.values())


def is_of_library(target: str) -> bool:
    """Whether what a node makes is none of ours."""
    return bool(target) and not target.startswith("al_runner.")


def typed(case: Case) -> str | None:
    """What is wrong with how the whole command ends; None where it is refused as it should be."""
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder, "said")
        place = Path(folder, "place")
        place.mkdir()
        process = get_context("fork").Process(target=_command, args=(case.words, place, said))
        process.start()
        process.join()
        lines = said.read_text().splitlines()
        if process.exitcode != 2 or len(lines) != 1 or not lines[0].startswith("al-run: "):
            return f"exit code {process.exitcode}: {' / '.join(lines[-3:])}"
        return f"wrote {[path.name for path in place.iterdir()]}" if any(place.iterdir()) else None


def _command(words: Sequence[str], place: Path, said: Path) -> None:
    """`al-run` in a process of its own."""
    os.chdir(place)
    with said.open("w") as file:
        os.dup2(file.fileno(), 2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115  whoever holds the one of before
    sys.argv = ["al-run", *words]
    GlobalHydra.instance().clear()
    cli.main()


def spread(items: Sequence[Case], count: int) -> list[Case]:
    """`count` of the items, evenly."""
    return [items[k * len(items) // count] for k in range(min(count, len(items)))]


def fault(case: Case, found: Outcome) -> str | None:
    """What should not be; None where a case ends as it should."""
    if found.kind == "accepted" and is_meant(case):
        return None
    if found.kind == "refused" and "\n" not in found.said and found.said:
        return None
    return f"{' '.join(case.words)}: {found.kind} {found.said}"


def main() -> None:
    """Print the counts, and whatever should not be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--commands", type=int, default=60, help="refused ones that are typed as commands")
    options = parser.parse_args()
    found = [(case, outcome(case)) for case in cases()]
    counts = Counter(each.kind for _, each in found)
    print(f"{len(found):,} values: " + ", ".join(f"{count:,} {what}" for what, count in counts.items()))
    some = spread([case for case, each in found if each.kind == "refused"], options.commands)
    faults = [wrong for case, each in found if (wrong := fault(case, each))]
    faults += [f"{' '.join(case.words)}: {wrong}" for case in some if (wrong := typed(case))]
    print(f"{len(some):,} of those refused typed as commands")
    print("\n".join(faults) or "nothing else was found")
    raise SystemExit(bool(faults))


if __name__ == "__main__":
    main()
