import pytest

from al_runner.errors import InputError
from al_runner.schedule import Schedule, Target
from tests import reference


@pytest.mark.parametrize(
    ("initial", "query", "budget"),
    [(20, [20], 200), (7, [4], 139), (5, [1, 2, 4], 30), (10, [7], 40), (10, [5], 10), (3, [100], 50)],
)
def test_labels_after_each_round(initial: int, query: list[int], budget: int) -> None:
    rounds = Schedule(initial, query, budget, epochs=1).rounds(1000)
    sizes = [step.size for step in rounds]
    assert [sum(sizes[: k + 1]) for k in range(len(sizes))] == reference.schedule(initial, query, budget)
    assert [step.number for step in rounds] == list(range(len(rounds)))


def test_the_alda_schedule() -> None:
    """Queries after n = 6, 6, 6, 7, 7, 7, … epochs; a restart every third query (PAPERS: alda)."""
    rounds = Schedule(7, [4], 139, epochs=6, epochs_growth=1, reset_every=3).rounds(13_932)
    assert len(rounds) == 1 + 33
    assert [step.epochs for step in rounds[:7]] == [6, 6, 6, 7, 7, 7, 8]
    assert [step.reset for step in rounds[:7]] == [True, False, False, True, False, False, True]


def test_resets() -> None:
    assert all(step.reset for step in Schedule(1, [1], 5, 1, reset_every=1).rounds(5))
    assert [s.reset for s in Schedule(1, [1], 4, 1, reset_every=None).rounds(5)] == [
        True,
        False,
        False,
        False,
    ]


def test_evaluates_the_first_and_the_last_round_whatever_happens() -> None:
    rounds = Schedule(1, [1], 9, 1, evaluate_every=3).rounds(9)
    assert [step.number for step in rounds if step.evaluate] == [0, 3, 6, 8]


def test_the_whole_pool() -> None:
    assert [step.size for step in Schedule(None, [5], None, 1).rounds(17)] == [17]
    assert [step.size for step in Schedule(5, [10], None, 1).rounds(17)] == [5, 10, 2]


@pytest.mark.parametrize(("initial", "budget"), [(10, 101), (101, None), (20, 10)])
def test_impossible_sizes(initial: int, budget: int | None) -> None:
    with pytest.raises(InputError):
        Schedule(initial, [1], budget, 1).rounds(100)


def test_target() -> None:
    target = Target("val/accuracy", 0.9)
    assert target.reached({"val/accuracy": 0.9})
    assert not target.reached({"val/accuracy": 0.89})
    assert not target.reached({})
    assert not Target("val/accuracy", None).reached({"val/accuracy": 1.0})
