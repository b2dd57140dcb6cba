"""MedMNIST sets, found or downloaded from a server on this machine."""

import hashlib
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from medmnist import INFO

from al_runner.data.sets import medmnist
from al_runner.data.tasks import Binary, MultiClass, MultiLabel
from al_runner.errors import InputError
from tests.commands import Command

requests: list[str] = []


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        if self.command == "GET":
            requests.append(self.path)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A server on 127.0.0.1: its address, and the folder that it serves."""
    folder = tmp_path / "served"
    folder.mkdir()
    requests.clear()
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_port}", folder
    httpd.shutdown()


def official_like(path: Path, flag: str, edge: int = 28) -> str:
    """A small file with the shapes and labels of an official one; its checksum."""
    info, rng = INFO[flag], np.random.default_rng(0)
    dims = 3 if flag.endswith("3d") else 2
    shape = (edge,) * dims + ((3,) if info["n_channels"] == 3 else ())
    classes, multi = len(info["label"]), "multi-label" in info["task"]
    arrays = {}
    for split in ("train", "val", "test"):
        arrays[f"{split}_images"] = rng.integers(0, 256, (12, *shape), dtype=np.uint8)
        labels = rng.integers(0, 2, (12, classes)) if multi else rng.integers(0, classes, (12, 1))
        arrays[f"{split}_labels"] = labels.astype(np.uint8)
    np.savez(path, **arrays)
    return hashlib.md5(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("flag", sorted(INFO))
def test_every_set_in_its_smallest_size(flag: str, server: tuple[str, Path], tmp_path: Path) -> None:
    url, served = server
    md5 = official_like(served / f"{flag}.npz", flag)
    dataset = medmnist.load(flag, tmp_path / "data", url=f"{url}/{flag}.npz", md5=md5)
    info = INFO[flag]
    assert dataset.name == flag
    assert dataset.channels == info["n_channels"]
    assert len(dataset.image_size) == (3 if flag.endswith("3d") else 2)
    assert dataset.task.n_classes == len(info["label"]) == len(dataset.class_names)
    assert isinstance(dataset.task, MultiLabel if "multi-label" in info["task"] else MultiClass)


def test_one_finding_of_many(tmp_path: Path) -> None:
    """Against the rest, and against images without any label: as the file's labels say."""
    place = tmp_path / "medmnist"
    place.mkdir()
    official_like(place / "chestmnist.npz", "chestmnist")
    with np.load(place / "chestmnist.npz") as file:
        arrays = dict(file)
    for split in ("train", "val", "test"):
        arrays[f"{split}_labels"][:5] = 0
    np.savez(place / "chestmnist.npz", **arrays)
    md5 = hashlib.md5((place / "chestmnist.npz").read_bytes()).hexdigest()
    chest = partial(medmnist.load, "chestmnist", tmp_path, md5=md5)
    many, rest, none = chest(), chest(finding="Pneumonia"), chest(finding="pneumonia", against="no_finding")
    assert rest.class_names == ("no pneumonia", "pneumonia")
    assert none.class_names == ("No Finding", "pneumonia")
    assert isinstance(rest.task, Binary)
    assert isinstance(none.task, Binary)
    for split in ("train", "val", "test"):
        images, labels = arrays[f"{split}_images"], arrays[f"{split}_labels"]
        assert rest.splits[split].targets.tolist() == labels[:, 6].tolist()
        assert (rest.splits[split].images[:, 0].numpy() == images).all()
        kept = [i for i in range(12) if labels[i, 6] or not labels[i].any()]
        assert 5 < len(kept) < 12
        assert none.splits[split].targets.tolist() == labels[kept, 6].tolist()
        assert (none.splits[split].images[:, 0].numpy() == images[kept]).all()
    assert len({many.fingerprint, rest.fingerprint, none.fingerprint}) == 3
    with pytest.raises(InputError, match=r"finding=cough: there are atelectasis, cardiomegaly, .*hernia$"):
        chest(finding="cough")
    with pytest.raises(InputError, match=r"against=no_finding says nothing without dataset.finding"):
        chest(against="no_finding")
    md5 = official_like(place / "bloodmnist.npz", "bloodmnist")
    with pytest.raises(InputError, match="bloodmnist has one label for each image, not several"):
        medmnist.load("bloodmnist", tmp_path, md5=md5, finding="basophil")


def test_other_sizes_have_files_of_their_own(server: tuple[str, Path], tmp_path: Path) -> None:
    url, served = server
    md5 = official_like(served / "x.npz", "bloodmnist", edge=64)
    dataset = medmnist.load("bloodmnist", tmp_path, size=64, url=f"{url}/x.npz", md5=md5)
    assert dataset.image_size == (64, 64)
    assert (tmp_path / "medmnist" / "bloodmnist_64.npz").is_file()


def test_real_file_from_a_mirror(server: tuple[str, Path], data_dir: Path, tmp_path: Path) -> None:
    url, served = server
    shutil.copy(data_dir / "medmnist" / "breastmnist.npz", served / "b.npz")
    assert len(medmnist.load("breastmnist", tmp_path, url=f"{url}/b.npz").train) == 546
    assert len(medmnist.load("breastmnist", tmp_path, url=f"{url}/gone.npz").train) == 546, "not asked twice"


def test_many_at_once_download_once(server: tuple[str, Path], tmp_path: Path) -> None:
    url, served = server
    md5 = official_like(served / "p.npz", "pathmnist")
    with ThreadPoolExecutor(4) as pool:
        jobs = [
            pool.submit(medmnist.load, "pathmnist", tmp_path / "data", url=f"{url}/p.npz", md5=md5)
            for _ in range(4)
        ]
    assert len({job.result().fingerprint for job in jobs}) == 1
    assert requests.count("/p.npz") <= 2, (
        "torchvision asks twice for one download: for redirects, for the file"
    )


def test_a_wrong_checksum_leaves_no_file(server: tuple[str, Path], tmp_path: Path) -> None:
    url, served = server
    official_like(served / "b.npz", "breastmnist")
    with pytest.raises(InputError, match=r"put it at .*breastmnist\.npz"):
        medmnist.load("breastmnist", tmp_path, url=f"{url}/b.npz")
    assert [p.name for p in (tmp_path / "medmnist").iterdir() if not p.name.endswith(".lock")] == []


def test_no_network_says_where_to_put_the_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"organsmnist\.npz \(MD5"):
        medmnist.load("organsmnist", tmp_path, url="http://127.0.0.1:9/organsmnist.npz")


def test_organmnist_through_the_command(server: tuple[str, Path], al_run: Command, tmp_path: Path) -> None:
    """`al-run strategy=entropy dataset=organmnist` downloads OrganSMNIST, and then finds it in place."""
    url, served = server
    md5 = official_like(served / "o.npz", "organsmnist")
    sizes = ["schedule.initial_size=4", "schedule.query_size=4", "schedule.budget=8", "schedule.epochs=1"]
    arguments = ["strategy=entropy", "dataset=organmnist", f"dataset.md5={md5}", "logger=none", *sizes]
    arguments.append(f"data_dir={tmp_path / 'data'}")
    folder = al_run.run_folder(*arguments, f"dataset.url={url}/o.npz")
    assert folder.parts[-3:-1] == ("organsmnist", "entropy")
    assert (tmp_path / "data" / "medmnist" / "organsmnist.npz").is_file()
    requests.clear()
    again = al_run.run_folder(*arguments, f"dataset.url={url}/o.npz", "output_dir=again")
    assert (again / "queries.csv").read_bytes() == (folder / "queries.csv").read_bytes()
    assert requests == []


def test_unknown_set_and_size(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="organsmnist"):
        medmnist.load("organmnist", tmp_path)
    with pytest.raises(InputError, match="sizes 28, 64"):
        medmnist.load("organmnist3d", tmp_path, size=128)
