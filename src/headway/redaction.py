"""Secrets out of text: what may stand in a log, a file or a mirror.

A secret is known by where it stands (the password of an address, the value of `token=`, a header), by its form (keys
of well-known services), or because an environment variable with a telling name holds it.
"""

import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO
from urllib.parse import quote, unquote

MASK = "***"

_WORD = r"pass(?:word|wd|phrase)|secret|token|api_?key|access_?key|private_?key|credentials?|signature|sig|pwd"
# Up to the last @: a password may hold one, and a colon or a slash, where nobody encoded it.
_SCHEME = r"\b[a-z][a-z0-9+.-]{0,30}://"
_ADDRESS = re.compile(rf"({_SCHEME})[^\s/?#@:'\"<>]*(?::[^\s'\"<>]{{0,999}})?@", re.IGNORECASE)
_PASSWORD = re.compile(rf"{_SCHEME}[^\s/?#@:'\"<>]*:([^\s'\"<>]{{1,999}})@", re.IGNORECASE)
_PAIR = re.compile(rf"((?:{_WORD})[\"']?\s*[=:]\s*[\"']?)(?!\*\*\*)[^\s&'\",;]+", re.IGNORECASE)
# A capital letter or a digit tells it from a word that follows: "a basic forecaster".
_HEADER = re.compile(r"(\b(?i:basic|bearer|token)\s+)(?=[\w+/.~-]*[A-Z0-9])[\w+/.~-]{8,}=*")
_FORMS = re.compile(
    r"\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abprs]-[\w-]{10,}|sk-[\w-]{20,}|hf_\w{20,}"
    r"|(?:AKIA|ASIA)[0-9A-Z]{16}|dapi[0-9a-f]{32}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    re.DOTALL,
)
_TELLING = re.compile(r"TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|KEY(?:S?$|_)|_PWD$|_AUTH$", re.IGNORECASE)
# Found in half of all texts, and so no secret that could be told from words: `disabled`, `4096`.
_PLAIN = re.compile(r".{0,5}|[a-z_.-]{0,15}|[0-9.]{0,11}", re.DOTALL)
_LONG = 12  # from here on a secret is found inside of words, too


def redacted(text: str) -> str:
    """The text with `***` in the place of every secret.

    Args:
        text: Anything that is about to be shown or stored.
    """
    if len(text) < 6:
        return text
    if "://" in text:
        text = _ADDRESS.sub(rf"\1{MASK}@", text)
    text = _FORMS.sub(MASK, _HEADER.sub(rf"\1{MASK}", _PAIR.sub(rf"\1{MASK}", text)))
    for _, secret in _known():
        if secret in text:
            text = _finder(secret).sub(MASK, text)
    return text


def holder_of(text: str) -> str | None:
    """The environment variable whose secret value stands in a text, or None."""
    found = (name for name, secret in _known() if secret in text and _finder(secret).search(text))
    return next(found, None)


class RedactedStream:
    """A text stream through which no secret goes.

    Args:
        stream: Where the rest goes.
        silent: Beginnings of writes that nobody wants to read.
    """

    def __init__(self, stream: TextIO, silent: Iterable[str] = ()) -> None:
        self._stream, self._silent = stream, tuple(silent)

    def write(self, text: str) -> int:
        """Write a text without its secrets; returns the length of the text, as writers expect."""
        if not text.startswith(self._silent):
            self._stream.write(redacted(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts without their secrets."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


def _known() -> Iterator[tuple[str, str]]:
    """Secrets of this process and who holds them, in every spelling; longest first, as one may hold another."""
    values = [(name, value) for name, value in os.environ.items() if _TELLING.search(name) and not _is_path(value)]
    addresses = [*os.environ.items(), *(("the command line", word) for word in sys.argv)]
    values += [(name, found[1]) for name, text in addresses if "://" in text for found in _PASSWORD.finditer(text)]
    spelled = {
        (name, one) for name, value in values for one in (value, value.strip(), unquote(value), quote(value, ""))
    }
    yield from sorted((pair for pair in spelled if not _PLAIN.fullmatch(pair[1])), key=lambda pair: -len(pair[1]))


def _is_path(value: str) -> bool:
    """Whether a value says where a secret is kept, and is none itself."""
    try:
        return Path(value).exists()
    except (OSError, ValueError):
        return False


def _finder(secret: str) -> re.Pattern[str]:
    inside = re.escape(secret)
    return re.compile(inside if len(secret) >= _LONG else rf"(?<!\w){inside}(?!\w)")
