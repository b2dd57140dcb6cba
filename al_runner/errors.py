"""What al-runner says when what it was given cannot work."""


class InputError(Exception):
    """Bad input: the message is one line that says what is wrong, where, and what would be right.

    The command prints it as `al-run: <message>` and ends with exit code 2.
    """
