import pytest
import torch

from al_runner.loop.pool import Pool, Query


def test_keeps_the_order_of_purchase_and_the_labels() -> None:
    pool = Pool(6)
    pool.add(Query(torch.tensor([4, 1])), torch.tensor([40, 10]), 0)
    pool.add(Query(torch.tensor([2])), torch.tensor([20]), 1)
    assert pool.labeled.tolist() == [4, 1, 2]
    assert pool.labels.tolist() == [40, 10, 20]
    assert pool.labels.dtype == torch.int64
    assert pool.unlabeled.tolist() == [0, 3, 5]
    assert pool.acquired.tolist() == [-1, 0, 1, -1, 0, -1]


def test_a_query_comes_to_the_cpu_as_plain_numbers() -> None:
    scores = torch.tensor([1.0, 2.0], dtype=torch.bfloat16, requires_grad=True)
    query = Query(torch.tensor([1, 2], dtype=torch.int32), scores)
    assert query.indices.dtype == torch.int64
    assert query.scores is not None
    assert (query.scores.dtype, query.scores.requires_grad) == (torch.float32, False)


def test_a_part_of_a_query() -> None:
    part = Query(torch.tensor([4, 1, 2]), torch.tensor([0.3, 0.2, 0.1]))[1:]
    assert part.indices.tolist() == [1, 2]
    assert part.scores is not None
    assert part.scores.tolist() == pytest.approx([0.2, 0.1])
    assert Query(torch.tensor([4, 1, 2]))[:1].scores is None


def test_refuses_a_score_too_few() -> None:
    with pytest.raises(ValueError, match="1 scores for 2 indices"):
        Pool(6).check(Query(torch.tensor([1, 2]), torch.tensor([0.5])), 2)


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


def test_a_mask_of_which_nobody_could_tell_is_not_learned_from() -> None:
    pool, masks = Pool(5), torch.zeros(3, 2, 2, dtype=torch.uint8)
    masks[0, 1, 1], masks[1] = 3, 254
    pool.add(Query(torch.tensor([4, 1, 2])), masks, 0)
    assert pool.labeled.tolist() == [4, 2]
    assert torch.equal(pool.labels, masks[[0, 2]])
    assert pool.unlabeled.tolist() == [0, 3]
