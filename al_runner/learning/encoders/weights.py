"""Files of weights."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from al_runner.data.formats.arrays import check_size
from al_runner.errors import InputError
from al_runner.files import digest

NESTED = ("state_dict", "model_state_dict", "model", "network")
"""Keys below which training scripts keep weights."""
PREFIXES = ("", "module.", "model.", "network.", "module.model.", "module.network.")
"""Of names, by what wrapped the network when it was saved."""
WRAPPED = "network."
"""Of names in networks that pad their images."""
KEYS_SHOWN = 3
"""Names of weights that an error lists."""


def read_state(path: Path) -> dict[str, Tensor]:
    """The weights in a file of PyTorch's, by their names; also where they are nested, as in checkpoints.

    Raises:
        InputError: there are none.
    """
    check_size(path)
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of damaged content, PyTorch raises many kinds: nothing else runs here
        why = getattr(error, "strerror", None) or " ".join(str(error).split())[:160]
        raise InputError(f"encoder.file={path}: cannot read weights: {why}") from error
    for key in NESTED:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping):
        raise InputError(f"encoder.file={path} has no weights by their names, but a {type(content).__name__}")
    found = {str(name): each for name, each in content.items() if isinstance(each, Tensor)}
    if not found:
        raise InputError(f"encoder.file={path} has no weights by their names")
    return found


def load_state(network: nn.Module, state: Mapping[str, Tensor], needed: Collection[str], path: Path) -> None:
    """Load weights into a network of their architecture.

    A classifier of another number of classes is left as it was, for the features do not depend on it.

    Args:
        network: gets them.
        state: by name; a prefix that some wrapper left is taken off.
        needed: the names that the features depend on.
        path: of the file, for messages.

    Raises:
        InputError: needed ones are missing or of another shape, or there are others that the network lacks.
    """
    own = network.state_dict()
    state = renamed(state, own)
    missing = [name for name in needed if name not in state and not name.endswith("num_batches_tracked")]
    unexpected = [name for name in state if name not in own]
    shared = {name for name in state if name in own}
    other = [name for name in sorted(shared) if name in needed and own[name].shape != state[name].shape]
    faults = [
        f"{what} {listed(sorted(names))}"
        for what, names in (("lacks", missing), ("also has", unexpected), ("has of another shape", other))
        if names
    ]
    if faults:
        raise InputError(
            f"encoder.file={path} is not of encoder.model's architecture: it {', '.join(faults)}"
        )
    fitting = {name: state[name] for name in shared if own[name].shape == state[name].shape}
    network.load_state_dict({**own, **fitting})


def renamed(state: Mapping[str, Tensor], own: Collection[str]) -> dict[str, Tensor]:
    """Weights by the names of a network, whatever wrapped the one that they are from, or wraps this one."""
    names = [{name: name.removeprefix(prefix) for name in state} for prefix in PREFIXES]
    names.append({name: WRAPPED + name for name in state})
    best = max(names, key=lambda each: len(set(own) & set(each.values())))
    return {best[name]: each for name, each in state.items()}


def listed(names: list[str]) -> str:
    """Some names, and how many more there are."""
    more = f" and {len(names) - KEYS_SHOWN} more" if len(names) > KEYS_SHOWN else ""
    return ", ".join(names[:KEYS_SHOWN]) + more


def digest_of_file(file: str) -> str:
    """SHA-256 of a user's file.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return digest(Path(file).expanduser())
    except OSError as error:
        raise InputError(f"encoder.file={file}: {error.strerror or error}") from error
