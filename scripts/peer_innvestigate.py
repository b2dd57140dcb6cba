"""Maps by iNNvestigate itself, for the test that compares ours with them.

Needs an environment of its own, as it needs TensorFlow before 2.15 (Python 3.11 at most):

    pip install innvestigate==2.1.2 tensorflow-cpu==2.14.1
    python scripts/peer_innvestigate.py tests/fixtures/innvestigate.npz

A small residual network with random weights, and its maps by the rules of the installed release, 2.1.2, and
by those of 1.0.9. That one looked for a batch norm's mapping first, which hands on what the batch norm gets.
"""

import sys

import innvestigate
import numpy as np
import tensorflow as tf
from innvestigate.analyzer.deeptaylor import DeepTaylor
from tensorflow import keras

EDGE, CHANNELS, CLASSES = 8, 2, 3
layers = keras.layers


class WithPassiveNorms(DeepTaylor):
    """The rules of release 1.0.9: the mapping of batch norms is asked first."""

    def _create_analysis(self, *args, **kwargs):
        def hands_on(_inputs, _outputs, relevance, _state):
            return relevance

        self._add_conditional_reverse_mapping(
            lambda layer: isinstance(layer, layers.BatchNormalization), hands_on, priority=20
        )
        return super()._create_analysis(*args, **kwargs)


def network() -> keras.Model:
    """Everything that the rules tell apart."""
    images = layers.Input((EDGE, EDGE, CHANNELS))
    first = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(3, 3, padding="same")(images)))
    second = layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same")(first))
    joined = layers.ReLU()(layers.Add()([second, layers.Conv2D(4, 1)(first)]))
    pooled = layers.AveragePooling2D(2)(layers.MaxPooling2D(2)(joined))
    hidden = layers.ReLU()(layers.Dense(5)(layers.Flatten()(pooled)))
    return keras.Model(images, layers.Dense(CLASSES)(hidden))


def main(path: str) -> None:
    """Write weights, images, outputs and maps."""
    tf.compat.v1.disable_eager_execution()
    rng = np.random.default_rng(0)
    model = network()
    shapes = [weights.shape for weights in model.get_weights()]
    model.set_weights([rng.uniform(0.5, 1.5, shape) * rng.choice([-1, 1], shape) for shape in shapes])
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            size = layer.get_weights()[0].shape
            layer.set_weights(
                [
                    rng.uniform(low, high, size)
                    for low, high in ((0.5, 1.5), (-0.3, 0.3), (-0.2, 0.2), (0.5, 2))
                ]
            )
    images = rng.uniform(-1, 1, (4, EDGE, EDGE, CHANNELS)).astype(np.float32)
    found = {"images": images, "outputs": model.predict(images, verbose=0)}
    found["maps 2.1.2"] = innvestigate.create_analyzer("deep_taylor", model).analyze(images)
    found["maps 1.0.9"] = WithPassiveNorms(model).analyze(images)
    for layer in model.layers:
        for part, weights in enumerate(layer.get_weights()):
            found[f"{model.layers.index(layer)} {type(layer).__name__} {part}"] = weights
    np.savez_compressed(path, **found)
    print(found["outputs"].max(1), {key: found[key].sum((1, 2, 3)) for key in ("maps 2.1.2", "maps 1.0.9")})


if __name__ == "__main__":
    main(sys.argv[1])
