"""Which numbers a network computes with on a GPU, and which of them is fastest for this one."""

import time
from collections.abc import Callable, Iterable
from typing import Literal, get_args

import torch

Precision = Literal["32", "tf32", "bf16"]
"""Exact first: float32; float32 whose products are rounded to 10 bits (TF32); autocast to bfloat16."""

PRECISIONS: tuple[Precision, ...] = get_args(Precision)

WORTHWHILE = 0.95
"""A less exact precision is taken where its step takes at most this share of the time of a more exact one."""
ROUNDS = 3
"""Times that each precision has its turn: the fastest turn counts, since others only disturb."""
AMPERE = 8
"""The compute capability from which a card has TF32 and bfloat16."""


def available(capability: tuple[int, int]) -> tuple[Precision, ...]:
    """What a card of this compute capability computes natively, the most exact first.

    >>> available((7, 5))
    ('32',)
    """
    return PRECISIONS if capability[0] >= AMPERE else ("32",)


def chosen(time_of: Callable[[Precision], float], among: Iterable[Precision]) -> Precision:
    """The fastest precision; a less exact one only where that saves time worth having.

    Args:
        time_of: seconds of a few training steps.
        among: the most exact first.

    >>> chosen({"32": 1.0, "tf32": 0.6, "bf16": 0.58}.__getitem__, ("32", "tf32", "bf16"))
    'tf32'
    """
    candidates = tuple(among)
    if len(candidates) == 1:
        return candidates[0]
    turns = [{each: time_of(each) for each in candidates} for _ in range(ROUNDS)]
    fastest = {each: min(turn[each] for turn in turns) for each in candidates}
    best = candidates[0]
    for each in candidates[1:]:
        if fastest[each] <= WORTHWHILE * fastest[best]:
            best = each
    return best


def allow_tf32(allowed: bool) -> None:
    """Whether CUDA may round the factors of float32 products to TF32, in this process from now on.

    PyTorch allows it for convolutions and not for matrix products unless told otherwise.
    """
    torch.backends.cudnn.allow_tf32 = allowed
    torch.backends.cuda.matmul.allow_tf32 = allowed


def seconds(step: Callable[[], object], device: torch.device, warm_up: int = 3, steps: int = 10) -> float:
    """What `steps` calls take, after some that do not count."""
    for _ in range(warm_up):
        step()
    finish(device)
    start = time.perf_counter()
    for _ in range(steps):
        step()
    finish(device)
    return time.perf_counter() - start


def finish(device: torch.device) -> None:
    """Wait for what the device still has to compute."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
