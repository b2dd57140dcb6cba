import json
from pathlib import Path

import numpy as np
import pytest

from al_runner.report.cli import main
from al_runner.report.curves import Curve


def write_run(
    root: Path, strategy: str, seed: int, values: list[float], group: str = "g", **changed: str
) -> Path:
    folder = root / "phantom" / strategy / f"seed-{seed}-{group}"
    folder.mkdir(parents=True)
    manifest = {"name": "phantom", "strategy": strategy, "group": group, "setting": "s"}
    state = {"seed": seed, "status": "finished"}
    (folder / "manifest.json").write_text(json.dumps({**manifest, **state, **changed}))
    lines = [f"{k},{20 * (k + 1)},{value},0.5" for k, value in enumerate(values)]
    (folder / "rounds.csv").write_text(
        "\n".join(["round,n_labeled,test/accuracy,fit_seconds", *lines]) + "\n"
    )
    return folder


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    for seed, shift in enumerate((0.0, 0.02, -0.02)):
        write_run(tmp_path, "random", seed, [0.4 + shift, 0.6 + shift, 0.7 + shift])
        write_run(tmp_path, "entropy", seed, [0.4 + shift, 0.65 + shift, 0.75 + shift])
    return tmp_path


def test_table_and_saving(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([str(runs)])
    out = capsys.readouterr().out
    assert "0.750 ± 0.020" in out
    # Between 40 labels (0.65) and 60 labels (0.75), 0.70 is reached half-way: 50 of 60 labels.
    assert (
        "entropy reaches random's test/accuracy at 60 labels (0.700) with 50 labels: a saving of 17%." in out
    )
    assert "3 seeds cannot show a difference (the least p of an exact paired test is 0.25)" in out


def test_figure(runs: Path, tmp_path: Path) -> None:
    main([str(runs), "--out", str(tmp_path / "figures")])
    first = (tmp_path / "figures" / "phantom_learning_curve.svg").read_bytes()
    assert b"<svg" in first
    main([str(runs), "--out", str(tmp_path / "figures")])
    assert (tmp_path / "figures" / "phantom_learning_curve.svg").read_bytes() == first
    assert (tmp_path / "figures" / "phantom_learning_curve.png").stat().st_size > 1000


def test_runs_that_differ_are_not_mixed(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(runs, "entropy", 9, [0.1, 0.1, 0.1], group="other")
    main([str(runs)])
    out = capsys.readouterr().out
    assert "0.750 ± 0.020" in out
    assert "entropy [other] does not reach" in out


def test_settings_that_differ_are_not_compared(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(runs, "random", 0, [0.1, 0.1, 0.1], group="other", setting="width 32")
    main([str(runs)])
    out = capsys.readouterr().out
    assert "phantom [s]: test/accuracy" in out
    assert "phantom [width 32]: test/accuracy" in out
    assert out.count("a saving of 17%") == 1


def test_says_what_is_unfinished_and_what_is_not_there(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(runs, "margin", 0, [0.4], status="running")
    main([str(runs), "--baseline", "badge"])
    out = capsys.readouterr().out
    assert "Unfinished" in out
    assert "no runs of strategy=badge" in out
    for arguments, words in (
        ([str(runs / "nothing")], "no runs found"),
        ([str(runs), "--metric", "test/dice"], "there are test/accuracy"),
    ):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 2
        assert words in capsys.readouterr().err


def test_a_file_cut_short(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_run(runs, "margin", 0, [0.4, 0.5])
    (folder / "manifest.json").write_text('{"name": ')
    with pytest.raises(SystemExit):
        main([str(runs)])
    assert "manifest.json is not as al-run wrote it" in capsys.readouterr().err


@pytest.mark.parametrize("target", np.linspace(0.2, 0.9, 15))
def test_labels_to_reach_agrees_with_a_slow_twin(target: float) -> None:
    labels, values = np.array([10.0, 20, 40, 80]), np.array([[0.3, 0.5, 0.45, 0.8]])
    fine = np.linspace(10, 80, 700_001)
    reached = fine[np.interp(fine, labels, values[0]) >= target - 1e-9]
    ours = Curve(labels, values).labels_to_reach(target)
    assert ours == (pytest.approx(reached[0], abs=1e-3) if len(reached) else None)


def test_only_common_measurements_are_compared() -> None:
    rows = [
        [{"n_labeled": 10, "m": 1.0}, {"n_labeled": 20, "m": 2.0}],
        [{"n_labeled": 10, "m": 3.0}, {"n_labeled": 15}, {"n_labeled": 30, "m": 9.0}],
    ]
    curve = Curve.of(rows, "m")
    assert curve.labels.tolist() == [10]
    assert curve.values.tolist() == [[1], [3]]
    with pytest.raises(ValueError, match="in common"):
        Curve.of([rows[0][:1], rows[1][2:]], "m")
