"""What people gave as answers, wherever it comes from: does it fit what was asked, and what is known?"""

from collections.abc import Callable, Collection, Hashable, Iterable
from dataclasses import replace

from al_runner.data.words import Words
from al_runner.errors import InputError
from al_runner.people.answers import Answer


def checked(
    given: Iterable[tuple[str, Answer]],
    words: Words,
    samples: Collection[str],
    known: Iterable[Answer],
    about: Callable[[Answer], Hashable],
    corrected: Callable[[Answer, Answer], Answer | None] | None = None,
) -> list[Answer]:
    """The answers beyond those that are known, their labels as they are kept.

    Args:
        given: where each answer was found, to be said if it does not fit; and the answer, its label spelled
            as somebody did.
        words: the labels that may be given.
        samples: that may be answered.
        known: answers that count already.
        about: answers about the same thing are to agree, and one of them is enough: the sample, or the
            sample and the reader.
        corrected: what becomes of an answer that is another than the known one (known, said): it, or None to
            leave it out; without such a function it is refused.

    Raises:
        InputError: an answer for another sample, a label that is none, or a contradiction.
    """
    before = {about(answer): answer for answer in known}
    given_here: dict[Hashable, Answer] = {}
    for where, said in given:
        if said.sample not in samples:
            raise InputError(
                f"{where}: {said.sample or 'a row without a file'} is not one of the images asked for"
            )
        answer = replace(said, label=_label(words, said.label, where))
        for earlier in (given_here.get(about(answer)), None if corrected else before.get(about(answer))):
            if earlier is not None and earlier.label != answer.label:
                raise InputError(
                    f"{where}: {answer.sample} is {answer.label} here, and {earlier.label} elsewhere"
                )
        given_here.setdefault(about(answer), answer)
    found = []
    for thing, answer in given_here.items():
        if (earlier := before.get(thing)) is None:
            found.append(answer)
        elif corrected and earlier.label != answer.label and (instead := corrected(earlier, answer)):
            found.append(instead)
    return found


def _label(words: Words, text: str, where: str) -> str:
    try:
        return words.label(text)
    except ValueError as error:
        raise InputError(f"{where}: {error}") from error
