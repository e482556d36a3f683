"""Secrets in settings: two addresses may hold one, and nothing else, because all else is shown and stored."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from headway.errors import ConfigError
from headway.redaction import holder_of, redacted

_MAY_HOLD_ONE = ("tracking.uri", "sweep.storage")


def refuse_secrets(settings: object) -> None:
    """Refuse settings that hold a secret: the value of a variable with a telling name, a password in an address, a token.

    Args:
        settings: As composed, interpolations such as `${oc.env:API_TOKEN}` resolved.

    Raises:
        ConfigError: With one message for each, which does not repeat it.
    """
    _refuse(_texts(settings))


def refuse_typed_secrets(arguments: Sequence[str]) -> None:
    """Refuse the same in the words of a command, which become names, labels and commands to type again.

    Args:
        arguments: The words after the script.

    Raises:
        ConfigError: As for `refuse_secrets`.
    """
    _refuse(argument.lstrip("+~").partition("=")[::2] for argument in arguments)


def _texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every value as a text, with the dotted name of its place: names that users choose are texts, too."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _texts(one, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one, key)
    else:
        yield key, value if isinstance(value, str) else ""


def _refuse(settings: Iterable[tuple[str, str]]) -> None:
    messages = []
    for key, text in settings:
        if key in _MAY_HOLD_ONE or (redacted(key) == key and redacted(text) == text):
            continue
        holder = holder_of(key) or holder_of(text)
        what = (
            f"the value of {holder}, which by its name is a secret" if holder else "what looks like a password or token"
        )
        messages.append(
            f"{redacted(key) or 'the configuration'}: holds {what}, and settings are stored with the run; "
            f"leave it out, only {' and '.join(_MAY_HOLD_ONE)} may hold one"
        )
    if messages:
        raise ConfigError(*dict.fromkeys(messages))
