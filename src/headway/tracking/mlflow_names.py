"""Names as MLflow takes them: a column may be called anything, a metric may not."""

import posixpath
import re

LONGEST = 250


def metric_name(name: str) -> str:
    """A legal metric or parameter name for any name; a legal one is returned as it is.

    MLflow allows letters, digits, `_ - . space : /` and only normal paths. Two different names may become one, which
    `load (MW)` and `load [MW]` in one data set would have to do to each other.
    """
    return _normal_path(re.sub(r"[^/\w.\- :]", "_", name))


def image_key(name: str) -> str:
    """A legal key of an image series for any name: as `metric_name`, without letters beyond ASCII and without colons."""
    return _normal_path(re.sub(r"[^A-Za-z0-9_\-./ ]", "_", name))


def _normal_path(name: str) -> str:
    parts = [part for part in posixpath.normpath(name).split("/") if part not in ("", ".", "..")]
    return ("/".join(parts) or "_")[:LONGEST]
