"""The verb `llm`: one request to a language model."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, ClassVar, TypeVar, cast, overload

from opentelemetry.context import get_current
from opentelemetry.trace import SpanKind

from handspan import semconv
from handspan.clock import now_ns
from handspan.internal import contained
from handspan.record.budget import check_budgets, has_budgets, is_watched, spend
from handspan.record.content import captured_json
from handspan.record.failing import is_error
from handspan.record.recording import Recording
from handspan.record.stream import AsyncStream, Stream
from handspan.record.tracer import pricing
from handspan.record.values import listed, plain

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
    from decimal import Decimal

    from opentelemetry.trace import Span
    from opentelemetry.util.types import AttributeValue

T = TypeVar("T")


@dataclass(eq=False, repr=False)
class Llm(Recording):
    """Record one request to a language model.

    Example:
        >>> with handspan.llm("gpt-5-mini", provider="openai") as call:
        ...     answer = client.responses.create(model="gpt-5-mini", input=question)
        ...     call.response(model=answer.model, finish_reasons=["stop"])
        ...     call.usage(input_tokens=812, output_tokens=64, cache_read_tokens=512)
    """

    kind: ClassVar[semconv.Kind] = "llm"
    _usd = cast("float | None", None)
    _streaming = False
    """A stream has begun whose end nobody has seen."""
    _failed = False
    _counts_itself = False
    """Whether the end of the span counts into the budgets around it."""

    model: str | None
    """Model that is asked for; None: unknown."""
    _: KW_ONLY
    provider: str | None = None
    """Who runs the model, for example openai, anthropic, aws.bedrock."""
    operation: str = semconv.OPERATION_CHAT
    """Operation of the GenAI conventions: chat, generate_content, embeddings, ..."""
    stream: bool = False
    """Whether the answer is streamed."""
    conversation_id: str | None = None
    """Conversation as your framework or provider names it; never made up."""
    expected_usd: float | None = None
    """What the call will cost, USD, for a budget that stops calls; None: the mean so far."""

    @overload
    def streamed(self, chunks: Iterable[T]) -> Stream[T]: ...

    @overload
    def streamed(self, chunks: AsyncIterable[T]) -> AsyncStream[T]: ...

    def streamed(self, chunks: Iterable[T] | AsyncIterable[T]) -> Stream[T] | AsyncStream[T]:
        """Return the pieces of a streamed answer, and watch how they are read.

        The first piece is the time to first token. If reading stops before the end, for whatever
        reason, usage is marked partial. Of a call that was started by hand the end of the stream
        is the end of the call, so it may be read long after and anywhere.

        Args:
            chunks: what the client returned; its other attributes show through.

        Example:
            >>> with handspan.llm("gpt-5-mini", stream=True) as call:
            ...     for chunk in call.streamed(client.stream("Where is my refund?")):
            ...         call.usage(output_tokens=chunk.tokens_so_far)
        """
        self._streaming = True
        if hasattr(chunks, "__aiter__") or hasattr(chunks, "__aenter__"):
            return AsyncStream(
                cast("AsyncIterable[T]", chunks), self.first_token, self._stream_ended
            )
        return Stream(chunks, self.first_token, self._stream_ended)

    def usage(
        self,
        *,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        cache_read_tokens: int | None = None,
        cache_write_tokens: int | None = None,
        reasoning_tokens: int | None = None,
        modality_tokens: Mapping[semconv.Modality, int] | None = None,
        partial: bool = False,
    ) -> None:
        """Record the tokens used; None: not reported, which is not 0.

        Args:
            input_tokens: all input, cached tokens included.
            output_tokens: all output, reasoning tokens included.
            cache_read_tokens: part of the input read from the provider's cache.
            cache_write_tokens: part of the input written to the provider's cache, for however long.
            reasoning_tokens: part of the output that is reasoning.
            modality_tokens: parts that may have a price of their own: sound or pictures, as
                input_audio, input_image (cached ones included), output_audio, output_image,
                cache_read_audio, cache_read_image; and cache_write_1h, the part of
                cache_write_tokens that stays in the cache for an hour.
            partial: the stream was abandoned, this is what was seen until then.
        """
        self._set_all(
            {
                semconv.GEN_AI_USAGE_INPUT_TOKENS: input_tokens,
                semconv.GEN_AI_USAGE_OUTPUT_TOKENS: output_tokens,
                semconv.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: cache_read_tokens,
                semconv.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS: cache_write_tokens,
                semconv.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS: reasoning_tokens,
                semconv.USAGE_PARTIAL: partial or None,
            }
        )
        if modality_tokens:
            self._modalities(modality_tokens)

    @contained
    def _modalities(self, tokens: Mapping[semconv.Modality, int]) -> None:
        for kind, name in semconv.MODALITY_TOKENS.items():
            if kind in tokens:
                self.set(name, tokens[kind])

    def response(
        self,
        *,
        model: str | None = None,
        id: str | None = None,
        finish_reasons: Sequence[str] | None = None,
    ) -> None:
        """Record who answered.

        Args:
            model: model that answered.
            id: the provider's id of the answer.
            finish_reasons: why the model stopped, one per choice.
        """
        self._set_all(
            {
                semconv.GEN_AI_RESPONSE_MODEL: model,
                semconv.GEN_AI_RESPONSE_ID: id,
                semconv.GEN_AI_RESPONSE_FINISH_REASONS: listed(finish_reasons),
            }
        )

    @contained
    def first_token(self, at_ns: int | None = None) -> None:
        """Say that the first piece of the answer is here.

        Args:
            at_ns: when it came, nanoseconds since the epoch; None: now.
        """
        waited_ns = (now_ns() if at_ns is None else at_ns) - self._start_ns
        self.set(semconv.GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK, waited_ns / 1e9)

    @contained
    def cost(
        self,
        usd: float | Decimal,
        *,
        input_usd: float | Decimal | None = None,
        output_usd: float | Decimal | None = None,
        source: semconv.CostSource = "provider",
    ) -> None:
        """Record what the call cost, USD, when you know it; else the price list says it later."""
        self._usd = cast("float", plain(usd))
        if self._span is None:
            spend(get_current(), self._usd)  # a budget is kept whether or not anything is recorded
        self._set_all(
            {
                semconv.COST_USD: self._usd,
                semconv.COST_INPUT_USD: plain(input_usd),
                semconv.COST_OUTPUT_USD: plain(output_usd),
                semconv.COST_SOURCE: source,
            }
        )

    @contained
    def messages(
        self, *, input: object = None, output: object = None, instructions: object = None
    ) -> None:
        """Record what was said as JSON, only with content capture."""
        self.set(semconv.GEN_AI_INPUT_MESSAGES, captured_json(input, self._run))
        self.set(semconv.GEN_AI_OUTPUT_MESSAGES, captured_json(output, self._run))
        self.set(semconv.GEN_AI_SYSTEM_INSTRUCTIONS, captured_json(instructions, self._run))

    @contained
    def _stream_ended(self, error: BaseException | None, whole: bool) -> None:  # noqa: FBT001 - see stream.Ended
        self._streaming = not whole
        if self._outside is None:
            self.end(error)

    def _item(self) -> None:
        if not self._streaming:
            self._streaming = True
            self.set(semconv.GEN_AI_REQUEST_STREAM, True)
            self.first_token()

    def _exhausted(self) -> None:
        self._streaming = False

    def _admit(self) -> None:
        here = get_current()
        if has_budgets(here):
            check_budgets(here, self.expected_usd)

    def _is_idle(self) -> bool:
        return super()._is_idle() and not has_budgets(get_current())

    def _before_end(self, error: BaseException | str | None) -> None:
        self._failed = error is not None and is_error(error)
        if self._streaming:
            self.set(semconv.USAGE_PARTIAL, True)
        # Only who has a budget waits for the price list: the next call may be one too many.
        budgeted = self._outer is not None and has_budgets(self._outer)
        price, span = pricing(), self._span
        if price is not None and span is not None:
            self._set_all({**price.told_of(span, self._start_ns, waits=budgeted)})
        self._counts_itself = budgeted and span is not None and is_watched(span)

    def _after_start(self, span: Span) -> None:
        del span
        price = pricing()
        if price is not None:
            price.prepare()

    def _after_end(self) -> None:
        """Count the cost, where no processor of spans does."""
        if self._counts_itself or self._outer is None or not has_budgets(self._outer):
            return
        if self._usd is not None or not self._failed:
            spend(self._outer, self._usd)

    def _span_name(self) -> str:
        return f"{self.operation} {self.model}" if self.model else self.operation

    def _span_kind(self) -> SpanKind:
        return SpanKind.CLIENT

    def _attributes(self) -> Mapping[str, AttributeValue | None]:
        return {
            semconv.GEN_AI_OPERATION_NAME: self.operation,
            semconv.GEN_AI_PROVIDER_NAME: self.provider,
            semconv.GEN_AI_REQUEST_MODEL: self.model,
            semconv.GEN_AI_REQUEST_STREAM: self.stream or None,
            semconv.GEN_AI_CONVERSATION_ID: self.conversation_id,
        }


llm = Llm
