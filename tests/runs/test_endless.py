"""Sweeps without an end are refused before Hydra counts them."""

import pytest

from al_runner.runs.sweeps.endless import endless
from tests.commands import Command
from tests.test_cli import refused


@pytest.mark.parametrize(
    "word",
    [
        "seed=range(1,inf)", "seed=range(inf)", "seed=range(nan)", "seed=range(100000000000)",
        "seed=shuffle(range(1,1e18))", "seed=tag(a,range(0,inf,2))",
        "optimizer.lr=range(0,1,1e-9)", "seed=range (1,inf)", "seed=range(5,-inf,-1)",
        f"seed=range(1{'0' * 20})", f"seed=range(1,1{'0' * 400},0.5)",
    ],
)  # fmt: skip
def test_it_never_ends(word: str) -> None:
    assert endless(["-m", "strategy=random", word, "seed=0"]) == word


@pytest.mark.parametrize(
    "word",
    [
        "seed=range(1000)", "seed=range(3,0,-1)", "seed=range(3,0)", "seed=range(1,2,0)",
        "seed=range(", "seed=range(a)", "seed=range(0,inf,-1)", "name='range(1,inf)'",
        "optimizer.lr=range(0,1,0.1)", "optimizer.lr=range(0,1,0.0)", "seed=1,2",
    ],
)  # fmt: skip
def test_it_ends_or_hydra_refuses_it(word: str) -> None:
    assert endless([word]) is None


def test_ranges_multiply() -> None:
    words = ["-m", "seed=range(2000)", "model.width=range(1,1001)", "strategy=random"]
    assert endless(words) == "seed=range(2000) model.width=range(1,1001)"
    assert endless([*words[:2], "model.width=range(1,101)", "x=range(0)"]) is None


def test_the_command(al_run: Command) -> None:
    refused(
        al_run("-m", "seed=range(1,inf)"),
        "seed=range(1,inf): more than 1,000,000 jobs; a range needs an end",
    )
    assert list(al_run.folder.iterdir()) == []
