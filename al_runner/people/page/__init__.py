"""The page of `al-label`: on this machine, in a browser, for the people whom a run asks.

A `Desk` stands before one run: what state it is in, its training, and the `Session` of the round that waits
(questions, who has which on the screen, answers, undo). `pictures` turns files into pixels, `progress` and
`agreement` turn records into numbers. `app` is all of that over HTTP, behind `security`, `serving` the
server. `static/` is what the browser gets: it shows and asks, and decides nothing.

Imports the modules of `people`, `data.formats`, `files`, `errors`, and Starlette and uvicorn (extra `label`);
nothing that needs PyTorch. Imported by `people.cli`.
"""
