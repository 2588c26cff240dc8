"""What must not leave the process: credentials, e-mail addresses, card numbers, keys by name.

Standard library only, so that the service can apply the same rules at its door. A `Redactor`
first asks whether anything in a text is suspicious at all, by plain searches that cost next to
nothing; only then does it parse JSON and try its patterns.

    >>> Redactor().text("ask ada@example.com, password=hunter2")
    'ask [redacted:email], password=[redacted:key]'
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

GROUPS = ("credentials", "keys", "emails", "cards")
"""What can be switched on and off by itself."""

FAILED = "[redacted:failed]"
"""Stands where the redactor itself failed: nothing that it did not look at goes out."""

_MARK = "[redacted:"
_MARKED = re.compile(r"\[redacted:\w+\]")
_BY_KEY = "[redacted:key]"
_DEEPEST = 8
"""JSON inside strings of JSON is followed so far; beyond, the text's own patterns must do."""
_MOST_ROUNDS = 4
_SHORTEST = 5
"""No rule finds anything in less."""
_CARD_LENGTHS = range(13, 20)
SMALLEST_CARD = 10**12
"""No smaller number is a card's."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One pattern; what it matches is replaced by `[redacted:<name>]`."""

    name: str
    group: str
    pattern: re.Pattern[str]
    accepts: Callable[[str], bool] | None = None
    """Says of a match whether it really is one; None: always."""

    def applied(self, text: str) -> str:
        """Return the text without what the rule finds."""
        mark = f"[redacted:{self.name}]"
        accepts = self.accepts
        if accepts is None:
            return self.pattern.sub(mark, text)
        return self.pattern.sub(lambda found: mark if accepts(found[0]) else found[0], text)


def _is_basic(text: str) -> bool:
    """Say whether `Basic xyz` is user and password, and not two words of English."""
    try:
        return b":" in base64.b64decode(text.split()[1], validate=True)
    except (binascii.Error, ValueError):
        return False


def _has_digit(text: str) -> bool:
    return any(letter.isdigit() for letter in text)


def is_card_number(text: str) -> bool:
    """Say whether digits (spaces and hyphens between them) are a payment card's number."""
    digits = [int(one) for one in text if one.isdecimal()]
    if len(digits) not in _CARD_LENGTHS:
        return False
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


RULES = (
    Rule(
        "private_key",
        "credentials",
        re.compile(
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----.*?"
            r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|\Z)",
            re.DOTALL,
        ),
    ),
    Rule(
        "jwt",
        "credentials",
        re.compile(r"\beyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?(?:\.[\w-]*){0,2}"),
    ),
    Rule(
        "api_key",
        "credentials",
        re.compile(
            r"(?<![A-Za-z0-9])(?:"
            r"sk-[\w-]{16,}"  # OpenAI, Anthropic, OpenRouter, DeepSeek, LiteLLM, Langfuse
            r"|(?:sk|rk|pk)_(?:live|test)_\w{10,}|whsec_[\w+/=]{16,}"  # Stripe
            r"|gh[pousr]_\w{20,}|github_pat_\w{20,}"
            r"|glpat-[\w-]{16,}"
            r"|xox[abeoprs]-[\w-]{10,}|xapp-[\w-]{10,}"  # Slack
            r"|AIza[\w-]{30,}|ya29\.[\w-]{16,}|GOCSPX-[\w-]{16,}"  # Google
            r"|hf_[A-Za-z0-9]{20,}"
            r"|gsk_\w{20,}|xai-\w{20,}|pplx-\w{20,}|r8_\w{20,}|lsv2_\w{16,}|tvly-[\w-]{16,}"
            r"|npm_\w{30,}|pypi-[\w-]{30,}|dop_v1_\w{30,}|nvapi-[\w-]{20,}"
            r"|SG\.[\w-]{16,}\.[\w-]{16,}"
            r"|shp(?:at|ca|pa|ss)_\w{16,}"
            r"|dckr_pat_[\w-]{16,}"
            r")"
        ),
    ),
    Rule(
        "aws_key",
        "credentials",
        re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9])"),
    ),
    Rule(
        "bearer",
        "credentials",
        re.compile(r"\bbearer\s{1,3}[\w.~+/-]{12,}={0,2}", re.IGNORECASE),
        _has_digit,
    ),
    Rule(
        "basic_auth",
        "credentials",
        re.compile(r"\bbasic\s{1,3}[A-Za-z0-9+/]{4,}={0,2}", re.IGNORECASE),
        _is_basic,
    ),
    Rule(
        "url_password",
        "credentials",
        re.compile(r"(?<=://)[^\s/:@\"'<>\[\]]{0,256}:[^\s/@\"'<>]{1,256}(?=@)"),
    ),
    Rule(
        "email",
        "emails",
        re.compile(
            r"(?<![\w.%+-])[\w.%+-]{1,64}@(?!\.)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}"
        ),
    ),
    Rule(
        "card",
        "cards",
        # Brands' own beginnings only: else one time stamp in ten would pass for a card.
        re.compile(
            r"(?<![\w.])(?:4\d{3}|5[1-5]\d\d|2[2-7]\d\d|3[4-9]\d\d|30[0-5]\d|6\d{3})"
            r"(?:[ -]?\d){9,15}(?![\w])"
        ),
        is_card_number,
    ),
)
"""Applied in this order; longer things come before what they contain."""

_SENSITIVE_KEY = re.compile(
    r"(?:pass_?words?|passwd|pass_?phrase|secret|secrets|api_?keys?|authorization|credentials?"
    r"|private_?key|secret_?key|(?:^|_)(?:pwd|token|cookies?|cvv2?|cvc2?|ssn|access_?key"
    r"|account_?key|auth_?key|signing_?key|encryption_?key|connection_?string"
    r"|card_?number|iban|signature))"
    r"(?:_(?:value|hash|text|plain|raw|base64|pem|new|old|confirm(?:ation)?|\d{1,3}))*$"
)

_KEY_IN_TEXT = re.compile(
    r"(?P<key>(?:pass[_-]?words?|passwd|pass[_-]?phrase|secret|api[_-]?key|authorization"
    r"|credentials?|private[_-]?key|secret[_-]?key|access[_-]?key|account[_-]?key|x-amz-signature"
    r"|set-cookie|cookie|(?<![a-z0-9])pwd|(?<![a-z])token|(?<![a-z0-9])cvv2?|(?<![a-z0-9])sig))"
    r"(?P<mid>\\{0,8}[\"']?\s{0,3}(?:=>|[:=])\s{0,3})"
    r"(?P<value>\\{1,8}\".*?(?:\\{1,8}\"|\Z)"
    r"|\"(?:[^\"\\]|\\.)*(?:\"|\Z)|'(?:[^'\\]|\\.)*(?:'|\Z)"
    r"|(?:(?:bearer|basic|digest|negotiate|token|apikey)\s{1,3})?[^\s,;&\"'{}()\[\]<>]+)",
    re.IGNORECASE | re.DOTALL,
)

_MARKS: Mapping[str, tuple[tuple[int, str, tuple[str, ...]], ...]] = {
    "credentials": (
        (
            15,
            "-",
            (
                *("-----begin", "sk-", "glpat-", "xox", "xapp-", "gocspx-", "xai-", "pplx-"),
                *("tvly-", "pypi-", "nvapi-"),
            ),
        ),
        (
            15,
            "_",
            (
                *("sk_", "rk_", "pk_", "whsec_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
                *("github_pat_", "hf_", "gsk_", "r8_", "lsv2_", "npm_", "dop_v1_"),
                *("shpat_", "shpca_", "shppa_", "shpss_", "dckr_pat_"),
            ),
        ),
        (15, ".", ("eyj", "ya29.", "sg.")),
        (5, ":", ("://",)),
        (10, "", ("basic",)),
        (15, "", ("akia", "asia", "abia", "acca", "aiza", "bearer")),
    ),
    "keys": (
        (
            5,
            ":=\"'",
            (
                *("passw", "pass_", "pass-", "passp", "secret", "api_key", "apikey", "api-key"),
                *("authoriz", "credential", "private", "access_key", "accesskey", "access-key"),
                *("account_key", "accountkey", "account-key", "cookie", "pwd", "cvv", "cvc"),
                *("auth_key", "authkey", "auth-key", "signing", "encryption", "x-amz-sig"),
                *("connection_s", "connections", "connection-s", "card_n", "cardn", "card-n"),
                *(f"token{end}" for end in ("\\", '"', "'", "=", ":", " ")),
                *(f"sig{end}" for end in ("\\", '"', "'", "=", ":", " ")),
                *("signature", 'ssn"', "ssn\\", "iban"),
            ),
        ),
    ),
    "emails": ((5, "@", ("@",)),),
    "cards": (),
}
"""What is in every text, in lower case, in which a group can find something: at least so many
letters, one of the signs, or none needed, and one of the words. Looking for a sign costs nothing,
for a word about 0.6 ns per letter; of ids, which are short and many, most words are too long."""

_MAY_BE_CARD = re.compile(r"[2-6]\d{3}[ -]?\d[ -]?\d[ -]?\d")


class Redactor:
    """Takes out of texts and attribute values what the chosen groups and own rules find.

    Thread-safe. Applying it twice changes nothing more.
    """

    def __init__(
        self,
        groups: Sequence[str] = GROUPS,
        *,
        keys: Sequence[str] = (),
        patterns: Sequence[str] = (),
        functions: Sequence[Callable[[str], str]] = (),
    ) -> None:
        """Choose what is found.

        Args:
            groups: of `GROUPS`.
            keys: further names whose values are replaced, in any spelling and as last part of a
                longer name: `employee_id` covers `app.employeeId`.
            patterns: further regular expressions; what they match is replaced.
            functions: called with every text; what they return goes out.

        Raises:
            ValueError: an unknown group, or a pattern that is no regular expression.
        """
        unknown = set(groups) - set(GROUPS)
        if unknown:
            raise ValueError(f"{', '.join(sorted(unknown))}: choose from {', '.join(GROUPS)}")
        try:
            own = tuple(Rule("custom", "custom", re.compile(one)) for one in patterns)
        except re.error as error:
            raise ValueError(f"{error.pattern!r} is no regular expression: {error}") from None
        self._rules = tuple(rule for rule in RULES if rule.group in groups) + own
        self._functions = tuple(functions)
        self._marks = tuple(mark for group in groups for mark in _MARKS[group])
        self._cards = "cards" in groups
        self._by_key = "keys" in groups
        self._own_keys = tuple(normalised_key(one) for one in keys)
        self._own_key_in_text = _own_key_pattern(keys)
        self._looks_at_all = bool(own or functions or keys)

    def suspicious(self, text: str) -> bool:
        """Say whether anything may have to be replaced; a few us for a kilobyte of text.

        Args:
            text: one text, or several with something between them.
        """
        if self._looks_at_all:
            return True
        if len(text) < _SHORTEST:
            return False
        lower = text.lower()
        length = len(text)
        for shortest, signs, words in self._marks:
            if length < shortest:
                continue
            # Loops, because a generator for `any()` would take longer than what it looks at.
            for sign in signs:
                if sign in lower:
                    break
            else:
                if signs:
                    continue
            for word in words:
                if word in lower:
                    return True
        return self._cards and _MAY_BE_CARD.search(text) is not None

    def sensitive(self, key: str) -> bool:
        """Say whether the value under this name is to be replaced whatever it is."""
        plain = normalised_key(_MARKED.sub("redacted", key) if _MARK in key else key)
        if self._by_key and _is_sensitive(plain):
            return True
        return any(plain == own or plain.endswith("_" + own) for own in self._own_keys)

    def text(self, text: str) -> str:
        """Return the text without what must not leave; JSON stays JSON.

        Raises:
            Exception: whatever a function of the user's raises.
        """
        return self.searched(text) if self.suspicious(text) else text

    def searched(self, text: str) -> str:
        """Return the same as `text()`, without asking first whether the text is suspicious."""
        return self._text(text, 0)

    def value(self, key: str, value: Any) -> Any:  # noqa: ANN401 - what attributes may hold
        """Return an attribute's value as it may leave; the same object when nothing changed."""
        if self.sensitive(key):
            return _hidden(value, key)
        return self._value(value, 0)

    def _value(self, value: Any, depth: int) -> Any:  # noqa: ANN401
        if isinstance(value, str):
            return self._text(value, depth) if self.suspicious(value) else value
        if isinstance(value, bytes):
            text = value.decode(errors="replace")
            clean = self._text(text, depth)
            return value if clean == text else clean.encode()
        if isinstance(value, Mapping):
            return self._mapping(value, depth)
        if isinstance(value, Sequence):
            return self._sequence(value, depth)
        return self._number(value) if type(value) is int else value

    def _number(self, value: int) -> int | str:
        if self._cards and value >= SMALLEST_CARD:
            clean = next(rule for rule in self._rules if rule.group == "cards").applied(str(value))
            return value if clean == str(value) else clean
        return value

    def _mapping(self, values: Mapping[Any, Any], depth: int) -> Mapping[Any, Any]:
        clean = {
            self._value(key, depth): (
                _hidden(one, str(key)) if self.sensitive(str(key)) else self._value(one, depth)
            )
            for key, one in values.items()
        }
        named = values.get("name", values.get("key"))
        if isinstance(named, str) and "value" in values and self.sensitive(named):
            clean["value"] = _hidden(values["value"], named)
        return values if clean == values else clean

    def _sequence(self, values: Sequence[Any], depth: int) -> Sequence[Any]:
        clean = [self._value(one, depth) for one in values]
        is_pair = len(values) == 2 and isinstance(values[0], str)
        if is_pair and self.sensitive(values[0]):
            clean[1] = _hidden(values[1], values[0])
        unchanged = all(new is old for new, old in zip(clean, values, strict=True))
        if unchanged:
            return values
        return tuple(clean) if isinstance(values, tuple) else clean

    def _text(self, text: str, depth: int) -> str:
        if depth < _DEEPEST and text.lstrip()[:1] in ("{", "[", '"'):
            text = self._json(text, depth)
        for function in self._functions:
            text = function(text)
        # What is left beside a replaced piece may now stand by itself: two addresses in one word.
        for _ in range(_MOST_ROUNDS):
            before, text = text, self._matched(text)
            if text == before:
                break
        return text

    def _matched(self, text: str) -> str:
        if self._by_key:
            text = _KEY_IN_TEXT.sub(_keyed, text)
        if self._own_key_in_text is not None:
            text = self._own_key_in_text.sub(_keyed, text)
        for rule in self._rules:
            text = rule.applied(text)
        return text

    def _json(self, text: str, depth: int) -> str:
        """Return JSON text with its values looked at one by one; other text as it is."""
        try:
            parsed = json.loads(text)
        except ValueError:
            return text
        clean = self._value(parsed, depth + 1)
        return text if clean is parsed else json.dumps(clean, ensure_ascii=False)


def _own_key_pattern(keys: Sequence[str]) -> re.Pattern[str] | None:
    if not keys:
        return None
    names = "|".join("[_. -]?".join(map(re.escape, normalised_key(key).split("_"))) for key in keys)
    rest = _KEY_IN_TEXT.pattern.partition("(?P<mid>")[2]
    return re.compile(f"(?P<key>{names})(?P<mid>{rest}", re.IGNORECASE | re.DOTALL)


@lru_cache(maxsize=4096)
def normalised_key(key: str) -> str:
    """Return a name in one spelling: `X-Api-Key`, `xApiKey` and `x.api.key` are `x_api_key`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key[:256])
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")


@lru_cache(maxsize=4096)
def _is_sensitive(plain: str) -> bool:
    return _SENSITIVE_KEY.search(plain) is not None


def _hidden(value: Any, key: str) -> Any:  # noqa: ANN401
    """Return what stands for the value under a sensitive name; nothing is nothing to hide."""
    if value is None or isinstance(value, bool) or value in ("", _BY_KEY):
        return value
    # Counts of tokens are the one number that people keep under such a name.
    if isinstance(value, int | float) and normalised_key(key).endswith("token"):
        return value
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        clean = [_hidden(one, key) for one in value]
        return tuple(clean) if isinstance(value, tuple) else clean
    return _BY_KEY


_KEPT = {"none", "null", "true", "false", "undefined", "..."}


def _keyed(found: re.Match[str]) -> str:
    """Return `key=value` without the value; its quotes stay, so that the rest can be read."""
    value = found["value"]
    opening = value[: len(value) - len(value.lstrip("\\\"'"))]
    closing = opening if opening and value.endswith(opening) and len(value) > len(opening) else ""
    inside = value[len(opening) : len(value) - len(closing)]
    is_count = inside.isdecimal() and found["key"].lower() == "token"
    if not inside or inside.lower() in _KEPT or is_count or inside.startswith(_MARK):
        return found[0]
    return f"{found['key']}{found['mid']}{opening}{_BY_KEY}{closing}"
