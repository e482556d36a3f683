"""Where a tracking store is: checked, absolute, and fit to be shown."""

import re
from pathlib import Path

from headway.errors import ConfigError
from headway.redaction import redacted

_SQLITE = "sqlite:///"
LOCAL_SERVER = "http://127.0.0.1:5000"
"""Where `python -m headway.tracking ui` serves a database, unless it is told another port."""


def resolve(uri: str) -> str:
    """The same store, independent of the folder a later command is typed in.

    Args:
        uri: `sqlite:///file.db` (relative to the current folder), `sqlite:////absolute/file.db`, `http(s)://...` or `postgresql://...`.

    Raises:
        ConfigError: The URI names no store that can be used.
    """
    if uri.startswith(_SQLITE):
        path, _, query = uri.removeprefix(_SQLITE).partition("?")
        if not path or path == ":memory:" or path.endswith("/"):
            raise ConfigError(
                f"tracking.uri must name a database file: got {uri!r}. Write sqlite:///mlflow.db for mlflow.db in this folder."
            )
        return f"{_SQLITE}{Path(path).absolute()}" + (f"?{query}" if query else "")
    if re.match(r"(https?|postgresql)://[^/]", uri):
        return uri
    hint = "Write sqlite:///mlflow.db for a database in this folder."
    if "://" not in uri and uri.strip():
        file = uri if uri.endswith(".db") else uri.rstrip("/") + "/mlflow.db"
        hint = f"A plain path is no store: write {_SQLITE}{file}"
    raise ConfigError(
        f"tracking.uri must start with sqlite:///, postgresql://, http:// or https://: got {shown(uri)!r}. {hint}"
    )


def database_file(uri: str) -> Path | None:
    """The file behind a resolved `sqlite:///` URI, or None for every other store."""
    if not uri.startswith(_SQLITE):
        return None
    return Path(uri.removeprefix(_SQLITE).partition("?")[0])


def shown(uri: str) -> str:
    """The URI without user name and password, as it may stand in logs, files and links."""
    if "@" in uri:
        scheme, _, rest = uri.partition("://")
        # A password that nobody encoded may hold an @, a slash or a question mark: nothing before the last @ is shown.
        before, _, after = rest.rpartition("@")
        uri = f"{scheme}://{after}" if _is_user(before) else uri
    return redacted(uri)


def _is_user(text: str) -> bool:
    """Whether what stands before an @ is a user and a password, and not a path in which an @ occurs."""
    return "/" not in text or ":" in text.partition("/")[0]


def server(uri: str) -> str:
    """The address of the UI: the tracking server itself, or the one a user starts over a database."""
    return shown(uri).rstrip("/") if uri.startswith("http") else LOCAL_SERVER
