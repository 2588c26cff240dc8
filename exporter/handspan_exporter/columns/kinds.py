"""Which spans are agent work, of what kind, and in whose words: mapping.KIND_RULES on a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from handspan_exporter.columns import mapping
from handspan_exporter.columns.attributes import as_bytes, as_strings
from handspan_exporter.columns.corrections import KIND, correct, handoff_tools

if TYPE_CHECKING:
    import numpy.typing as npt

    from handspan_exporter.columns.attributes import Attributes

    Codes = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

_SHOWN: Final = (*mapping.CONVENTIONS, *mapping.NATIVE_SCOPES.values())
_CONVENTION: Final = {name: code for code, name in enumerate(_SHOWN)}

NONE: Final = -1


@dataclass(frozen=True, slots=True)
class Kinds:
    """What each span of a batch is; `NONE` in both where it is no agent work."""

    kind: Codes
    """Index into `mapping.KINDS`."""
    convention: Codes
    """Whose names the span uses: index into `mapping.CONVENTIONS`."""
    handed_to: pa.Array
    """The target of a handoff by a tool, as bytes; null elsewhere."""
    handed_how: pa.Array
    """Its mode, as text; null elsewhere."""

    def of(self, spans: Codes) -> Kinds:
        """Return the kinds of some of the spans."""
        places = pa.array(spans)
        return Kinds(
            self.kind[spans],
            self.convention[spans],
            self.handed_to.take(places),
            self.handed_how.take(places),
        )

    def among(self, kinds: frozenset[str]) -> Mask:
        """Return which spans are of one of the kinds."""
        wanted = np.array([kind in kinds for kind in mapping.KINDS])
        mask: Mask = wanted[self.kind]
        return mask

    def uses(self, convention: str) -> Mask:
        """Return which spans use the names of one of `mapping.CONVENTIONS`."""
        mask: Mask = self.convention == _CONVENTION[convention]
        return mask

    def kind_column(self) -> pa.Array:
        """Return the kinds as words."""
        return _words(self.kind, mapping.KINDS)

    def convention_column(self, scopes: pa.Array) -> pa.Array:
        """Return the conventions as words; a framework that traces itself is named instead."""
        native = _look_up(
            as_bytes(scopes), {s: _CONVENTION[n] for s, n in mapping.NATIVE_SCOPES.items()}
        )
        own = self.uses(mapping.OTEL) & (native != NONE)
        return _words(np.where(own, native, self.convention), _SHOWN)


def recognise(attributes: Attributes, batch: pa.RecordBatch) -> Kinds:
    """Say of each span of the batch what it is; the attributes are those of the batch."""
    names = as_bytes(batch["SpanName"])
    kind = np.full(attributes.spans, NONE, np.int64)
    convention = kind.copy()
    _by_evidence(attributes, names, kind, convention)
    _set(kind, convention, attributes.has([_OPERATION.key]), KIND[mapping.CHAIN], mapping.OTEL)
    for said_in, codes in _EVENTS.items():
        found = _look_up(names, codes)
        _set(kind, convention, found != NONE, found, said_in)
    for rule in reversed(mapping.KIND_RULES):
        if attributes.knows(rule.key):
            codes = {value: KIND[meant] for value, meant in rule.kinds.items()}
            found = _look_up(attributes.text(rule.key), codes)
            _set(kind, convention, found != NONE, found, rule.convention)
    scopes = as_bytes(batch["ScopeName"])
    correct(attributes, names, scopes, kind)
    _messages(attributes, scopes, kind, convention)
    _handoffs(attributes, names, kind, convention)
    handed_to, handed_how = handoff_tools(attributes, batch["Events.Attributes"], kind)
    return Kinds(kind, convention, handed_to, handed_how)


_EVENTS: Final = {
    convention: {
        name: KIND[meant]
        for name, (meant, said_in) in mapping.EVENT_KINDS.items()
        if said_in == convention
    }
    for _, convention in mapping.EVENT_KINDS.values()
}
_OPERATION: Final = next(rule for rule in mapping.KIND_RULES if rule.convention == mapping.OTEL)


def _by_evidence(attributes: Attributes, names: pa.Array, kind: Codes, convention: Codes) -> None:
    """Recognise GenAI spans that do not say their operation."""
    evident = attributes.has(mapping.EVIDENCE)
    if not evident.any():
        return
    model = attributes.has(mapping.MODEL_EVIDENCE)
    _set(kind, convention, model, KIND["llm"], mapping.OTEL)
    words = pc.list_element(pc.split_pattern(names, " ", max_splits=1), 0)
    codes = {value: KIND[meant] for value, meant in _OPERATION.kinds.items()}
    named = _look_up(words, codes)
    _set(kind, convention, evident & (named != NONE), named, mapping.OTEL)


def _messages(attributes: Attributes, scopes: pa.Array, kind: Codes, convention: Codes) -> None:
    """Recognise what a framework's runtime carries from agent to agent."""
    for scope, one in mapping.MESSAGE_SPANS.items():
        if attributes.has([one.source]).any():
            here = np.asarray(pc.equal(scopes, scope.encode()).fill_null(False))
            told = np.asarray(
                pc.equal(attributes.text(one.key), one.word.encode()).fill_null(False)
            )
            found = here & told & attributes.has([one.source])
            _set(kind, convention, found, KIND["message"], mapping.OTEL)


def _handoffs(attributes: Attributes, names: pa.Array, kind: Codes, convention: Codes) -> None:
    """Turn tools into handoffs where the span says so itself."""
    tool = kind == KIND["tool"]
    if not tool.any():
        return
    told = attributes.has([source.key for source in mapping.HANDOFF_TARGETS])
    prefixed = np.asarray(pc.starts_with(names, mapping.HANDOFF_NAME_PREFIX).fill_null(False))
    named = prefixed & (convention == _CONVENTION[mapping.OPENINFERENCE])
    kind[tool & (told | named)] = KIND["handoff"]


def _set(kind: Codes, convention: Codes, where: Mask, code: Codes | int, said_in: str) -> None:
    np.copyto(kind, code, where=where)
    np.copyto(convention, _CONVENTION[said_in], where=where)


def _look_up(texts: pa.Array, codes: dict[str, int]) -> Codes:
    """Return the code of each text, `NONE` for texts that have none."""
    if texts.null_count == len(texts):
        return np.full(len(texts), NONE, np.int64)
    places = pc.index_in(texts, value_set=pa.array(list(codes), pa.binary()))
    by_place = np.array([*codes.values(), NONE], np.int64)
    found: Codes = by_place[np.asarray(places.fill_null(len(codes)))]
    return found


def _words(codes: Codes, words: tuple[str, ...]) -> pa.Array:
    return as_strings(pa.array(words, pa.binary()).take(pa.array(codes)))
