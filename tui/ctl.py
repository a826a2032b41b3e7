"""``spark-tui ctl``: words of a command line to the arguments of an operator verb."""

from __future__ import annotations

import difflib
from typing import Any

from ipc.errors import UsageError
from ipc.operator import VERBS, Param, Verb, check_args


def find_verb(name: str) -> Verb:
    """The verb. Raises UsageError with the nearest one."""
    if verb := VERBS.get(name):
        return verb
    close = difflib.get_close_matches(name, VERBS, n=1)
    raise UsageError(
        f"there is no command {name!r}",
        f"did you mean {close[0]!r}?" if close else "spark-tui ctl lists all of them",
    )


def usage(verb: Verb) -> str:
    """How to type the verb: ``chat TEXT... [--author AUTHOR]``."""
    words = [verb.name]
    for param in verb.params:
        word = param.name.upper() + ("..." if param.rest else "")
        if param.required:
            words.append(word)
        else:
            words.append(f"[{word}]" if param.rest else f"[--{param.name} {param.name.upper()}]")
    return " ".join(words)


def parse(verb: Verb, words: list[str]) -> dict[str, Any]:
    """Arguments of ``verb``. Raises UsageError with how to type it.

    Optional ones are written ``--name value`` before or after the others; what follows
    ``--`` is taken as it stands.
    """
    args: dict[str, Any] = {}
    plain: list[str] = []
    options = {f"--{param.name}": param for param in verb.params if not param.required}
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        if word == "--":
            plain += waiting
            break
        if param := options.get(word):
            if not waiting:
                raise UsageError(f"{word} needs a value", f"usage: spark-tui ctl {usage(verb)}")
            args[param.name] = _value(verb, param, waiting.pop(0))
        else:
            plain.append(word)
    for param in (param for param in verb.params if param.required or param.rest):
        if not plain:
            break
        if param.rest:
            args[param.name], plain = " ".join(plain), []
        else:
            args[param.name] = _value(verb, param, plain.pop(0))
    if plain:
        problem = f"{verb.name} does not take {plain[0]!r}"
    elif not (problem := check_args(verb, args)):
        return args
    raise UsageError(problem, f"usage: spark-tui ctl {usage(verb)}")


def _value(verb: Verb, param: Param, word: str) -> Any:
    try:
        return param.kind(word)
    except ValueError:
        raise UsageError(
            f"{verb.name}: {param.name} must be a number, not {word!r}"
            if param.kind in (int, float)
            else f"{verb.name}: {word!r} is no {param.name}",
            f"usage: spark-tui ctl {usage(verb)}",
        ) from None
