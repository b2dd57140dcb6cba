import pytest
import torch

from al_runner.pool import Pool, Query


def test_keeps_the_order_of_purchase_and_the_labels() -> None:
    pool = Pool(6)
    pool.add(Query(torch.tensor([4, 1])), torch.tensor([40, 10]), 0)
    pool.add(Query(torch.tensor([2])), torch.tensor([20]), 1)
    assert pool.labeled.tolist() == [4, 1, 2]
    assert pool.labels.tolist() == [40, 10, 20]
    assert pool.labels.dtype == torch.int64
    assert pool.unlabeled.tolist() == [0, 3, 5]
    assert pool.acquired.tolist() == [-1, 0, 1, -1, 0, -1]


@pytest.mark.parametrize(
    ("indices", "size", "fault"),
    [
        ([1, 2], 3, "asked for 3"),
        ([1, 1], 2, "twice"),
        ([1, 6], 2, "outside"),
        ([-1, 2], 2, "outside"),
        ([0, 1], 2, "already"),
    ],
)
def test_refuses_a_bad_query(indices: list[int], size: int, fault: str) -> None:
    pool = Pool(6)
    pool.add(Query(torch.tensor([0])), torch.tensor([1]), 0)
    with pytest.raises(ValueError, match=fault):
        pool.check(Query(torch.tensor(indices)), size)
