"""The learner: a network, its training and its predictions, by index."""
