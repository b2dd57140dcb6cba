"""Hostile files, and secrets, as `SECURITY.md` has it; `scripts/campaign.py hostile` tries more."""

import csv
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from attacks.damages import archive, header, nifti, png
from attacks.hostile import Payload

from al_runner.config.own_code import own_code
from al_runner.data.addresses import hidden
from al_runner.data.formats import arrays, masks, pictures
from al_runner.data.formats.volume import read_image
from al_runner.data.layouts import sheet, workbooks
from al_runner.data.sets.download import ensure
from al_runner.data.sets.npz import load
from al_runner.errors import InputError
from al_runner.files import as_meant, no_formula
from al_runner.learning import states
from al_runner.learning.encoders.weights import read_state
from al_runner.people import table
from al_runner.people.asked import Asked, Question
from al_runner.report.contents import Table
from al_runner.runs.last_model import last_model
from al_runner.runs.record import read_manifest
from al_runner.runs.rounds import ClosedRound


def test_a_secret_in_an_address_is_hidden() -> None:
    told = hidden({"a": ["x.url='https://me:pa55@host/a.npz?api_key=k77&page=2'", 3, None]})
    assert told == {"a": ["x.url='https://***@host/a.npz?api_key=***&page=2'", 3, None]}
    for plain in ("https://host/a.npz?page=2", "dataset=npz", "user@host", "a:b@c"):
        assert hidden(plain) == plain


def test_a_download_that_fails_tells_no_secret(tmp_path: Path) -> None:
    url = "https://me:pa55word@host.invalid/a.npz?api_key=k77"
    with pytest.raises(InputError, match=r"cannot download https://\*\*\*@host") as error:
        ensure(tmp_path / "a.npz", url, "0")
    assert "pa55word" not in str(error.value)
    assert "k77" not in str(error.value)


def test_spreadsheets_compute_no_name() -> None:
    for name in ("=1+1", "+cmd|x", "-x", "@SUM(1)", "\tx"):
        assert no_formula(name) == f"'{name}"
        assert as_meant(no_formula(name)) == name
    for other in ("-0.5", "-inf", "a=1", "-", "", 3, -2.5, None, "'tis"):
        assert no_formula(other) == other
    assert as_meant("'tis") == "'tis"


def test_tables_for_people_hold_no_formulas(tmp_path: Path) -> None:
    table.write(tmp_path, [Question("=a.png", "train", 3, "@b")])
    (row,) = csv.DictReader((tmp_path / "to_label.csv").open())
    assert (row["file"], row["patient"], row["index"]) == ("'=a.png", "'@b", "3")
    assert list(table.readers(tmp_path / "to_label.csv")) == ["=a.png"]
    shown = Table("x", "X", ("strategy", "score"), (("=a", -0.5),))
    assert shown.csv().splitlines()[1] == "'=a,-0.5"


@pytest.mark.parametrize("name", ["a.npz", "a.npy", "a.pt", "old.pt", "raw.pt"])
def test_pickles_are_not_loaded(tmp_path: Path, name: str) -> None:
    path, trace = tmp_path / name, tmp_path / "trace"
    evil = Payload(trace)
    read: dict[str, Callable[[Path], object]] = {".npz": load, ".npy": arrays.read, ".pt": read_state}
    if name == "a.npz":
        np.savez(
            path,
            **{f"{s}_{p}": np.array([evil]) for s in ("train", "val", "test") for p in ("images", "labels")},
        )
    elif name == "a.npy":
        np.save(path, np.array([evil]), allow_pickle=True)
    elif name == "raw.pt":
        path.write_bytes(pickle.dumps(evil))
    else:
        torch.save({"w": evil}, path, _use_new_zipfile_serialization=name == "a.pt")
    readers = [read[path.suffix], *([states.read] if path.suffix == ".pt" else [])]
    for each in readers:
        with pytest.raises(InputError):
            each(path)
    assert not trace.exists()


def claiming(path: Path, size: int) -> Path:
    """An archive whose directory says that a file in it is larger."""
    path.write_bytes(
        archive(train_images__npy=b"x" * 1000).replace(
            (1000).to_bytes(4, "little"), size.to_bytes(4, "little")
        )
    )
    return path


def test_a_damaged_table_is_told_in_one_line(tmp_path: Path) -> None:
    """pyarrow's words end with a line break."""
    import pyarrow
    from pyarrow import parquet

    path = tmp_path / "a.parquet"
    parquet.write_table(pyarrow.table({"file": [f"{k}.png" for k in range(40)]}), path)
    content = path.read_bytes()
    for place in range(4, 40):
        path.write_bytes(content[:place] + b"\xff" + content[place + 1 :])
        with pytest.raises(InputError) as error:
            sheet.read(path)
        assert "\n" not in str(error.value), place


def test_what_claims_more_than_memory_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrays.os, "sysconf", lambda _: 2**14)  # pages of 16 KiB, 16 Ki of them: 268 MB
    path = claiming(tmp_path / "a.npz", 4_000_000_000)
    with pytest.raises(InputError, match=r"a\.npz holds 4 GB, more than this machine's memory \(0 GB\)"):
        load(path)
    with pytest.raises(InputError, match="holds 4 GB"):
        read_state(path)
    with pytest.raises(InputError, match="holds 4 GB"):
        sheet.read(path.rename(tmp_path / "a.xlsx"))
    volume = tmp_path / "a.nii.gz"
    volume.write_bytes(nifti(700))
    assert nibabel.load(volume).shape == (700, 700, 700)
    with pytest.raises(InputError, match=r"a\.nii\.gz holds 1 GB"):
        read_image(volume, 1)


def test_what_claims_more_than_it_has_is_damaged(tmp_path: Path) -> None:
    huge = header((12_500, 10_000, 1000))
    (tmp_path / "a.npy").write_bytes(huge)
    with pytest.raises(InputError, match="no array of NumPy's, or a damaged one"):
        arrays.read(tmp_path / "a.npy")
    names = {
        f"{split}_{part}__npy": huge for split in ("train", "val", "test") for part in ("images", "labels")
    }
    (tmp_path / "a.npz").write_bytes(archive(**names))
    with pytest.raises(InputError, match=r"a\.npz is damaged"):
        load(tmp_path / "a.npz")


@pytest.mark.parametrize("edge", [60_000, 2**31 - 1, 0])
def test_images_of_too_many_pixels(tmp_path: Path, edge: int) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png(edge))
    for read in (masks.read, pictures.shape, lambda each: pictures.read(each, 8, 1)):
        with pytest.raises(InputError) as error:
            read(path)
        assert "\n" not in str(error.value)


def test_a_config_that_was_edited_is_not_built(finished: tuple[Path, list[str]], tmp_path: Path) -> None:
    shutil.copytree(finished[0], tmp_path / "copy")
    (path,) = (tmp_path / "copy").rglob(".hydra/config.yaml")
    content = path.read_text()
    for other in (
        content.replace("width: 2", "width: 3"),
        content[:100],
        "- a list",
        "\0",
        content + "seed: [\n",
    ):
        path.write_text(other)
        with pytest.raises(InputError, match=r"config\.yaml (is not as al-run wrote it|cannot be read)"):
            last_model(path.parents[1])


@pytest.mark.parametrize("name", ["manifest.json", "round_0/round.json", "asked.json"])
def test_nested_without_end(finished: tuple[Path, list[str]], tmp_path: Path, name: str) -> None:
    shutil.copytree(finished[0], tmp_path / "copy")
    (manifest,) = (tmp_path / "copy").rglob("manifest.json")
    (manifest.parent / name).write_text('{"a":' * 100_000)
    read = {"manifest.json": read_manifest, "asked.json": Asked.read}.get(
        name, lambda folder: ClosedRound.read(folder / "round_0")
    )
    with pytest.raises(InputError, match="is not as al-run wrote it"):
        read(manifest.parent)


def test_what_is_installed_elsewhere_is_no_code_of_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clusters let a Python see the packages of another one."""
    for place in ("site-packages", "mine"):
        (tmp_path / place).mkdir()
        (tmp_path / place / f"of_{place[:4]}.py").write_text("")
        monkeypatch.syspath_prepend(tmp_path / place)
    assert list(own_code([{"_target_": "of_site.x"}, {"_target_": "of_mine.x"}])) == ["of_mine"]


def test_a_small_table_of_many_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow
    from pyarrow import parquet

    monkeypatch.setattr(workbooks, "MOST_ROWS", 3)
    parquet.write_table(pyarrow.table({"file": ["a"] * 4}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="has 4 rows; 3 at most"):
        sheet.read(tmp_path / "a.parquet")
