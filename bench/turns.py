"""Two targets measured in turns, so that whatever else the machine does befalls both."""

from __future__ import annotations

from collections.abc import Sequence

from bench.figures import middle
from bench.load import Load, Target
from bench.servers import processor_seconds

Pair = tuple[list[float], list[float]]
"""What was seen of ours, and of what it is held against."""


def rates(
    load: Load, asked: Sequence[tuple[Target, int]], *, concurrency: int, rounds: int, seconds: float
) -> tuple[Pair, Pair]:
    """Of two targets with their workers' pids: answers a second, and ms of a processor for one, by round."""
    for target, _ in asked:
        load.run([target], concurrency=concurrency, seconds=seconds)
    seen: Pair = ([], [])
    costs: Pair = ([], [])
    for _ in range(rounds):
        for (target, worker), each, cost in zip(asked, seen, costs, strict=True):
            used = processor_seconds(worker)
            answers = load.run([target], concurrency=concurrency, seconds=seconds)
            each.append(answers.rate)
            cost.append((processor_seconds(worker) - used) * 1000 / len(answers.latencies))
    return seen, costs


def latencies(load: Load, targets: Sequence[Target], *, turns: int, each: int) -> tuple[Pair, Pair]:
    """Of two targets, one request at a time: every latency in seconds, and the median of each turn."""
    for target in targets:
        load.run([target], count=4 * each)
    seen: Pair = ([], [])
    medians: Pair = ([], [])
    for _ in range(turns):
        for target, all_of_it, some_medians in zip(targets, seen, medians, strict=True):
            some = load.run([target], count=each).latencies
            all_of_it.extend(some)
            some_medians.append(middle(some))
    return seen, medians
