"""An address as it may be shown."""

import pytest

from headway.tracking.uri import shown


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("postgresql://user:secret@host:5432/db", "postgresql://host:5432/db"),
        ("postgresql://user:p@ss/w?rd@host/db", "postgresql://host/db"),
        ("https://user@host/path", "https://host/path"),
        ("https://host/path?user=me@home.org", "https://host/path?user=me@home.org"),
        ("postgresql://host/db?user=u&password=hunter2&sslmode=require", "postgresql://host/db?user=u&password=***&sslmode=require"),
        ("https://user:pw@host/?token=abc", "https://host/?token=***"),
        ("sqlite:////data/a@b/mlflow.db", "sqlite:////data/a@b/mlflow.db"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
    ],
)  # fmt: skip
def test_no_user_and_no_password_is_shown(uri: str, expected: str) -> None:
    assert shown(uri) == expected
    assert shown(expected) == expected
