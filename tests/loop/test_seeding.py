import torch

from al_runner.loop.seeding import Streams


def test_streams_are_functions_of_seed_name_and_round_alone() -> None:
    first = Streams(0).generator("query", 3)
    torch.rand(1000, generator=first)
    again = Streams(0).generator("query", 3)
    assert torch.equal(
        torch.rand(5, generator=again), torch.rand(5, generator=Streams(0).generator("query", 3))
    )


def test_streams_differ() -> None:
    names = ("init", "model", "order", "dropout", "augment", "query", "oracle")
    seeds = {Streams(s).seed_of(n, r) for s in range(5) for n in names for r in range(5)}
    assert len(seeds) == 5 * 7 * 5


def test_a_branch_has_streams_of_its_own() -> None:
    branches = [Streams(0), Streams(0, "proxy"), Streams(1, "proxy"), Streams(0, "other")]
    assert (
        len({each.seed_of(name, r) for each in branches for name in ("model", "order") for r in (0, 1)}) == 16
    )


def test_a_seed_stays_what_it_is() -> None:
    """Records of earlier versions repeat only while this number does."""
    assert Streams(0).seed_of("init") == 7615695542073086227


def test_global_stream_leaves_no_trace() -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    with Streams(0).as_global("model"):
        inside = torch.rand(3)
    assert torch.equal(torch.rand(3), expected)
    with Streams(0).as_global("model"):
        assert torch.equal(torch.rand(3), inside)
