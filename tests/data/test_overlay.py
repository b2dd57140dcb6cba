"""Answers over targets."""

import numpy as np
import torch

from al_runner.data.dataset import Split
from al_runner.data.overlay import Overlay
from al_runner.data.words import MASK_NOT_TOLD, UNKNOWN_MASK


def masks(n: int, value: int) -> torch.Tensor:
    return torch.full((n, 3, 2), value, dtype=torch.uint8)


def test_it_is_what_a_changed_copy_would_be() -> None:
    below = torch.arange(5)[:, None, None].expand(5, 3, 2).to(torch.uint8)
    known = {1: masks(1, 7)[0], 4: masks(1, MASK_NOT_TOLD)[0]}
    found, copy = Overlay(below, known), below.clone()
    copy[1], copy[4] = 7, MASK_NOT_TOLD
    order = torch.tensor([4, 0, 1, 1])
    assert torch.equal(found[order], copy[order])
    assert torch.equal(found.whole(), copy)
    assert found.told().tolist() == [True] * 4 + [False]
    assert (found.dtype, found.ndim, len(found)) == (torch.uint8, 3, 5)
    assert below[1, 0, 0] == 1, "nothing below changes"
    assert len(found[torch.empty(0, dtype=torch.int64)]) == 0


def test_a_read_only_map_stays_one(tmp_path_factory: object) -> None:
    stored = np.full((6, 3, 2), UNKNOWN_MASK, np.uint8)
    stored.setflags(write=False)
    split = Split(
        torch.zeros(6, 1, 3, 2, dtype=torch.uint8), torch.from_numpy(stored), answers={2: masks(1, 1)[0]}
    )
    assert split.told.tolist() == [2]
    assert split.labels[split.told].flatten().tolist() == [1] * 6
    assert split.targets.data_ptr() == stored.ctypes.data, "it is no copy"
    assert Overlay(split.targets).whole() is split.targets
