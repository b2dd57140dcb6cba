"""People as the oracle: what a run asks them, what they answered, and where that is kept.

A run that waits for labels leaves two files in its folder: `asked.json`, for programs, and `to_label.csv`,
for spreadsheets. Answers from anywhere are lines of `labels.csv`, which only grows. The run is started
again, reads them, and goes on.

Where images are to be outlined, answers are masks in a folder (`outlines`), known by their checksums.

`page` is what `al-label` shows people, `cli` its command.

Imports `config.commands`, `data`, `loop`, `files` and `errors`. Imported by `runs` and by the commands.
"""
