import pytest
import torch

from al_runner.acquisition.balance import balanced
from al_runner.acquisition.uncertainty import entropy, margin
from al_runner.config.parts import Parts
from al_runner.errors import InputError
from al_runner.loop.pool import Pool, Query
from al_runner.loop.schedule import Round
from al_runner.strategies.checks import check_pixels, maps_of
from al_runner.strategies.diversity import KMeans, k_center
from al_runner.strategies.hybrid import Badge
from al_runner.strategies.memory import Memories, lesson_of, memory_of
from al_runner.strategies.random import random
from al_runner.strategies.sampled import needs_samples
from al_runner.strategies.uncertainty import Uncertainty, needs_two_classes
from al_runner.strategies.wrappers import (
    ClassBalanced,
    EpsilonRandom,
    Reversed,
    SwitchStrategy,
    depends_on_size,
)
from tests.config.test_configs import (
    STRATEGIES,
    TWO_CLASSES,
    composed,
    fake_learner,
    generator,
    labeled_pool,
    sites_of,
)
from tests.strategies.fake import FakeLearner

WRAPPERS = {"reversed": Reversed, "epsilon_random": EpsilonRandom, "class_balanced": ClassBalanced}
SWITCHES = {"switch_strategy", "typiclust_then_margin"}
INNER = sorted({*STRATEGIES} - {*WRAPPERS} - SWITCHES)
SETS = {
    "cluster_margin",
    "ideal_deep_features",
    "k_means",
    "pca_kmeans",
    "suggestive_annotation",
    "typiclust",
    "uncertainty_k_means",
}


@pytest.mark.parametrize("inner", INNER)
def test_around_every_strategy(inner: str) -> None:
    """Composed in one of the wrappers: the inner node is the same in each."""
    parts = Parts(composed("strategy=epsilon_random", f"strategy@strategy.strategy={inner}"))
    learner = fake_learner(inner, 60, sites_of(inner))
    pool = labeled_pool(60, classes=2 if inner in TWO_CLASSES else 4, sites=sites_of(inner))
    for wrapper in (EpsilonRandom, ClassBalanced, Reversed):
        if wrapper is Reversed and inner in SETS:
            with pytest.raises(ValueError, match="nothing to reverse"):
                Reversed(parts("strategy.strategy"))
            return
        queries = []
        for _ in range(2):
            strategy = wrapper(parts("strategy.strategy"))
            queries.append(strategy(learner, pool, 8, generator()))
            pool.check(queries[-1], 8)
        assert queries[0].indices.tolist() == queries[1].indices.tolist()


@pytest.mark.parametrize("name", WRAPPERS)
def test_a_wrapper_from_the_command_line(name: str) -> None:
    made = Parts(composed(f"strategy={name}", "strategy@strategy.strategy=badge"))("strategy")
    assert isinstance(made, WRAPPERS[name])
    assert isinstance(made.strategy, Badge)


def test_reversed_refuses_clusters_in_one_line() -> None:
    with pytest.raises(InputError, match=r"strategy: .* nothing to reverse"):
        Parts(composed("strategy=reversed", "strategy@strategy.strategy=k_means"))("strategy")


OF_EACH_KIND = ["entropy", "bald", "typiclust", "badge", "technion_entropy_released", "ideal_kurtosis"]
"""A ranking, one of samples of the model, a set, one of gradients, one for two classes, one of maps."""


def switch(before: str, after: str, *values: str) -> SwitchStrategy:
    parts = [f"strategy@strategy.before={before}", f"strategy@strategy.after={after}"]
    made: SwitchStrategy = Parts(composed("strategy=switch_strategy", *parts, *values))("strategy")
    return made


@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize("inner", OF_EACH_KIND)
def test_a_switch_asks_the_strategy_whose_turn_it_is(inner: str, place: str) -> None:
    """With 20 labels, the first one is asked up to 21 and the second one from 20 on."""
    other = "class_balanced" if inner in SETS else "k_means"  # which inner strategies answer otherwise
    names = (inner, other) if place == "before" else (other, inner)
    strategy = switch(*names, f"strategy.at={21 if place == 'before' else 20}")
    learner = fake_learner(inner, 120, sites_of(inner))
    pool = labeled_pool(classes=2 if inner in TWO_CLASSES else 4, sites=sites_of(inner))
    assert len(pool.labeled) == 20
    query = strategy(learner, pool, 8, generator())
    alone = Parts(composed(f"strategy={inner}"))("strategy")(learner, pool, 8, generator())
    assert torch.equal(query.indices, alone.indices)
    assert (query.scores is None) == (alone.scores is None)


def test_a_switch_is_counted_in_labels_that_are_bought() -> None:
    learner, pool = FakeLearner(60), Pool(60)
    strategy = SwitchStrategy(k_center, Uncertainty(entropy), 25)
    asked = []
    for number in range(4):
        query = strategy(learner, pool, 10, generator())
        asked.append(
            "k_center" if query.indices.equal(k_center(learner, pool, 10, generator()).indices) else "entropy"
        )
        pool.add(query, torch.zeros(10), number)
    assert asked == ["k_center", "k_center", "k_center", "entropy"], "a query is one strategy's as a whole"


def test_a_switch_needs_what_either_part_needs() -> None:
    for names in (("bald", "entropy"), ("entropy", "bald")):
        assert needs_samples(switch(*names))
        assert needs_samples(EpsilonRandom(switch(*names)))
    assert not needs_samples(switch("typiclust", "entropy"))
    assert depends_on_size(switch("typiclust", "entropy"))
    assert depends_on_size(switch("entropy", "typiclust"))
    assert not depends_on_size(switch("entropy", "margin"))
    assert needs_two_classes(switch("entropy", "technion_entropy_released"))
    for names in (("badge", "entropy"), ("entropy", "badge")):
        with pytest.raises(InputError, match="Badge is not for segmentation"):
            check_pixels(switch(*names), dense=True)
    check_pixels(switch("entropy", "margin"), dense=True)
    methods = maps_of(switch("ideal_kurtosis", "ideal_glcm", "saliency@strategy.after.saliency=grad_cam"))
    assert [type(method).__name__ for method in methods] == ["DeepTaylor", "GradCam"]


def test_a_switch_with_a_memory_on_either_side() -> None:
    small = [
        f"strategy.{part}.{key}"
        for part in ("before", "after")
        for key in ("clusters=4", "epochs=2", "trees=3")
    ]
    deep = "ideal_deep_features"
    for names in ((deep, "entropy"), ("entropy", deep)):
        strategy = switch(*names)
        assert memory_of(strategy) is strategy.strategies[names.index(deep)]
    strategy = switch(deep, deep, "strategy.at=25", *small)
    memory = memory_of(strategy)
    assert isinstance(memory, Memories)
    learner, pool = FakeLearner(120), labeled_pool()
    for number in (1, 2):  # 20 labels, then 30
        query = strategy(learner, pool, 10, generator(number))
        pool.add(query, torch.zeros(10), number)
        memory.learn(learner, pool, Round(number, 10, 1, True, True))
        taught = [len(part.state()["lessons"]) for part in memory.each]
        assert taught == ([1, 0] if number == 1 else [1, 1]), "each learns from its own query"
        assert {*lesson_of(strategy)} == {"features", "level"}
    again = switch(deep, deep, "strategy.at=25", *small)
    restored = memory_of(again)
    assert restored is not None
    restored.restore(memory.state())
    queries = [each(learner, pool, 10, generator(3)).indices.tolist() for each in (strategy, again)]
    assert queries[0] == queries[1]


def test_values_of_the_inner_strategy_from_the_command_line() -> None:
    config = composed(
        "strategy=reversed",
        "strategy@strategy.strategy=class_balanced",
        "strategy@strategy.strategy.strategy=margin",
        "strategy.strategy.candidates=3",
        "strategy.strategy.strategy.reduction=max",
    )
    strategy = Parts(config)("strategy")
    assert isinstance(strategy, Reversed)
    assert isinstance(strategy.strategy, ClassBalanced)
    assert strategy.strategy.candidates == 3
    assert isinstance(strategy.strategy.strategy, Uncertainty)
    assert strategy.strategy.strategy.reduction == "max"


def test_reversed_takes_the_lowest_scores() -> None:
    learner, pool = FakeLearner(120), labeled_pool()
    query = Reversed(Uncertainty(entropy))(learner, pool, 7, generator())
    scores = entropy(learner.probs)
    torch.testing.assert_close(scores[query.indices], scores[pool.unlabeled].sort().values[:7])
    torch.testing.assert_close(query.scores, -scores[query.indices])


def test_reversed_k_center_takes_what_is_near() -> None:
    learner, pool = FakeLearner(4), Pool(4)
    learner.embeddings = torch.tensor([[0.0], [0.1], [5.0], [9.0]])
    pool.add(Query(torch.tensor([0])), torch.zeros(1), 0)
    assert Reversed(k_center)(learner, pool, 1, generator()).indices.tolist() == [1]


def test_reversed_refuses_a_wrapper_around_clusters() -> None:
    with pytest.raises(ValueError, match="nothing to reverse"):
        Reversed(EpsilonRandom(KMeans()))


def test_epsilon_is_the_share_of_random_samples() -> None:
    learner, pool = FakeLearner(120), labeled_pool()
    best = {*Uncertainty(margin)(learner, pool, 10, generator()).indices.tolist()}
    wrapped = EpsilonRandom(Uncertainty(margin), 0.3)
    same = [
        len(best & {*wrapped(learner, pool, 10, generator(seed)).indices.tolist()}) for seed in range(300)
    ]
    expected = 10 * (0.7 + 0.3 * 0.03)  # of random ones, about 3 in 100 are among the best
    assert sum(same) / 300 == pytest.approx(expected, abs=0.3)
    assert EpsilonRandom(random, 1.0)(learner, pool, 10, generator()).scores is None
    none = EpsilonRandom(Uncertainty(margin), 0.0)(learner, pool, 10, generator())
    assert set(none.indices.tolist()) == best
    assert none.scores is not None


def test_balanced_fills_the_rarest_class_by_rank() -> None:
    classes = torch.tensor([0, 0, 0, 1, 2, 1])[:, None]
    labeled = torch.tensor([0, 0, 1, 1, 2])[:, None]
    assert balanced(classes, labeled, 3, 6).tolist() == [4, 0, 3, 1, 5, 2]


def test_class_balanced_evens_the_labels_out() -> None:
    learner, pool = FakeLearner(400), Pool(400)
    learner.probs[:, 0] += 0.8  # a frequent class
    learner.probs /= learner.probs.sum(1, keepdim=True)
    classes = learner.probs.argmax(1)
    pool.add(Query(torch.arange(40)), classes[:40], 0)
    counts = {}
    for name, strategy in (
        ("plain", Uncertainty(entropy)),
        ("balanced", ClassBalanced(Uncertainty(entropy))),
    ):
        query = strategy(learner, pool, 20, generator())
        pool.check(query, 20)
        counts[name] = torch.cat([classes[:40], classes[query.indices]]).bincount(minlength=4)
    assert counts["balanced"].min() > counts["plain"].min()


def test_class_balanced_with_many_labels_a_sample() -> None:
    learner, pool = FakeLearner(60, 3), Pool(60)
    learner.probs = torch.rand(60, 3, 1, generator=generator())
    learner.probs = torch.cat([1 - learner.probs, learner.probs], -1)
    learner.probs[:, 2] = torch.tensor([0.9, 0.1])
    learner.probs[50, 2] = torch.tensor([0.1, 0.9])  # the only one with the third label
    pool.add(Query(torch.arange(10)), torch.tensor([[0, 1, 0]] * 5 + [[1, 0, 0]] * 5), 0)
    query = ClassBalanced(random, candidates=60)(learner, pool, 3, generator())
    assert query.indices[0] == 50


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("strategy=epsilon_random strategy.epsilon=2", "strategy.epsilon=2 must be at most 1"),
        ("strategy=class_balanced strategy.candidates=0", "strategy.candidates=0 must be at least 1"),
        ("strategy=badge strategy.first=last", "strategy.first=last: did you mean largest?"),
        ("strategy=k_means strategy.pick=far", "strategy.pick=far must be 'nearest' or 'random'"),
        ("strategy=pca_kmeans strategy.components=0", "strategy.components=0 must be at least 1"),
        ("strategy=typiclust strategy.neighbors=0", "strategy.neighbors=0 must be at least 1"),
        ("strategy=prob_cover strategy.radius=wide", "strategy.radius=wide must be a number or 'purity'"),
        ("strategy=prob_cover strategy.radius=0", "strategy.radius=0 must be above 0 or 'purity'"),
        ("strategy=prob_cover strategy.purity=2", "strategy.purity=2 must be at most 1"),
        ("strategy=max_herding strategy.sigma=0", "strategy.sigma=0 must be above 0"),
        (
            "strategy=cluster_margin strategy.reduction=median",
            "did you mean mean?",
        ),
        ("strategy=uncertainty_k_means strategy.temperature=0", "strategy.temperature=0 must be above 0"),
        ("strategy=density_weighted strategy.beta=-1", "strategy.beta=-1 must be at least 0"),
        ("strategy=contrastive strategy.neighbors=0", "strategy.neighbors=0 must be at least 1"),
        ("strategy=skactiveml strategy.name=Typiclust", "strategy.name=Typiclust is not one"),
        ("strategy=power_bald strategy.perturb=sqrt", "strategy.perturb=sqrt must be 'power', 'softmax' or"),
        ("strategy=batchbald strategy.n_samples=0", "strategy.n_samples=0 must be at least 1"),
        (
            "strategy=ideal_glcm saliency@strategy.saliency=integrated_gradients strategy.saliency.steps=0",
            "steps=0 must be at least 1",
        ),
        ("strategy=reversed +strategy.strategy.reductoin=max", "reductoin"),
        ("strategy=switch_strategy strategy.at=0", "strategy.at=0 must be at least 1"),
        ("strategy=switch_strategy strategy.at=0.3", "strategy.at=0.3 must be a whole number"),
        (
            "strategy=switch_strategy strategy.before.neighbors=0",
            "before.neighbors=0 must be at least 1",
        ),
    ],
)
def test_bad_values_end_in_one_line(override: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as error:
        Parts(composed(*override.split()))("strategy")
    assert "\n" not in str(error.value)
