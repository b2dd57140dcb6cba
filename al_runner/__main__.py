"""`python -m al_runner` is `al-run`."""

from al_runner.cli import main

main()
