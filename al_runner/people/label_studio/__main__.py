"""`python -m al_runner.people.label_studio`."""

from al_runner.people.label_studio.cli import main

main()
