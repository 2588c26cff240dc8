"""A model's answer piece by piece: when the first came, and whether it was read to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator

    Began = Callable[[], object]
    """Called at the first piece."""
    Ended = Callable[[BaseException | None, bool], object]
    """Called once at the end with what failed, and whether the answer was read to its end."""

T = TypeVar("T")


class _Watched(Generic[T]):
    """What both kinds of stream have in common; attributes of the user's stream show through."""

    def __init__(self, chunks: Any, began: Began, ended: Ended) -> None:  # noqa: ANN401 - any client's
        self._chunks = chunks
        self._block: Any = None
        """What was entered to get the pieces: clients have streams that are context managers."""
        self._tell_began = began
        self._tell_ended = ended
        self._began = self._over = False

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any client's
        """Return what the client's own stream has under this name."""
        return getattr(self._chunks, name)

    def __del__(self) -> None:
        """Note that nobody reads on."""
        self._end(None, whole=False)

    def _got(self) -> None:
        if not self._began:
            self._began = True
            self._tell_began()

    def _end(self, error: BaseException | None, *, whole: bool) -> None:
        if not self._over:
            self._over = True
            self._tell_ended(error, whole)


class Stream(_Watched[T]):
    """The pieces of an answer, as the client's own stream gives them."""

    def __init__(self, chunks: Iterable[T], began: Began, ended: Ended) -> None:
        super().__init__(chunks, began, ended)
        self._pieces: Iterator[T] | None = None

    def __iter__(self) -> Self:
        """Return itself."""
        return self

    def __next__(self) -> T:
        """Return the next piece; what the client's stream raises passes unchanged."""
        try:
            if self._pieces is None:
                self._pieces = iter(self._chunks)
            piece = next(self._pieces)
        except StopIteration:
            self._end(None, whole=True)
            raise
        except BaseException as error:
            self._end(error, whole=False)
            raise
        self._got()
        return piece

    def __enter__(self) -> Self:
        """Enter the client's stream if it wants that; it is closed at the end of the block."""
        enter = getattr(self._chunks, "__enter__", None)
        if enter is not None:
            self._block, self._chunks = self._chunks, enter()
        return self

    def __exit__(self, *told: object) -> bool | None:
        """Close the stream."""
        if self._block is None:
            self.close()
            return None
        error = told[1]
        self._end(error if isinstance(error, BaseException) else None, whole=False)
        left: bool | None = self._block.__exit__(*told)
        return left

    def close(self) -> None:
        """Stop reading, and close the client's stream if it can be closed."""
        self._end(None, whole=False)
        close = getattr(self._chunks, "close", None)
        if close is not None:
            close()


class AsyncStream(_Watched[T]):
    """The pieces of an answer, as the client's own asynchronous stream gives them."""

    def __init__(self, chunks: AsyncIterable[T], began: Began, ended: Ended) -> None:
        super().__init__(chunks, began, ended)
        self._pieces: AsyncIterator[T] | None = None

    def __aiter__(self) -> Self:
        """Return itself."""
        return self

    async def __anext__(self) -> T:
        """Return the next piece; what the client's stream raises passes unchanged."""
        try:
            if self._pieces is None:
                self._pieces = aiter(self._chunks)
            piece = await anext(self._pieces)
        except StopAsyncIteration:
            self._end(None, whole=True)
            raise
        except BaseException as error:
            self._end(error, whole=False)
            raise
        self._got()
        return piece

    async def __aenter__(self) -> Self:
        """Enter the client's stream if it wants that; it is closed at the end of the block."""
        enter = getattr(self._chunks, "__aenter__", None)
        if enter is not None:
            self._block, self._chunks = self._chunks, await enter()
        return self

    async def __aexit__(self, *told: object) -> bool | None:
        """Close the stream."""
        if self._block is None:
            await self.aclose()
            return None
        error = told[1]
        self._end(error if isinstance(error, BaseException) else None, whole=False)
        left: bool | None = await self._block.__aexit__(*told)
        return left

    async def aclose(self) -> None:
        """Stop reading, and close the client's stream if it can be closed."""
        self._end(None, whole=False)
        close = getattr(self._chunks, "aclose", None) or getattr(self._chunks, "close", None)
        if close is not None:
            await close()
