from dataclasses import replace

import pytest

from al_runner.config.schema import validate
from al_runner.errors import InputError
from al_runner.loop.criteria import Stable, Target
from al_runner.loop.schedule import FinalModel, Round, Schedule
from tests import reference
from tests.composing import composed


@pytest.mark.parametrize(
    ("initial", "query", "budget"),
    [(20, [20], 200), (7, [4], 139), (5, [1, 2, 4], 30), (10, [7], 40), (10, [5], 10), (3, [100], 50)],
)
def test_labels_after_each_round(initial: int, query: list[int], budget: int) -> None:
    rounds = Schedule(initial, query, budget, epochs=1).plan(1000).rounds
    sizes = [step.size for step in rounds]
    assert [sum(sizes[: k + 1]) for k in range(len(sizes))] == reference.schedule(initial, query, budget)
    assert [step.number for step in rounds] == list(range(len(rounds)))


def test_the_alda_schedule() -> None:
    """33 queries of 4, after n = 6, 6, 6, 7, 7, 7, … epochs; a restart every third query (PAPERS: alda)."""
    schedule = validate(composed("experiment=alda/4_active")).schedule.build()
    plan = schedule.plan(13_932)
    assert [step.size for step in plan.rounds] == [7] + [4] * 33
    assert [step.epochs for step in plan.rounds] == [6 + k // 3 for k in range(34)]
    assert [step.reset for step in plan.rounds] == [k % 3 == 0 for k in range(34)]
    assert plan.final_model == FinalModel(40, "val/accuracy")
    assert sum(step.size for step in plan.longest) == 139


def test_what_is_next() -> None:
    """A row for each complete round; the final model's row buys nothing and is the last."""
    plan = Schedule(5, [3], 14, 1, criteria=[Target("val/accuracy", 0.8)], final_model=FinalModel(9)).plan(40)
    bought = [{"n_queried": step.size, "val/accuracy": 0.1 * step.number} for step in plan.rounds]
    for k in range(4):
        assert plan.next(bought[:k]) == plan.rounds[k]
    final = Round(4, 0, 9, reset=True, evaluate=True, final=True)
    assert plan.next(bought) == final
    assert plan.next([*bought, {"n_queried": 0, "val/accuracy": 0.2}]) is None
    assert plan.longest == [*plan.rounds, final]
    early = [*bought[:2], {"n_queried": 3, "val/accuracy": 0.8}]
    assert plan.next(early) == replace(final, number=3)
    assert plan.next([*early, {"n_queried": 0, "val/accuracy": 0.2}]) is None
    assert plan.early_end(early) == "val/accuracy reached 0.8"
    assert plan.early_end([*bought[:-1], early[-1]]) is None, "the budget ended it"
    without = replace(plan, final_model=None)
    assert without.next(early) is None
    assert without.next(bought) is None


def test_resets() -> None:
    assert all(step.reset for step in Schedule(1, [1], 5, 1, reset_every=1).plan(5).rounds)
    assert [s.reset for s in Schedule(1, [1], 4, 1, reset_every=None).plan(5).rounds] == [
        True,
        False,
        False,
        False,
    ]


def test_evaluates_the_first_and_the_last_round_whatever_happens() -> None:
    rounds = Schedule(1, [1], 9, 1, evaluate_every=3).plan(9).rounds
    assert [step.number for step in rounds if step.evaluate] == [0, 3, 6, 8]


def test_the_whole_pool() -> None:
    assert [step.size for step in Schedule(None, [5], None, 1).plan(17).rounds] == [17]
    assert [step.size for step in Schedule(5, [10], None, 1).plan(17).rounds] == [5, 10, 2]


def test_shares_of_the_pool() -> None:
    """Of the whole pool, also later; to the nearest whole number, a half upwards."""
    rounds = Schedule("0.05%", ["1%", 40, "0.25%"], "2%", 1, agreement="10%").plan(1_000).rounds
    assert [step.size for step in rounds] == [1, 10, 9], "0.5 is 1, and the last query is cut to fit"
    assert [step.agreement for step in rounds] == [0, 100, 100]
    rounds = Schedule("0.25%", ["0.25%", "0.349%"], "1%", 1).plan(1_000).rounds
    assert [step.size for step in rounds] == [3, 3, 3, 1]
    assert [step.size for step in Schedule("100%", [1], None, 1).plan(7).rounds] == [7]


@pytest.mark.parametrize(
    ("sizes", "key"),
    [
        (("0.049%", 1, "2%"), "initial_size=0.049%"),
        ((1, "0.04%", 9), "query_size=0.04%"),
        ((1, 1, "0.01%"), "budget=0.01%"),
    ],
)
def test_a_share_without_a_sample(sizes: tuple[int | str, int | str, int | str], key: str) -> None:
    initial, query, budget = sizes
    with pytest.raises(InputError, match=f"^schedule.{key} is no sample: the pool has 1,000$"):
        Schedule(initial, [query], budget, 1).plan(1_000)


def test_a_share_has_one_form() -> None:
    """So the same experiment is the same folder."""
    spelled = validate(composed("schedule.budget=10.00%", "schedule.query_size=0.50%")).schedule.canonical()
    assert (spelled["budget"], spelled["query_size"]) == ("10%", ["0.5%"])


@pytest.mark.parametrize(("initial", "budget"), [(10, 101), (101, None), (20, 10)])
def test_impossible_sizes(initial: int, budget: int | None) -> None:
    with pytest.raises(InputError):
        Schedule(initial, [1], budget, 1).plan(100)


def test_a_run_ends_after_a_measured_round() -> None:
    """Predictions are compared in every round, metrics measured in some: the last one has to have them."""
    schedule = Schedule(1, [1], 9, 1, evaluate_every=3, agreement=10, criteria=[Stable(0.9, 1)])
    plan = schedule.plan(9)
    assert [step.agreement for step in plan.rounds] == [0] + [10] * 8
    stable = [{"n_queried": 1, "pool/kappa": 1.0}] * 9
    ends = [k for k in range(1, 9) if plan.next(stable[:k]) is None]
    assert ends == [1, 4, 7], "after rounds 0, 3 and 6"


def test_how_many_the_next_query_buys() -> None:
    plan = Schedule(5, [10, 3], 21, 1).plan(100)
    assert [plan.size_after(step) for step in plan.rounds] == [10, 3, 3, 3]
    (only,) = Schedule(5, [10], 5, 1).plan(100).rounds
    assert Schedule(5, [10], 5, 1).plan(100).size_after(only) == 5
