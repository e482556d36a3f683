"""Why a store failed, in one line that may be shown."""

from headway.redaction import redacted

_LONGEST = 200
_CAUSE = "(Caused by "
_STATEMENT = " [SQL: "


def reason_of(error: BaseException) -> str:
    """What an error of MLflow, its database or its server says, without secrets, addresses of requests and statements."""
    text = " ".join(str(error).split())
    if _CAUSE in text:
        text = text.rpartition(_CAUSE)[2].removesuffix(")")
    text = redacted(text.partition(_STATEMENT)[0]) or type(error).__name__
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
