"""Loggers: where a run is shown besides its own record."""
