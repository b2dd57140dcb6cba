"""Weights & Biases."""

import logging
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import requests
from requests.utils import get_netrc_auth

from al_runner.data.addresses import hidden
from al_runner.data.dataset import Split
from al_runner.runs.loggers.base import RunInfo, as_logged
from al_runner.values import Named, Natural

if TYPE_CHECKING:
    import wandb  # imported when a run starts, inside the guard: a broken installation stops no run


SETTINGS: dict[str, Any] = {
    "silent": True,
    "console": "off",
    "init_timeout": 30,
    "finish_timeout": 60,  # without a network, the end of a run would wait for it without limit
    "reinit": "finish_previous",  # in a sweep, each job has a W&B run of its own
}


CLOUD = ("https://api.wandb.ai", "https://api.forge.coreweave.com")
"""W&B's own service, by the names that it has had."""
SHORT_SECONDS = 5
"""How long the server may take to answer before a run is logged offline."""


class WeightsAndBiases:
    """One W&B run for one al-runner run: the same id, so a resumed run goes on in the same place.

    The number of a round is its step. Offline, W&B knows nothing of what was logged before a run was stopped:
    what it lacks of the rounds before is logged again.

    Each round logs the row of `rounds.csv` with `n_labeled` as the x axis of every metric, and the queried
    samples as a table with their images; the two CSV files are uploaded as an artifact at the end.

    Args:
        project: W&B project.
        entity: W&B user or team; the account's default if None.
        mode: `auto` = online where an account is configured on this machine, else offline.
        max_images: images a round in the table of queried samples; 0 = no table.
    """

    def __init__(
        self,
        project: Named = "al-runner",
        entity: Named | None = None,
        mode: Literal["auto", "online", "offline", "disabled"] = "auto",
        max_images: Natural = 32,
    ) -> None:
        self.project, self.entity, self.mode, self.max_images = project, entity, mode, max_images

    def start(self, run: RunInfo) -> None:
        """Start or resume the W&B run."""
        import wandb

        self.wandb, self.info = wandb, run
        logging.raiseExceptions = False  # on a full disk, each line of W&B's own log would print a traceback
        with told_no_secrets():
            self.run = wandb.init(
                project=self.project,
                entity=self.entity,
                id=run.identity,
                name=run.name,
                group=run.group,
                resume="allow",
                mode=self._mode(),
                dir=run.folder,
                config=dict(run.config),
                settings=wandb.Settings(**SETTINGS),
            )
        self.run.define_metric("n_labeled")
        self.run.define_metric("*", step_metric="n_labeled")
        for row in run.history:
            if row["round"] >= self.run.step:
                self.run.log(as_logged(row), step=int(row["round"]))

    def _mode(self) -> Any:
        if self.mode == "auto" and "WANDB_MODE" in os.environ:
            return None  # W&B reads it itself
        if self.mode != "auto":
            return self.mode
        if not has_account():
            return "offline"
        if why := unreachable():
            words = "the run is logged offline: wandb sync sends it later"
            print(f"al-run: W&B cannot be reached ({why}); {words}", file=sys.stderr)
            return "offline"
        return "online"

    def log_round(self, row: Mapping[str, object], queries: Sequence[Mapping[str, object]]) -> None:
        """Log a round's row and what was queried."""
        some = queries[: self.max_images]
        queried = {"queried": self._table(some)} if some else {}
        self.run.log({**as_logged(row), **queried}, step=int(str(row["round"])))

    def _table(self, queries: Sequence[Mapping[str, object]]) -> "wandb.Table":
        """What was queried, with its images."""
        table = self.wandb.Table(columns=["rank", "index", "label", "score", "image"])
        for query in queries:
            score = float(str(query["score"])) if query["score"] != "" else None
            image = self.wandb.Image(picture(self.info.train, int(str(query["index"]))))
            table.add_data(query["rank"], query["index"], query["label"], score, image)
        return table

    def finish(self, status: str) -> None:
        """Upload the record's two CSV files and end the W&B run."""
        self.run.summary["status"] = status
        artifact = self.wandb.Artifact(f"record-{self.info.identity}", type="record")
        for name in ("rounds.csv", "queries.csv"):
            path = self.info.folder / name
            if path.is_file():
                artifact.add_file(str(path))
        self.run.log_artifact(artifact)
        self.run.finish(exit_code=0 if status in ("finished", "waiting") else 1)


@contextmanager
def told_no_secrets() -> Iterator[None]:
    """W&B keeps the command as it was typed; here without passwords in addresses."""
    typed, sys.argv = sys.argv, hidden(sys.argv)
    try:
        yield
    finally:
        sys.argv = typed


def picture(split: Split, index: int) -> np.ndarray[Any, Any]:
    """A sample as a picture, uint8 [H, W] or [H, W, 3]; of a volume its middle slice."""
    image = split.images[index].cpu()
    if image.ndim == 4:
        image = image[:, image.shape[1] // 2]
    return (image[:3].movedim(0, -1) if len(image) >= 3 else image[0]).numpy()


def has_account() -> bool:
    """Whether a W&B key is configured on this machine (variable or netrc), without asking the network."""
    host = _host()
    hosts = CLOUD if host in CLOUD else (host,)
    return bool(os.environ.get("WANDB_API_KEY") or any(map(get_netrc_auth, hosts)))


def unreachable() -> str | None:
    """Why W&B's server does not answer, after a short try; None where it does, whatever it says."""
    try:
        requests.head(_host(), timeout=SHORT_SECONDS)
    except requests.RequestException as error:
        return type(error).__name__
    return None


def _host() -> str:
    """Where W&B is: in the environment, or where `wandb login --host` has written it."""
    import wandb

    return os.environ.get("WANDB_BASE_URL") or str(wandb.setup().settings.base_url)
