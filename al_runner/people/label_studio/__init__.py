"""The exchange with Label Studio: what a run asks goes there as tasks, annotations come back as answers.

By files (`export`, `import`) or by its HTTP API (`push`, `pull`): `python -m al_runner.people.label_studio`.

Imports the rest of `people`, `config.commands`, `data`, `files` and `errors`. Imported by nothing but
commands.
"""
