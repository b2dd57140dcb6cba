"""The jobs of a sweep, looked at before one of them begins."""

import copy
import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

from omegaconf import DictConfig, open_dict
from omegaconf.errors import (
    InterpolationKeyError,
    InterpolationResolutionError,
    UnsupportedInterpolationType,
)

from al_runner.errors import InputError


def check(jobs: Sequence[tuple[str, ...]], configs: Iterable[DictConfig], at_once: bool) -> None:
    """Refuse a sweep because of one of its jobs, as far as this takes nothing heavy.

    Args:
        jobs: each job's overrides.
        configs: each job's config.
        at_once: whether jobs run at the same time, so that two that are the same would write one folder.

    Raises:
        InputError: as the job itself would, or names a job that is listed twice.
    """
    from al_runner.config.schema import checked

    known: set[bytes] = set()
    for words, config in zip(jobs, configs, strict=True):
        if (plain := values(config)) is None:
            continue
        checked(plain)
        job = hashlib.sha256(json.dumps(plain, sort_keys=True, default=str).encode()).digest()
        if at_once and job in known:
            raise InputError(
                f"the sweep lists a job twice: {_own(words, jobs)}; give each key and value once"
            )
        known.add(job)


def values(config: DictConfig) -> dict[str, Any] | None:
    """A job's config as plain values; None where only the job can tell, by its number or its environment.

    Raises:
        InputError: a value is missing, or an interpolation names no key.
    """
    from al_runner.config.schema import to_dict

    config = copy.deepcopy(config)
    with open_dict(config):
        del config["hydra"]
    try:
        return to_dict(config)
    except InputError as error:
        if _is_resolvers(error.__cause__):
            return None
        raise


def _is_resolvers(error: BaseException | None) -> bool:
    """Whether a resolver failed, such as `oc.env` or `hydra`."""
    fails = isinstance(error, InterpolationResolutionError | UnsupportedInterpolationType)
    return fails and not isinstance(error, InterpolationKeyError)


def _own(words: Sequence[str], jobs: Sequence[tuple[str, ...]]) -> str:
    """What a job does not have in common with all others."""
    common = set.intersection(*map(set, jobs))
    return " ".join(word for word in words if word not in common) or "all are alike"
