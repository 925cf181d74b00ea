"""Pairs read ahead by threads, in an order that does not depend on them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

from backend.data.frame import Pair


class Loader:
    """Reads what will be wanted next while the network works. A context manager.

    Args:
        read: Reads the pair of a number; called from several threads.
        workers: Threads; 0 reads when asked.
        ahead: Lists of pairs that are under way at once.
    """

    def __init__(self, read: Callable[[int], Pair], workers: int, ahead: int = 2) -> None:
        self._read = read
        self._ahead = ahead
        self._pool = ThreadPoolExecutor(workers, "pairs") if workers else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def lists(self, wanted: Iterable[list[int]]) -> Iterator[list[Pair]]:
        """The pairs of every list of numbers, in order; an error comes where its pair would."""
        if self._pool is None:
            yield from ([self._read(number) for number in numbers] for numbers in wanted)
            return
        waiting: deque[list[Future[Pair]]] = deque()
        for numbers in wanted:
            waiting.append([self._pool.submit(self._read, number) for number in numbers])
            if len(waiting) > self._ahead:
                yield [future.result() for future in waiting.popleft()]
        while waiting:
            yield [future.result() for future in waiting.popleft()]
