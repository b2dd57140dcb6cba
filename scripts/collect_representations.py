"""The reports of scripts/study_representations.sh in two CSV files and one table.

    python scripts/collect_representations.py outputs/representations docs/results/representations

Reads `reports/<recipe>/<set>/<budget>/tables` below the first folder. Writes `representations.csv` (a row for
each recipe, set, budget and strategy) and `representations_curves.csv` (a row for each number of labels) into
the second one, and prints the first as Markdown, with the strategies that are better than random.
"""

import argparse
import csv
import math
from collections.abc import Iterator
from pathlib import Path

LAST = "the baseline's last score"
FIELDS = ["recipe", "set", "budget", "strategy", "finding", "seeds", "mean", "low", "high", "difference",
          "difference low", "difference high", "p", "p (Holm)", "score", "labels needed", "labels needed low",
          "labels needed high", "random needs", "random needs low", "random needs high"]  # fmt: skip
NAMES = {
    f"{ours}{end}": f"{short}{end}".strip()
    for ours, short in (("mean over the budget", "mean"), ("the baseline needs", "random needs"))
    for end in ("", " low", " high")
} | {"mean over the budget low": "low", "mean over the budget high": "high"}


def table(folder: Path, name: str) -> list[dict[str, str]]:
    """The rows of a report's table."""
    (path,) = folder.glob(f"*_{name}.csv")
    with path.open(newline="", encoding="utf-8") as file:
        return [{NAMES.get(key, key): value for key, value in row.items()} for row in csv.DictReader(file)]


def reports(out: Path) -> Iterator[tuple[dict[str, str], Path]]:
    """What each report is of, and the folder of its tables."""
    for folder in sorted(out.glob("reports/*/*/*/tables")):
        recipe, data, budget = folder.parts[-4:-1]
        yield {"recipe": recipe, "set": data, "budget": budget}, folder


def results(out: Path) -> Iterator[dict[str, str]]:
    """A row for each arm: what it was over the budget, and what it needs."""
    for of, folder in reports(out):
        needs = {row["strategy"]: row for row in table(folder, "labels_needed") if row["target"] == LAST}
        for row in table(folder, "summary"):
            yield {**of, **row, **needs.get(row["strategy"], {})}


def curves(out: Path) -> Iterator[dict[str, str]]:
    """A row for each arm and number of labels, of the reports of the whole budget."""
    for of, folder in reports(out):
        if of["budget"] == "100":
            continue
        for row in table(folder, "curves"):
            for strategy in (key for key in row if key != "labels" and f"{key} low" in row):
                mean, low, high = (_short(row[f"{strategy}{end}"]) for end in ("", " low", " high"))
                yield {
                    **of,
                    "strategy": strategy,
                    "labels": row["labels"],
                    "mean": mean,
                    "low": low,
                    "high": high,
                }


def _short(value: str) -> str:
    """Four decimals are what any interval here allows."""
    try:
        number = float(value)
    except ValueError:
        return value
    return value if number.is_integer() or math.isinf(number) else f"{number:.4g}"


def write(path: Path, fields: list[str], rows: list[dict[str, str]]) -> None:
    """A CSV file of some columns."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fields, extrasaction="ignore", restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def markdown(rows: list[dict[str, str]]) -> Iterator[str]:
    """The arms that are better than random, as a table."""
    yield "| recipe | set | up to | strategy | difference in mean AUROC | p (Holm) | needs | random needs |"
    yield "|---|---|---|---|---|---|---|---|"
    for row in rows:
        if row["finding"] == "better":
            spread = f"+{float(row['difference']):.3f} [{float(row['difference low']):+.3f}, "
            spread += f"{float(row['difference high']):+.3f}]"
            needs = [
                _needs(row, f"{who} need{'ed' if who == 'labels' else 's'}") for who in ("labels", "random")
            ]
            p = float(row["p (Holm)"])
            shown = "< .001" if p < 0.001 else f"{p:.3f}".removeprefix("0")
            cells = [row["recipe"], row["set"], row["budget"], row["strategy"], spread, shown, *needs]
            yield f"| {' | '.join(cells)} |"


def _needs(row: dict[str, str], key: str) -> str:
    value, low, high = (row.get(f"{key}{end}") or "inf" for end in ("", " low", " high"))
    if value == "inf":
        return "not reached"
    return f"{float(value):.0f} [{float(low):.0f}, {'…)' if high == 'inf' else f'{float(high):.0f}]'}"


def main() -> None:
    """Read the reports and write the files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="the folder of the study")
    parser.add_argument("to", type=Path, help="where the CSV files go")
    arguments = parser.parse_args()
    rows = list(results(arguments.out))
    short = [{key: _short(value) for key, value in row.items()} for row in rows]
    write(arguments.to / "representations.csv", FIELDS, short)
    points = list(curves(arguments.out))
    fields = ["recipe", "set", "strategy", "labels", "mean", "low", "high"]
    write(arguments.to / "representations_curves.csv", fields, points)
    print("\n".join(markdown(rows)))


if __name__ == "__main__":
    main()
