import math

import pytest
import torch
from torch import Tensor

from al_runner.acquisition.batchbald import batchbald
from al_runner.acquisition.bayesian import bald
from al_runner.acquisition.joint import Joint
from tests import reference

LN2 = math.log(2)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def passes(
    seed: int, n: int, k: int, classes: int, sharpness: float = 2.0, disagreement: float = 2.0
) -> Tensor:
    """Predictions of passes that agree on some samples and disagree on others."""
    stream = generator(seed)
    logits = sharpness * torch.randn(n, 1, classes, generator=stream, dtype=torch.float64)
    noise = torch.rand(n, 1, 1, generator=stream) * torch.randn(n, k, classes, generator=stream)
    return (logits + disagreement * noise).softmax(-1)


@pytest.mark.parametrize("lazy", [True, False])
@pytest.mark.parametrize("seed", range(10))
def test_agrees_with_enumeration(seed: int, lazy: bool) -> None:
    probs = passes(seed, n=8, k=4, classes=3)
    chosen, gains = reference.batchbald(probs.tolist(), 5)
    ours = batchbald(probs, 5, generator(), lazy=lazy)
    assert ours[0].tolist() == chosen
    torch.testing.assert_close(ours[1], torch.tensor(gains, dtype=torch.float64), rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_drawn_configurations_come_close(seed: int) -> None:
    probs = passes(seed, n=30, k=6, classes=3)
    exact = batchbald(probs, 7, generator(), n_samples=3**7)
    drawn = batchbald(probs, 7, generator(seed), n_samples=600)  # drawn from the seventh pick on
    assert drawn[0][:6].tolist() == exact[0][:6].tolist()
    information = reference.joint_information(probs[drawn[0]].tolist())
    assert drawn[1].sum().item() == pytest.approx(information, abs=0.01)
    assert information == pytest.approx(exact[1].sum().item(), abs=0.01)


def test_draws_are_unbiased() -> None:
    """The expected entropy of a further label, over draws against over all configurations."""
    probs = passes(3, n=6, k=4, classes=3)
    further = passes(4, n=1, k=4, classes=3)[0]

    def expected(n_samples: int, seed: int) -> float:
        joint = Joint(4, n_samples, generator(seed), torch.device("cpu"))
        for sample in probs:
            joint.add(sample)
        mixed = joint.configurations.weights @ further
        return float(joint.configurations.masses @ torch.special.entr(mixed).sum(1))

    estimates = torch.tensor([expected(40, seed) for seed in range(200)], dtype=torch.float64)
    error = estimates.std() / 200**0.5
    assert abs(estimates.mean() - expected(3**6, 0)) < 4 * error
    assert error < 2e-3


@pytest.mark.parametrize("seed", range(40))
def test_lazy_picks_are_those_of_the_full_evaluation(seed: int) -> None:
    sharpness, disagreement = [(2, 2), (3, 1), (1, 4), (8, 8)][seed % 4]
    n_samples = [10, 100, 400][seed % 3]  # drawn early and late
    probs = passes(seed, 60, 7, 4, sharpness, disagreement)
    lazy = batchbald(probs, 10, generator(seed), n_samples)
    full = batchbald(probs, 10, generator(seed), n_samples, lazy=False)
    assert lazy[0].tolist() == full[0].tolist()
    torch.testing.assert_close(lazy[1], full[1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_merged_configurations_bound_from_above(seed: int) -> None:
    joint = Joint(7, 500, generator(seed), torch.device("cpu"))
    for sample in passes(seed, 8, 7, 4):
        joint.add(sample)
    further = passes(seed + 100, 50, 7, 4)
    entropies = []
    for given in [
        *(joint.configurations.alike(ranks, octaves) for ranks, octaves in ((1, 1), (1, 8), (2, 8), (9, 8))),
        joint.configurations,
    ]:
        mixed = torch.einsum("mk,nkc->nmc", given.weights, further)
        entropies.append(torch.special.entr(mixed).sum(-1) @ given.masses)
        torch.testing.assert_close(given.mean, joint.configurations.mean)
    coarse, octave, pairs, ordered, full = entropies
    assert (coarse >= octave - 1e-12).all()
    assert (octave >= pairs - 1e-12).all()
    assert (pairs >= ordered - 1e-12).all()
    assert (ordered >= full - 1e-12).all()


def test_the_first_gain_is_bald_and_gains_are_at_most_log_k() -> None:
    probs = passes(0, n=50, k=5, classes=4)
    positions, gains = batchbald(probs, 30, generator(), n_samples=300)
    assert positions[0] == bald(probs).argmax()
    assert gains[0].item() == pytest.approx(bald(probs).max().item(), abs=1e-12)
    assert (gains >= 0).all()
    assert gains.sum() < math.log2(5) + 0.01


def test_avoids_what_a_duplicate_has_taught() -> None:
    sure = torch.eye(2, dtype=torch.float64)  # two passes, each sure of another class
    vague = torch.tensor([[0.7, 0.3], [0.4, 0.6]], dtype=torch.float64)
    positions, gains = batchbald(torch.stack([sure, sure, sure, vague]), 4, generator())
    assert gains.tolist() == [1, 0, 0, 0]  # nothing is left to be learned from the rest
    assert sorted(positions.tolist()) == [0, 1, 2, 3]
    softer = torch.tensor([[0.95, 0.05], [0.05, 0.95]], dtype=torch.float64)
    positions, _ = batchbald(torch.stack([softer, softer, vague, vague]), 2, generator())
    assert set(positions.tolist()) in ({0, 1}, {0, 2}, {0, 3}, {1, 2}, {1, 3})


def test_ties_fall_to_chance_evenly() -> None:
    probs = passes(0, n=1, k=3, classes=3).expand(8, -1, -1)
    counts = torch.zeros(8)
    for seed in range(400):
        counts[batchbald(probs, 1, generator(seed))[0]] += 1
    assert (counts - 50).abs().max() < 5 * (400 * 1 / 8 * 7 / 8) ** 0.5


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("n", "k", "classes"), [(12, 1, 3), (12, 4, 1), (12, 1, 1), (1, 4, 3), (12, 40, 2)])
def test_the_whole_pool_of_any_shape(n: int, k: int, classes: int, dtype: torch.dtype) -> None:
    positions, gains = batchbald(passes(0, n, k, classes).to(dtype), n, generator(), n_samples=30)
    assert sorted(positions.tolist()) == list(range(n))
    assert gains.isfinite().all()
    if k == 1 or classes == 1:
        assert gains.tolist() == [0] * n


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("lazy", [True, False])
def test_saturated_predictions(dtype: torch.dtype, lazy: bool) -> None:
    probs = passes(0, 40, 6, 4, sharpness=500, disagreement=500).to(dtype)
    assert (probs == 0).any()
    positions, gains = batchbald(probs, 40, generator(), n_samples=50, lazy=lazy)
    assert sorted(positions.tolist()) == list(range(40))
    assert gains.isfinite().all()
    assert gains.sum() <= math.log2(6) + 0.01


def test_long_queries_do_not_underflow() -> None:
    probs = passes(0, 150, 5, 2, disagreement=0.2).float()
    positions, gains = batchbald(probs, 150, generator(), n_samples=100)
    assert len(positions.unique()) == 150
    assert gains.isfinite().all()


def test_depends_on_the_stream_and_nothing_else() -> None:
    probs = passes(0, 50, 6, 4)
    torch.manual_seed(1)
    first = batchbald(probs, 10, generator(5), n_samples=100)
    torch.manual_seed(2)
    again = batchbald(probs.clone(), 10, generator(5), n_samples=100)
    assert first[0].tolist() == again[0].tolist()
    assert first[1].tolist() == again[1].tolist()
    other = batchbald(probs, 10, generator(6), n_samples=100)
    assert other[1].tolist() != first[1].tolist()


def test_float32_is_computed_as_its_float64() -> None:
    probs = passes(0, 50, 6, 4).float()
    kept = probs.clone()
    single, double = (batchbald(p, 8, generator(), n_samples=100) for p in (probs, probs.double()))
    assert single[0].tolist() == double[0].tolist()
    assert single[1].tolist() == double[1].tolist()
    assert torch.equal(probs, kept)


def test_nothing_asked_and_what_is_refused() -> None:
    probs = passes(0, 4, 3, 2)
    assert [part.tolist() for part in batchbald(probs, 0, generator())] == [[], []]
    with pytest.raises(ValueError, match="5 of 4"):
        batchbald(probs, 5, generator())
    with pytest.raises(ValueError, match="n_samples=0"):
        batchbald(probs, 2, generator(), n_samples=0)
    for wrong in (math.nan, math.inf, -0.1):
        broken = probs.clone()
        broken[1, 2, 0] = wrong
        with pytest.raises(ValueError, match="distributions"):
            batchbald(broken, 2, generator())


def test_agrees_with_batchbald_redux(monkeypatch: pytest.MonkeyPatch) -> None:
    peer = pytest.importorskip("batchbald_redux.batchbald")
    monkeypatch.setattr("gc.collect", lambda: 0)  # theirs collects at every step, for seconds among our tests
    probs = passes(0, 40, 8, 4).clamp_min(1e-9)
    probs = probs / probs.sum(-1, keepdim=True)
    torch.manual_seed(0)
    theirs = peer.get_batchbald_batch(probs.log(), 6, 1000)
    positions, gains = batchbald(probs, 6, generator(), n_samples=1000)
    assert positions[:5].tolist() == theirs.indices[:5]  # exact; the sixth is drawn
    information, scores = gains.cumsum(0) * LN2, torch.tensor(theirs.scores, dtype=torch.float64)
    torch.testing.assert_close(information[:5], scores[:5], rtol=0, atol=1e-5)  # theirs are in float32
    assert information[5].item() == pytest.approx(scores[5].item(), abs=0.1)


def test_agrees_with_scikit_activeml() -> None:
    from skactiveml.pool import batch_bald

    for seed in range(3):
        probs = passes(seed, 40, 8, 4).clamp_min(1e-6)
        probs = probs / probs.sum(-1, keepdim=True)
        theirs = torch.from_numpy(batch_bald(probs.transpose(0, 1).numpy().copy(), 5, 1000, random_state=0))
        positions, gains = batchbald(probs, 5, generator(), n_samples=1000)
        best = theirs.nan_to_num(-1).max(1)
        assert positions.tolist() == best.indices.tolist()
        torch.testing.assert_close(gains.cumsum(0) * LN2, best.values, rtol=0, atol=1e-9)


@pytest.mark.gpu
def test_gpu_and_cpu_agree() -> None:
    probs = passes(0, 500, 20, 11).float()
    cpu = batchbald(probs, 10, generator())
    gpu = batchbald(probs.cuda(), 10, generator())
    assert cpu[0].tolist() == gpu[0].tolist()
    torch.testing.assert_close(cpu[1], gpu[1], rtol=0, atol=1e-10)
