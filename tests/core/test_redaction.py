"""Redaction: what is secret goes, what only looks a little like it stays."""

import json
from collections.abc import Callable
from html import escape
from urllib.parse import quote

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlnb.core import redaction

PLANTED = "pl4nted/Val+ue==\"q'"


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> str:
    """Plant a secret in the environment."""
    monkeypatch.setenv("WAREHOUSE_TOKEN", PLANTED)
    return PLANTED


@pytest.mark.parametrize(
    "name",
    [
        "API_TOKEN",
        "token",
        "db_password",
        "clientSecret",
        "aws_secret_access_key",
        "OPENAI_API_KEY",
        "api-key",
        "auth.password",
        "DB_PWD",
    ],
)
def test_names_that_say_secret(name: str) -> None:
    assert redaction.looks_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "max_tokens",
        "token_count",
        "pad_token",
        "PASSWORD_FILE",
        "PWD",
        "OLDPWD",
        "tokenizer",
        "keyboard",
        "random_state",
        "n_secrets",
        "secret_name",
        "key",
        "",
    ],
)
def test_names_that_do_not(name: str) -> None:
    assert not redaction.looks_secret(name)


@pytest.mark.parametrize(
    "written",
    [
        lambda value: f"the value is {value}.",
        lambda value: f"https://x.org/?a={quote(value, safe='')}",
        lambda value: json.dumps({"a": value}),
        lambda value: json.dumps({"a": json.dumps({"b": value})}),
        lambda value: pd.DataFrame({"a": [value]}).to_json(),
        lambda value: repr([value]),
        lambda value: f"<td>{escape(value)}</td>",
    ],
)
def test_a_value_of_the_environment_goes_however_it_is_written(
    planted: str, written: Callable[[str], str]
) -> None:
    after = redaction.text(written(planted))
    assert redaction.MARK in after
    assert "pl4nted" not in after


def test_a_value_stays_secret_after_it_has_left_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GONE_SECRET", "was-here-once-7")
    redaction.text("look around")
    monkeypatch.delenv("GONE_SECRET")
    assert redaction.text("was-here-once-7") == redaction.MARK


@pytest.mark.parametrize("value", ["1", "true", "prod", "production", "changeme", "abc", "abcdef"])
def test_short_and_common_values_are_not_taken_for_secrets(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("SOME_TOKEN", value)
    assert redaction.text(f"mode={value} and more") == f"mode={value} and more"


def test_registered_values() -> None:
    redaction.register("zq9x", {"a": ["nested-value-1"]}, "yes", None)
    try:
        assert redaction.text("zq9x nested-value-1 yes") == f"{redaction.MARK} {redaction.MARK} yes"
    finally:
        redaction.forget("zq9x", "nested-value-1")
    assert redaction.text("zq9x nested-value-1") == "zq9x nested-value-1"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("postgresql://me:pw@db/x", "postgresql://(redacted)@db/x"),
        ("https://abc123@github.com/a/b", "https://(redacted)@github.com/a/b"),
        ("s3://b/k?X-Amz-Signature=ab12&v=1", "s3://b/k?X-Amz-Signature=(redacted)&v=1"),
        ("https://a.net/c?sv=2&sig=a%2Fb&amp;x=1", "https://a.net/c?sv=2&sig=(redacted)&amp;x=1"),
        ("http://h:8888/lab?token=0123abcd", "http://h:8888/lab?token=(redacted)"),
        ("Authorization: Bearer ab.cd-ef12", "Authorization: Bearer (redacted)"),
        ("{'Authorization': 'Basic dXNlcjpwdw=='}", "{'Authorization': 'Basic (redacted)'}"),
        ("ghp_" + "a1" * 18, "(redacted)"),
        ("-----BEGIN PRIVATE KEY-----\nab\n-----END PRIVATE KEY-----", "(redacted)"),
        ("ssh://git@github.com/a/b", "ssh://git@github.com/a/b"),
        ("sqlite:////data/a@b.db", "sqlite:////data/a@b.db"),
        ("me@example.org and a?b=c&d=e", "me@example.org and a?b=c&d=e"),
        ("eyJ is short", "eyJ is short"),
    ],
)
def test_what_is_recognised_without_being_known(before: str, after: str) -> None:
    assert redaction.text(before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('api_key = "abcd-1234"', 'api_key = "(redacted)"'),
        ("token: str = 'abcd1234'", "token: str = '(redacted)'"),
        ('{"password": "hunter22"}', '{"password": "(redacted)"}'),
        ("connect(password='hunter22')", "connect(password='(redacted)')"),
        ('os.environ["DB_PASSWORD"] = "xyz99"', 'os.environ["DB_PASSWORD"] = "(redacted)"'),
        ("+export MY_TOKEN=abc12345", "+export MY_TOKEN=(redacted)"),
        ("-client_secret: abc12345", "-client_secret: (redacted)"),
        ("token = tokenizer.encode", "token = tokenizer.encode"),
        ('max_tokens = "1000000"', 'max_tokens = "1000000"'),
        ("password = settings.password", "password = settings.password"),
        ('token = ""', 'token = ""'),
        ('print(token, "some words")', 'print(token, "some words")'),
        ("!tool --password=Hunter2x!z -v", "!tool --password=(redacted) -v"),
        ("!tool --api-key Hunter2x!z", "!tool --api-key (redacted)"),
        ("['a.py', '--db-password', 'Hunter2x!z']", "['a.py', '--db-password', '(redacted)']"),
        ("['--token=Hunter2x!z', '-n']", "['--token=(redacted)', '-n']"),
        ("!tool --token $TOKEN --max-tokens 100000x", "!tool --token $TOKEN --max-tokens 100000x"),
        ("!docker login --password-stdin --verbose1", "!docker login --password-stdin --verbose1"),
    ],
)
def test_values_written_under_a_telling_name(before: str, after: str) -> None:
    assert redaction.source(before) == after
    assert redaction.source(after) == after


def test_a_literal_in_code_is_known_where_it_is_shown() -> None:
    redaction.learn('x = 1\nSERVICE_TOKEN = "q7-literal-9"\ntoken = "weekly report"')
    try:
        assert redaction.text("it is q7-literal-9") == f"it is {redaction.MARK}"
        assert redaction.text("the weekly report") == "the weekly report"
    finally:
        redaction.forget("q7-literal-9")


def test_each_line_of_a_key_is_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    key = "first-line-of-the-key-0123\nsecond-line-of-the-key-4567"
    monkeypatch.setenv("SIGNING_KEY", key)
    assert "of-the-key" not in redaction.text("+" + key.replace("\n", "\n+"))


def test_files(planted: str) -> None:
    assert redaction.data(f"a {planted}".encode()) == b"a (redacted)"
    assert redaction.data(b"\xff\x00" + planted.encode()) == b"\xff\x00" + b"*" * len(planted)
    untouched = b"\x89PNG\x00\xff"
    assert redaction.data(untouched) is untouched


def test_bodies(planted: str) -> None:
    given = {"lr": 0.1, "api_key": "k", "name": [planted, 3], "db_password": "s3cr3t", "token": ""}
    assert redaction.body(given) == {
        "lr": 0.1,
        "api_key": "k",  # too short to be one
        "name": [redaction.MARK, 3],
        "db_password": redaction.MARK,
        "token": "",
    }


@given(st.text())
def test_redacting_again_changes_nothing(value: str) -> None:
    once = redaction.text(value)
    assert redaction.text(once) == once
