"""Keys with wrong values, generated from `conf/`: see `scripts/bad_inputs.py`, which tries all of them."""

from collections import Counter

import bad_inputs
import pytest

from tests.commands import Command
from tests.test_cli import refused

GROUPS = ("", "optimizer", "oracle", "posterior")


def test_some_of_every_kind() -> None:
    some = bad_inputs.spread(list(bad_inputs.cases(GROUPS)), 200)
    found = [(case, bad_inputs.outcome(case)) for case in some]
    assert [wrong for case, each in found if (wrong := bad_inputs.fault(case, each))] == []
    counts = Counter(each.kind for _, each in found)
    assert counts["refused"] > counts["accepted"] > 5, "both happen"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("strategy=typiclust strategy.neighbors=1.5", "strategy.neighbors=1.5 must be a whole number"),
        ("optimizer.algorithm.fused=abc", "optimizer.algorithm.fused=abc must be true or false"),
        ("dataset.seed=[]", "dataset.seed=[] must be a whole number"),
    ],
)
def test_a_command_is_refused_before_data_are_read(al_run: Command, words: str, said: str) -> None:
    refused(al_run(*words.split()), said)
    assert list(al_run.folder.iterdir()) == []


def test_a_fault_is_one() -> None:
    """What a traceback, several lines, or a value that cannot be meant is counted as."""
    case = bad_inputs.Case((), "seed=true", "seed", "true", "")
    assert bad_inputs.fault(case, bad_inputs.Outcome("refused", "seed=true must be a whole number")) is None
    for kind, said in (
        ("traceback", "Traceback"),
        ("accepted", ""),
        ("refused", "two\nlines"),
        ("refused", ""),
    ):
        assert bad_inputs.fault(case, bad_inputs.Outcome(kind, said)) is not None
    meant = bad_inputs.Case((), "seed=7", "seed", "7", "")
    assert bad_inputs.fault(meant, bad_inputs.Outcome("accepted")) is None


@pytest.mark.slow
def test_keys_with_values() -> None:
    """A quarter of what `scripts/bad_inputs.py` tries, which takes minutes."""
    some = list(bad_inputs.cases())
    found = [(case, bad_inputs.outcome(case)) for case in bad_inputs.spread(some, len(some) // 4)]
    assert [wrong for case, each in found if (wrong := bad_inputs.fault(case, each))] == []
    refused = [case for case, each in found if each.kind == "refused"]
    assert len(refused) > 1500
    typed = bad_inputs.spread(refused, 20)
    assert {" ".join(case.words): wrong for case in typed if (wrong := bad_inputs.typed(case))} == {}
