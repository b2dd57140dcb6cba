"""YAML and interpolations, parsed once: a config of one's own each time, mistakes told as ever."""

from pathlib import Path

import pytest
from omegaconf import OmegaConf, _utils, base
from omegaconf.errors import GrammarParseError
from yaml import YAMLError

from al_runner.config import parsing

TEXT = "a: {b: [1, 2.5, '???'], c: '${a.d}', d: x}\ne: null\n"


def loaded(path: Path) -> object:
    with path.open() as file:
        return OmegaConf.load(file)


def test_it_is_what_omegaconf_loads(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(TEXT)
    expected = parsing._own_load(path)
    for _ in range(2):
        found = loaded(path)
        assert found == expected
        found.a.b.append("changed")
    assert OmegaConf.load(path) == expected, "by its name, too"


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    for text in ("a: 1", "a: 2", "- a"):
        path.write_text(text)
        assert loaded(path) == OmegaConf.create(text)


def test_a_mistake_is_told_with_the_files_name(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("a: [")
    for _ in range(2):
        with pytest.raises(YAMLError, match=r"wrong\.yaml"):
            loaded(path)


def test_an_interpolation_is_resolved_anew_each_time() -> None:
    config = OmegaConf.create({"a": 1, "b": "${a} and ${oc.env:AL_RUNNER_NOT_SET,x${.a}}"})
    for value in (1, 2, 1):
        config.a = value
        assert config.b == f"{value} and x{value}"


def test_a_mistake_in_an_interpolation_is_told_each_time() -> None:
    for _ in range(2):
        with pytest.raises(GrammarParseError, match=r"\$\{a"):
            OmegaConf.create({"a": "${a"})


def test_omegaconf_parses_by_it() -> None:
    OmegaConf.create({"a": "${b} first of a kind", "b": 1}).a  # noqa: B018
    before = parsing.interpolation.cache_info()
    assert base.parse is _utils.parse is parsing.interpolation
    assert OmegaConf.create({"a": "${b} first of a kind", "b": 2}).a == "2 first of a kind"
    after = parsing.interpolation.cache_info()
    assert (after.misses, after.hits > before.hits) == (before.misses, True)
