"""Secrets in free text."""

import pytest

from tests.marks import promise
from tests.unit.shape.scan import found, kinds

WORD = "aB3dE5fG7h" * 5


@promise("P6")
@pytest.mark.parametrize(
    "secret",
    [
        "AKIA" + "ABCDEFGH234567XY",
        "LTAI" + WORD[:20],
        "ghp_" + WORD[:36],
        "github_pat_" + WORD[:30],
        "glpat-" + WORD[:20],
        "xoxb-" + "123456789012-" + WORD[:24],
        "sk_live_" + WORD[:24],
        "sk-proj-" + WORD[:40],
        "AIza" + WORD[:35],
        "npm_" + WORD[:36],
        "SG." + WORD[:22] + "." + WORD[:43],
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0." + WORD[:43],
        f"-----BEGIN PRIVATE KEY-----\n{WORD}\n-----END PRIVATE KEY-----",
        f"-----BEGIN RSA PRIVATE KEY-----\n{WORD}\n{WORD}",
    ],
)
def test_keys_of_known_form_are_found(secret):
    """Keys and signed tokens are found by their form; a private key without an end to the end."""
    assert found(f"use {secret}") == [("secret", secret)]


@promise("P6")
@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("password: hunter2", "hunter2"),
        ("Password is hunter2", "hunter2"),
        ("密码：abc12345", "abc12345"),
        ("密码是abc12345", "abc12345"),
        ("Passwort lautet Sommer24", "Sommer24"),
        ("PIN: 482915", "482915"),
        ("pwd=letmein", "letmein"),
        (f'"api_key": "{WORD}"', f'{WORD}"'),
        (f"Authorization: Bearer {WORD}", WORD),
        ("https://admin:geheim1@db.example/x", "admin:geheim1@db.example"),
    ],
)
def test_a_name_makes_a_secret(text, secret):
    """What stands behind a word for a secret is one; the word itself stays."""
    (value,) = [words for _, words in found(text)]
    assert secret.endswith(value) or value == secret
    assert "geheim1" not in text.replace(value, "") or "geheim1" not in secret


@pytest.mark.parametrize(
    "text",
    [
        "password: ********",
        "password: see the other sheet",
        "api_key=<key>",
        "token=${TOKEN}",
        "secret: null",
        "密码错误",
        "密码：见短信",
        "token expired",
        "Bearer of good news today",
        "basic understanding",
        "e3b0c44298fc1c149afbf4c8996fb924",
        "-----BEGIN CERTIFICATE-----",
        "passwords: 12 of them",
    ],
)
def test_talk_of_secrets_is_left(text):
    """Placeholders, certificates, hashes and sentences about passwords are no secrets."""
    assert kinds(text) == []
