import pytest

from al_runner.loop.schedule import FinalModel, Schedule
from al_runner.runs import display as progress
from al_runner.runs.display import Display


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, in the first entry."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def row(number: int, n_queried: int = 10) -> dict[str, object]:
    scores = {"val/accuracy": 0.5, "test/accuracy": 0.25}
    return {"round": number, "n_labeled": 10 * (number + 1), "n_queried": n_queried, **scores}


def test_plain_lines_without_a_terminal(capsys: pytest.CaptureFixture[str], clock: list[float]) -> None:
    display = Display("phantom entropy seed 0", Schedule(10, [10], 40, 100).plan(50).rounds, "accuracy")
    with display.showing(0):
        display.stage("fit", display.rounds[0])
        display.epoch(3, 100)
        clock[0] = 61
        display.epoch(4, 100)
        clock[0] = 70
        display.epoch(5, 100)
        display.round(row(0))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "phantom entropy seed 0  round 0/3  training, epoch 4/100"
    assert lines[1].startswith(
        "phantom entropy seed 0  round 0/3  10 labels  val/accuracy 0.500  test/accuracy 0.250"
    )
    assert len(lines) == 2


def test_time_left_follows_the_cost_of_the_rounds(
    capsys: pytest.CaptureFixture[str], clock: list[float]
) -> None:
    display = Display("run", Schedule(10, [10], 40, 1000).plan(50).rounds, "accuracy")
    with display.showing(1):  # round 0 was complete before this start and says nothing of its speed
        clock[0] = 22  # round 1: 20 labels × 1000 epochs + 2000
        display.round(row(1))
        clock[0] = 54  # round 2: 30 × 1000 + 2000
        display.round(row(2))
        clock[0] = 96
        display.round(row(3))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].endswith("1:15 left")  # 32 + 42 seconds, rounded up
    assert lines[1].endswith("0:43 left")
    assert lines[2].endswith("test/accuracy 0.250")


def test_nobody_knows_how_long_people_take(capsys: pytest.CaptureFixture[str], clock: list[float]) -> None:
    display = Display("run", Schedule(10, [10], 40, 1000).plan(50).rounds, "accuracy", waits=True)
    with display.showing(0):
        clock[0] = 22
        display.round(row(0))
    assert capsys.readouterr().err.rstrip().endswith("test/accuracy 0.250")


def test_the_final_model_is_no_round(capsys: pytest.CaptureFixture[str], clock: list[float]) -> None:
    plan = Schedule(10, [10], 20, 1, final_model=FinalModel(200)).plan(50)
    display = Display("run", plan.longest, "accuracy")
    with display.showing(0):
        for step in plan.rounds:
            display.stage("fit", step)
            display.round(row(step.number))
        display.stage("fit", plan.longest[-1])
        clock[0] = 62
        display.epoch(100, 200)
        display.round(row(2, n_queried=0))
    assert [line.split("  ")[1:3] for line in capsys.readouterr().err.splitlines()] == [
        ["round 0/1", "10 labels"],
        ["round 1/1", "20 labels"],
        ["final model", "training, epoch 100/200"],
        ["final model", "30 labels"],
    ]


def test_a_target_may_come_before_the_final_model(
    capsys: pytest.CaptureFixture[str], clock: list[float]
) -> None:
    plan = Schedule(10, [10], 50, 1, final_model=FinalModel(200)).plan(50)
    display = Display("run", plan.longest, "accuracy")
    with display.showing(0):
        display.stage("fit", plan.rounds[0])
        display.round(row(0))
        display.stage("fit", FinalModel(200).round(1))
        display.round(row(1, n_queried=0))
    assert capsys.readouterr().err.splitlines()[-1] == (
        "run  final model  20 labels  val/accuracy 0.500  test/accuracy 0.250"
    )
