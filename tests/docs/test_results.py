"""The pages of results say what the files beside them say."""

import re
import shutil
from pathlib import Path

import pytest
import result_pages
from result_pages import MARKED, RESULTS

from tests.docs.written import ROOT

TABLES = re.compile(r"(?:^\|[^\n]*\n)+", re.MULTILINE)
NUMBER = re.compile(r"\d")
PAGES = result_pages.pages(RESULTS)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The pages and their files, to be changed."""
    return Path(shutil.copytree(RESULTS, tmp_path / "results"))


def test_finds_the_pages() -> None:
    assert {"alda", "ideal", "representations", "technion", "warren"} <= set(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_what_its_files_make(page: str) -> None:
    assert [str(each) for each in result_pages.differences(RESULTS, page)] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_table_of_numbers_has_a_file(page: str) -> None:
    text = (RESULTS / f"{page}.md").read_text()
    made = {found["table"] for found in MARKED.finditer(text)}
    for table in TABLES.findall(text):
        cells = [cell for line in table.splitlines()[2:] for cell in line.strip("| ").split("|")[1:]]
        numeric = [cell for cell in cells if NUMBER.search(cell) and len(cell) < 45]
        assert table in made or len(numeric) < len(cells) / 2, table


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_its_commands_and_its_environment(page: str) -> None:
    for name in ("commands.sh", "environment.txt"):
        assert (RESULTS / page / name).read_text().strip()
    for name in (RESULTS / page).glob("*.csv"):
        assert f"{page}/{name.name}" in (RESULTS / f"{page}.md").read_text(), "a file that no page shows"


@pytest.mark.parametrize("page", PAGES)
def test_a_number_that_is_changed_is_found(
    page: str, copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = copied / f"{page}.md"
    true = path.read_text()
    *_, table = MARKED.finditer(true)
    *_, digit = re.finditer(r"\d", true[: table.end()])
    changed = str((int(digit.group()) + 1) % 10)
    path.write_text(true[: digit.start()] + changed + true[digit.end() :])
    assert result_pages.main(["--check"], copied) == 1
    said = capsys.readouterr().out
    assert f"{page}.md, {table['file']}" in said
    assert said.count("page: ") == 1
    assert result_pages.main([page], copied) == 0
    assert path.read_text() == true, "it is rebuilt"


def test_a_number_that_is_changed_in_a_file_is_found(copied: Path) -> None:
    path = copied / "representations" / "representations_curves.csv"
    rows = path.read_text().splitlines(keepends=True)
    at = next(k for k, row in enumerate(rows) if row.startswith("simclr,pneumoniamnist,k_means,100,"))
    mean = rows[at].split(",")[4]
    rows[at] = rows[at].replace(mean, "0.5", 1)
    path.write_text("".join(rows))
    (found,) = result_pages.differences(copied, "representations")
    assert found.where == "representations_pneumoniamnist.svg"


def test_a_page_that_is_the_source_writes_its_files(copied: Path) -> None:
    before = {path: path.read_bytes() for path in copied.rglob("*.csv")}
    assert result_pages.main(["--take"], copied) == 0
    assert {path: path.read_bytes() for path in copied.rglob("*.csv")} == before


def test_an_unknown_page_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        result_pages.main(["tecnion"])
    assert "no page tecnion; there are alda," in capsys.readouterr().err


def test_make_rebuilds_and_checks() -> None:
    assert "scripts/result_pages.py $(PAGE)" in (ROOT / "Makefile").read_text()
