"""The config groups of al-runner, shipped with it."""
