"""The interpolations of our own that the configs use.

The command imports them before Hydra starts: before each job, Hydra gives a worker's process the resolvers of
the main process, and takes away those that only the worker has.
"""

from pathlib import Path

from omegaconf import OmegaConf


def stem(path: object) -> str:
    """`${stem:folder/scans.npz}` is `scans`. What is no path is refused where the file is read."""
    return Path(str(path)).stem


OmegaConf.register_new_resolver("stem", stem, replace=True)
