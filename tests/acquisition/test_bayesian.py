import math

import pytest
import torch
from skactiveml.pool import average_kl_divergence
from skactiveml.pool import variation_ratios as peer_variation_ratios
from skactiveml.pool import vote_entropy as peer_vote_entropy

from al_runner.acquisition import bayesian
from tests import reference

FUNCTIONS = [
    "mc_entropy",
    "bald",
    "variation_ratios",
    "mean_std",
    "predictive_variance",
    "vote_entropy",
    "committee_kl",
]


def passes(n: int = 200, k: int = 9, classes: int = 5, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Predictions from vague to saturated, of passes that agree little or much."""
    generator = torch.Generator().manual_seed(0)
    sharpness = torch.logspace(-1, 2, n, dtype=torch.float64)[:, None, None]
    disagreement = torch.rand(n, 1, 1, generator=generator, dtype=torch.float64)
    logits = torch.randn(n, 1, classes, generator=generator, dtype=torch.float64)
    logits = logits + disagreement * torch.randn(n, k, classes, generator=generator, dtype=torch.float64)
    return (logits * sharpness).softmax(-1).to(dtype)


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "predictive_variance"])
def test_agrees_with_its_twin(name: str) -> None:
    probs = passes()
    twin = torch.tensor([getattr(reference, name)(p) for p in probs.tolist()], dtype=torch.float64)
    # 1e-7: the twin of mean_std is a root of a difference of squares.
    tolerance = 1e-7 if name == "mean_std" else 1e-12
    torch.testing.assert_close(getattr(bayesian, name)(probs), twin, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_works_on_the_last_axes_of_any_shape(name: str) -> None:
    function, probs = getattr(bayesian, name), passes(24)
    torch.testing.assert_close(function(probs.view(2, 3, 4, 9, 5)).flatten(), function(probs))
    torch.testing.assert_close(function(probs[0]), function(probs)[0])


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_range_and_saturation(name: str, dtype: torch.dtype) -> None:
    function = getattr(bayesian, name)
    split = torch.eye(4, dtype=dtype)  # four passes, each sure of another class
    expected = {
        "mc_entropy": 2,
        "bald": 2,
        "variation_ratios": 0.75,
        "mean_std": math.sqrt(3) / 4,
        "predictive_variance": 3 / 16,
        "vote_entropy": 2,
        "committee_kl": 2,
    }
    assert function(split).item() == pytest.approx(expected[name])
    assert function(split[:1].expand(4, 4)).item() == 0  # all sure of the same
    scores = function(passes(dtype=dtype))
    assert (scores >= 0).all()
    assert (scores <= (math.log2(5) if expected[name] == 2 else 0.8)).all()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_one_pass_and_one_class(name: str) -> None:
    function = getattr(bayesian, name)
    assert function(torch.ones(3, 4, 1)).tolist() == [0, 0, 0]
    one = function(torch.tensor([[[0.5, 0.5]]])).item()
    assert one == (1 if name == "mc_entropy" else 0)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_nan_is_not_hidden(name: str) -> None:
    probs = passes(3)
    probs[1, 2, 3] = math.nan
    assert getattr(bayesian, name)(probs).isnan().tolist() == [False, True, False]


@pytest.mark.parametrize("name", ["mc_entropy", "bald", "vote_entropy", "committee_kl"])
def test_other_bases(name: str) -> None:
    function, probs = getattr(bayesian, name), passes()
    torch.testing.assert_close(function(probs, base=math.e), function(probs) * math.log(2))


def test_what_only_one_of_them_sees() -> None:
    unsure = torch.full((1, 6, 2), 0.5)  # all passes agree that they do not know
    assert bayesian.mc_entropy(unsure).item() == 1
    assert bayesian.bald(unsure).item() == 0


def test_predictive_variance_of_two_classes_is_that_of_the_one_output() -> None:
    outputs = passes(50, classes=2)[..., 1]
    noise = torch.rand(50, 9, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    probs = torch.stack([1 - outputs, outputs], -1)
    pairs = zip(outputs.tolist(), noise.tolist(), strict=True)
    twin = torch.tensor([reference.predictive_variance(y, v) for y, v in pairs], dtype=torch.float64)
    torch.testing.assert_close(bayesian.predictive_variance(probs, noise), twin, rtol=0, atol=1e-12)
    without = torch.tensor([reference.predictive_variance(y, [0]) for y in outputs.tolist()])
    torch.testing.assert_close(bayesian.predictive_variance(probs), without.double(), rtol=0, atol=1e-7)


def test_small_variances_keep_their_digits() -> None:
    probs = torch.tensor([[0.5, 0.5], [0.5001, 0.4999]])
    assert bayesian.predictive_variance(probs).item() == pytest.approx(0.00005**2, rel=1e-2)


def test_agrees_with_scikit_activeml() -> None:
    probs = passes().clamp_min(1e-6)  # theirs clips there
    probs = probs / probs.sum(-1, keepdim=True)
    votes = probs.argmax(-1).numpy()
    kl = torch.from_numpy(average_kl_divergence(probs.transpose(0, 1).numpy().copy()))
    entropy = torch.from_numpy(peer_vote_entropy(votes, classes=range(5)))
    ratios = torch.from_numpy(peer_variation_ratios(votes))
    torch.testing.assert_close(bayesian.committee_kl(probs, math.e), kl, rtol=0, atol=1e-9)
    torch.testing.assert_close(bayesian.vote_entropy(probs, math.e), entropy, rtol=0, atol=1e-9)
    torch.testing.assert_close(bayesian.variation_ratios(probs), ratios, rtol=0, atol=1e-9)


def test_agrees_with_baal() -> None:
    heuristics = pytest.importorskip("baal.active.heuristics")
    probs = passes()
    predictions = probs.transpose(1, 2).numpy()  # [N, C, K]
    bald = torch.from_numpy(heuristics.BALD().get_uncertainties(predictions))
    variance = torch.from_numpy(heuristics.Variance().get_uncertainties(predictions))
    torch.testing.assert_close(bayesian.bald(probs, math.e), bald, rtol=0, atol=1e-9)
    torch.testing.assert_close(bayesian.predictive_variance(probs), variance, rtol=0, atol=1e-9)


def test_agrees_with_batchbald_redux(monkeypatch: pytest.MonkeyPatch) -> None:
    batchbald = pytest.importorskip("batchbald_redux.batchbald")
    monkeypatch.setattr("gc.collect", lambda: 0)  # theirs collects at every step, for seconds among our tests
    probs = passes().clamp_min(1e-9)
    peer = batchbald.get_bald_batch(probs.log(), 20)
    ours = bayesian.bald(probs, math.e).topk(20)
    assert ours.indices.tolist() == list(peer.indices)
    torch.testing.assert_close(ours.values, torch.tensor(peer.scores).double(), rtol=0, atol=1e-6)


def test_agrees_with_modal() -> None:
    disagreement = pytest.importorskip("modAL.disagreement")
    probs = passes()

    class Committee:  # what modAL asks of one
        classes_ = range(5)

        def __len__(self) -> int:
            return 9

        def vote(self, samples: object) -> object:
            return probs.argmax(-1).numpy()

        def predict_proba(self, samples: object) -> object:
            return probs.mean(1).numpy()

    samples = probs[:, 0].numpy()
    votes = torch.from_numpy(disagreement.vote_entropy(Committee(), samples))
    consensus = torch.from_numpy(disagreement.consensus_entropy(Committee(), samples))
    torch.testing.assert_close(bayesian.vote_entropy(probs, math.e), votes, rtol=0, atol=1e-9)
    torch.testing.assert_close(bayesian.mc_entropy(probs, math.e), consensus, rtol=0, atol=1e-9)
