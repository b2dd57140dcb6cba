"""Addresses of data, without the passwords and tokens in them: no record, report or logger is told these."""

import re
from typing import TypeVar

HIDDEN = "***"
IN_ADDRESS = re.compile(r"(?<=://)[^/\s@'\"]+@")
"""Before a host: the name and password of a user, or a token."""
IN_QUERY = re.compile(
    r"(?i)([?&][\w.-]*(?:token|key|secret|password|passwd|signature|credential|sig)[\w.-]*=)[^&\s'\"#]+"
)
"""After it: what signs an address, or opens it."""
Plain = TypeVar("Plain")


def hidden(plain: Plain) -> Plain:
    """Plain values without what opens an address: `https://***@host/data.npz?token=***`.

    Args:
        plain: text, or lists and dictionaries with some.
    """
    if isinstance(plain, str):
        return IN_QUERY.sub(rf"\g<1>{HIDDEN}", IN_ADDRESS.sub(f"{HIDDEN}@", plain))  # type: ignore[return-value]
    if isinstance(plain, dict):
        return {key: hidden(value) for key, value in plain.items()}  # type: ignore[return-value]
    if isinstance(plain, list):
        return [hidden(value) for value in plain]  # type: ignore[return-value]
    return plain
