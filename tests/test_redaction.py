"""What is taken for a secret, and what is left alone."""

import io

import pytest

from headway.redaction import RedactedStream, holder_of, redacted

TOKEN = "q7Zr-kk3_9fX2vLw"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://u:hunter22@h/d", "postgresql://***@h/d"),
        ("postgresql+psycopg://u:p@ss/w:rd@h:5/d", "postgresql+psycopg://***@h:5/d"),
        ("https://ghost@h/x", "https://***@h/x"),
        ("at 'http://u:p1@h/a' and http://u:p2@i/b", "at 'http://***@h/a' and http://***@i/b"),
        ("https://h/x?user=me&token=abc123&y=1", "https://h/x?user=me&token=***&y=1"),
        ("connect(password='hunter2', host='h')", "connect(password='***', host='h')"),
        ('{"api_key": "abc"}', '{"api_key": "***"}'),
        ("Authorization: Basic dTpwYXNzd29yZA==", "Authorization: Basic ***"),
        ("bearer abcdef12.ijkl", "bearer ***"),
        ("key AKIAIOSFODNN7EXAMPLE.", "key ***."),
        ("ghp_" + "a1" * 18, "***"),
        ("-----BEGIN RSA PRIV" + "ATE KEY-----\nabc\n-----END RSA PRIV" + "ATE KEY-----\nx", "***\nx"),
    ],
)
def test_a_secret_is_known_by_its_place_or_its_form(text: str, expected: str) -> None:
    assert redacted(text) == expected
    assert redacted(expected) == expected


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:5000/#/experiments/1/runs/ab?workflowType=machine_learning",
        "sqlite:///mlflow.db",
        "model.heads=4 seed=1 key_dim=8",
        "tokens: 4 of 6; mail me@example.org",
        "run 2026-01-31_12-00-00_0a1b2c: sha256 " + "3f" * 32,
        "a basic forecaster of a token",
        "",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize("name", ["HUB_TOKEN", "APP_SECRET", "DB_PASSWORD", "DEPLOY_KEY", "MY_CREDENTIAL", "AWS_SECRET_ACCESS_KEY", "X_KEY_ID", "SITE_AUTH"])  # fmt: skip
def test_a_variable_with_a_telling_name_holds_a_secret(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, TOKEN)
    assert redacted(f"a{TOKEN}b") == "a***b"
    assert holder_of(f"a{TOKEN}b") == name


def test_a_password_in_an_address_of_the_environment_is_found_alone_and_in_every_spelling(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:s%40cr%21t-word7@h/d")
    for spelling in ("s%40cr%21t-word7", "s@cr!t-word7"):
        assert redacted(f"FATAL: {spelling} is wrong") == "FATAL: *** is wrong"


@pytest.mark.parametrize(
    ("name", "value"),
    [("KEYBOARD", TOKEN), ("A_TOKEN", "disabled"), ("A_TOKEN", "4096"), ("A_KEY", "ab1"), ("A_KEY", "/usr/bin"), ("A", TOKEN)],
)  # fmt: skip
def test_a_plain_word_a_path_and_a_name_that_tells_nothing_hide_nothing(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert redacted(f"it is {value} here") == f"it is {value} here"
    assert holder_of(value) is None


def test_hostile_text_takes_no_more_time_than_its_length_asks_for() -> None:
    """Each of these would take minutes, were a pattern to begin anew at every letter: here a timeout would end it."""
    for word in ("a.", "a-", "http://", "http://a:", "token", "x@", "eyJ", "http://a:b.eyJ-token", "-----BEGIN "):
        text = word * (50_000 // len(word))
        assert redacted(text) == text


def test_a_short_secret_is_found_where_it_stands_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_TOKEN", "abc-123")
    assert redacted("abc-123, xabc-1234") == "***, xabc-1234"


def test_nothing_secret_goes_through_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_TOKEN", TOKEN)
    inner = io.StringIO()
    stream = RedactedStream(inner, silent=["noise"])
    print(f"it is {TOKEN}", "noise", file=stream)
    stream.write("noise that nobody reads")
    stream.writelines(["x", TOKEN])
    assert inner.getvalue() == "it is *** \nx***"
    assert stream.isatty() is False
