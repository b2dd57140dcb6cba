"""Strategies: ask the learner for what an acquisition function needs, return a query."""
