"""The rules by themselves: what is found, what is left alone, and that the short cut is one."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handspan.redaction_rules import RULES, Redactor, is_card_number

REDACTOR = Redactor()

# Put together here, so that no scanner takes this file for a leak.
SECRETS = {
    "openai": "sk-" + "proj-Ab1_" * 4,
    "anthropic": "sk-ant-" + "api03-" + "x" * 24,
    "stripe": "sk_" + "live_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "github": "ghp_" + "a1B2" * 9,
    "github fine": "github_pat_" + "a1B2" * 8,
    "gitlab": "glpat-" + "a1B2" * 5,
    "slack": "xoxb-" + "123456789012-abc",
    "google": "AIza" + "SyA1" * 9,
    "hugging face": "hf_" + "a1B2" * 8,
    "groq": "gsk_" + "a1B2" * 8,
    "npm": "npm_" + "a1B2" * 9,
    "aws": "AKIA" + "IOSFODNN7EXAMPLE",
    "jwt": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxIn0." + "c2lnbmF0dXJl",
    "private key": "-----BEGIN " + "RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
    "cut private key": "-----BEGIN " + "PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG",
    "bearer": "Bearer " + "abc123def456ghi7",
    "basic": "Basic " + base64.b64encode(b"ada:lovelace").decode(),
    "card": "4111 1111 1111 1111",
    "amex": "3782-822463-10005",
    "email": "ada.lovelace+math@mail.example.co.uk",
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
@pytest.mark.parametrize("around", ["{}", "before {} after", '{{"note": "it is {}"}}', "x={},y"])
def test_a_secret_of_known_shape_is_taken_out_wherever_it_stands(secret: str, around: str) -> None:
    """Keys get into prompts, tool results and error messages, alone and inside other text."""
    text = around.format(json.dumps(secret)[1:-1] if "note" in around else secret)
    clean = REDACTOR.text(text)
    assert secret not in clean
    assert json.dumps(secret)[1:-1] not in clean
    assert "[redacted:" in clean


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("https://bob:hunter2@db.example/x", "https://[redacted:url_password]@db.example/x"),
        ("GET /x?api_key=123&page=2", "GET /x?api_key=[redacted:key]&page=2"),
        ("PASSWORD = 'it is'", "PASSWORD = '[redacted:key]'"),
        ("{'password': 'it\\'s', 'x': 1}", "{'password': '[redacted:key]', 'x': 1}"),
        ("Authorization: Bearer abc", "Authorization: [redacted:key]"),
        ('{"password":"a","password":null}', '{"password":"[redacted:key]","password":null}'),
        ('{"a": 1, "client_secret": "cut off he', '{"a": 1, "client_secret": "[redacted:key]'),
    ],
)
def test_a_value_behind_a_telling_name_is_taken_out_of_text(text: str, clean: str) -> None:
    """Query strings, Python's own spelling of a dictionary and JSON that was cut are no JSON."""
    assert REDACTOR.text(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "basic understanding of bearer bonds",
        "tokens: 512, max_tokens=100, token: 7",
        "the password is none of your business",
        "1767225600000000000",  # a time in ns
        "0.4111111111111111",
        "4111 1111 1111 1112",  # no card: the last digit is wrong
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "sk-learn and task-force",
        "see http://localhost:4317/v1",
        '{"password": null, "secret": true, "token": 5}',
        "password=[redacted:key]",
    ],
)
def test_what_only_looks_alike_stays(text: str) -> None:
    """A redactor that eats half of the telemetry is switched off."""
    assert REDACTOR.text(text) == text


@pytest.mark.parametrize(
    "name",
    [
        "password", "db.password", "userPassword", "X-Api-Key", "apiKey", "OPENAI_API_KEY",
        "http.request.header.authorization", "client_secret", "clientSecret", "access_token",
        "set-cookie", "aws.secret_access_key", "private_key_pem", "pwd", "card_number", "cvv",
    ],
)  # fmt: skip
def test_a_telling_name_hides_whatever_its_value_is(name: str) -> None:
    """A password has no shape; its name has."""
    assert REDACTOR.value(name, "hunter2") == "[redacted:key]"
    assert REDACTOR.value(name, ["hunter2"]) == ["[redacted:key]"]
    assert REDACTOR.text(json.dumps({name: "hunter2"})) == json.dumps({name: "[redacted:key]"})
    assert REDACTOR.value(name, None) is None


@pytest.mark.parametrize(
    "name",
    [
        "gen_ai.usage.input_tokens", "gen_ai.token.type", "handspan.task.id", "author",
        "llm.token_count.prompt", "secretary", "tokenizer", "password_policy", "key",
    ],
)  # fmt: skip
def test_a_harmless_name_hides_nothing(name: str) -> None:
    """Names of the conventions contain `token` and `key` everywhere."""
    assert REDACTOR.value(name, "input") == "input"


def test_json_inside_strings_is_followed_and_stays_json() -> None:
    """Tool arguments are JSON in a JSON string; the reader still wants to parse them."""
    inner = json.dumps({"user": "ada", "auth": {"password": "hunter2"}})
    text = json.dumps({"arguments": json.dumps({"call": inner}), "headers": [["cookie", "a=b"]]})
    clean = json.loads(REDACTOR.text(text))
    nested = json.loads(json.loads(clean["arguments"])["call"])
    assert nested == {"user": "ada", "auth": {"password": "[redacted:key]"}}
    assert clean["headers"] == [["cookie", "[redacted:key]"]]


def test_pairs_of_name_and_value_count_as_names() -> None:
    """Headers travel as lists of pairs, or as objects with `name` and `value`."""
    text = json.dumps({"headers": [{"name": "Authorization", "value": "zzz"}]})
    assert json.loads(REDACTOR.text(text))["headers"][0]["value"] == "[redacted:key]"


def test_own_rules_come_on_top() -> None:
    """Every company has numbers of its own."""
    own = Redactor(keys=["employee_id"], patterns=[r"\bEMP-\d+\b"], functions=[str.strip])
    assert (
        own.text("  ask EMP-77, employeeId=12 ")
        == "ask [redacted:custom], employeeId=[redacted:key]"
    )
    assert own.value("app.employeeId", "12") == "[redacted:key]"


def test_groups_are_chosen_one_by_one() -> None:
    """Who keeps e-mail addresses as user ids on purpose still wants keys to stay inside."""
    kept = Redactor(["credentials", "keys", "cards"])
    assert kept.text("ada@example.com password=x") == "ada@example.com password=[redacted:key]"
    nothing = Redactor([])
    assert nothing.value("password", SECRETS["openai"]) == SECRETS["openai"]
    with pytest.raises(ValueError, match="choose from credentials, keys, emails, cards"):
        Redactor(["passwords"])
    with pytest.raises(ValueError, match="is no regular expression"):
        Redactor(patterns=["("])


PIECES = st.one_of(
    st.text(max_size=12),
    st.sampled_from([*SECRETS.values(), "password", "token", "api_key", '"', "'", "\\", "=", ":"]),
    st.sampled_from([" ", "\n", "{", "}", "@", "://", "sig", "[", "]", ",", "4111111111111111"]),
)
TEXTS = st.lists(PIECES, max_size=8).map("".join)
JSONS = st.recursive(
    st.one_of(TEXTS, st.integers(), st.none(), st.booleans()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(TEXTS)
def test_the_short_cut_misses_nothing(text: str) -> None:
    """Texts that are not suspicious are not looked at: then nothing may be in them."""
    if not REDACTOR.suspicious(text):
        assert REDACTOR.searched(text) == text


@given(JSONS)
def test_redacting_twice_changes_nothing_more(value: Any) -> None:  # noqa: ANN401
    """A span may pass two redactors: ours in the process and the one at the receiver's door."""
    clean = REDACTOR.value("input", value)
    assert REDACTOR.value("input", clean) == clean


OTHERS = st.recursive(
    st.text(max_size=9) | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


@given(OTHERS, st.sampled_from(sorted(SECRETS.values())))
def test_no_secret_survives_in_any_nesting(value: Any, secret: str) -> None:  # noqa: ANN401
    """However deep, and with whatever around it."""
    nested = {"a": value, "b": [json.dumps({"c": f" {secret} "})]}
    assert json.dumps(secret)[1:-1] not in json.dumps(REDACTOR.value("input", nested))


@given(st.integers(min_value=10**11, max_value=10**18))
def test_a_card_number_is_known_by_its_check_digit(number: int) -> None:
    """Of the ten last digits exactly one is right."""
    digits = [f"{number}{last}" for last in range(10)]
    assert sum(map(is_card_number, digits)) == (1 if len(digits[0]) in range(13, 20) else 0)


@pytest.mark.parametrize(
    "evil",
    [
        "a" * 50_000, "a@" * 25_000, "password=" * 5_000, '\\"' * 25_000, "4" * 50_000,
        "://" + ":" * 50_000, "eyJ" * 20_000, 'password=\\"' * 5_000, "a.b-" * 12_000 + "@",
        "-----BEGIN PRIVATE KEY-----" * 2_000, 'token="' + "\\" * 50_000, "4 4 4 4-" * 6_000,
    ],
)  # fmt: skip
def test_no_text_makes_a_pattern_run_away(evil: str) -> None:
    """A pattern that takes the square of the length would stop the sending thread for minutes.

    The bound is a hundred times what it takes.
    """
    before = time.process_time()
    REDACTOR.searched(evil)
    assert time.process_time() - before < 10


def test_every_rule_has_an_example_here() -> None:
    """A rule without an example is a rule that nobody has seen work."""
    found = {
        rule.name
        for rule in RULES
        for secret in [*SECRETS.values(), "https://bob:hunter2@db.example"]
        if rule.applied(secret) != secret
    }
    assert found == {rule.name for rule in RULES}
