"""Places in a text that compete for the same characters. All functions are pure."""

from bisect import bisect_left
from typing import TypeVar

S = TypeVar("S")
T = TypeVar("T")

# What is found, where it starts and where it ends.
Span = tuple[T, int, int]


def longest(spans: list[Span[T]]) -> list[Span[T]]:
    """The spans without those that overlap a longer one, or an earlier one as long; in order.

    Spans are compared within runs that overlap, so that a long text costs no more per name.
    """
    spans = sorted(spans, key=_start)
    kept: list[Span[T]] = []
    run: list[Span[T]] = []
    until = 0
    for span in spans:
        if run and span[1] >= until:
            kept += _longest_of_run(run)
            run, until = [], 0
        run.append(span)
        until = max(until, span[2])
    return kept + _longest_of_run(run)


def _longest_of_run(run: list[Span[T]]) -> list[Span[T]]:
    if len(run) < 2:
        return run
    kept: list[Span[T]] = []
    for span in sorted(run, key=lambda span: (span[1] - span[2], span[1])):
        if all(span[2] <= start or end <= span[1] for _, start, end in kept):
            kept.append(span)
    return sorted(kept, key=_start)


def _start(span: tuple[object, int, int]) -> int:
    return span[1]


def apart_from(taken: list[Span[S]], spans: list[Span[T]]) -> list[Span[T]]:
    """The spans that overlap nothing in `taken`, whose spans are apart and in order."""
    starts = [start for _, start, _ in taken]
    return [
        span
        for span in spans
        if not (before := bisect_left(starts, span[2])) or taken[before - 1][2] <= span[1]
    ]
