"""What a run will cost, from what two runs over samples of its input cost: straight lines, and no disk.

Of each step (all jobs of a rule with the same names) the CPU seconds are taken for `a` a job and `b` a character of
text that is read: a job's imports are most of a small run and nothing of a large one. Two samples of different size
tell `a` from `b`. What a trained model costs beyond the bounds of its sample is over-estimated by that, and pairs of
near-duplicates, of which a larger corpus has more a document, under-estimated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Key = tuple[str, str]
"""A stage and a step of it."""


@dataclass(frozen=True)
class Work:
    """What the jobs of a step took."""

    jobs: int
    seconds: float
    """CPU seconds of all of them."""
    megabytes: float
    """Memory of the largest."""


@dataclass(frozen=True)
class Room:
    """What a stage left on disk."""

    kept: int = 0
    exchange: int = 0
    files: int = 0


@dataclass(frozen=True)
class Sampled:
    """A run over a sample."""

    characters: Mapping[str, int]
    """Of text that was ingested, by source."""
    documents: int
    work: Mapping[Key, Work]
    room: Mapping[str, Room]
    overhead: float = 0.0
    """CPU seconds a job beside its own: Snakemake's, and of the shell that starts it."""

    @property
    def total(self) -> int:
        """Characters of all sources."""
        return sum(self.characters.values())


@dataclass
class Stage:
    """What one stage will take."""

    name: str
    jobs: int = 0
    seconds: float = 0.0
    megabytes: float = 0.0
    kept: float = 0.0
    exchange: float = 0.0
    elapsed: float = 0.0
    """Seconds from its first job to its last, on all cores, after the stages before it."""


@dataclass
class Estimate:
    """What a run will take."""

    documents: float
    characters: float
    stages: list[Stage] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def peak_disk(self, *, keep_exchange: bool) -> float:
        """Bytes on disk when they are most: with exchange files all at the end, without after one of the stages."""
        most = kept = exchange = 0.0
        for stage in self.stages:
            kept += stage.kept
            exchange = stage.exchange + (exchange if keep_exchange else 0)
            most = max(most, kept + exchange)
        return most


def line(small: tuple[float, float, float], large: tuple[float, float, float]) -> tuple[float, float]:
    """`a` and `b`, neither below 0, of y = a·n + b·x through two points (n, x, y); the larger decides where it must.

    Args:
        small: jobs, characters and figure of the smaller sample.
        large: of the larger.
    """
    (n1, x1, y1), (n2, x2, y2) = small, large
    bottom = n1 * x2 - n2 * x1
    # Where both grow alike they cannot be told apart, and need not be.
    if abs(bottom) > 0.01 * n2 * x2:
        a, b = (y1 * x2 - y2 * x1) / bottom, (n1 * y2 - n2 * y1) / bottom
        if a < 0:
            return 0.0, y2 / x2
        return (y2 / n2, 0.0) if b < 0 else (a, b)
    return (0.0, y2 / x2) if x2 and x2 > x1 else (y2 / n2 if n2 else 0.0, 0.0)


def scaled(
    small: Sampled,
    large: Sampled,
    characters: float,
    jobs: Mapping[Key, int],
    *,
    cores: int,
    shards: int,
    sample_shards: int,
) -> Estimate:
    """What a run will take.

    Args:
        small: the run over the smaller sample; may be the other one, where there is but one.
        large: the run over the larger.
        characters: of text in the whole input.
        jobs: how many each step will have.
        cores: that work at one time.
        shards: of the whole run.
        sample_shards: of the samples.
    """
    by_stage: dict[str, Stage] = {}
    for key, work in large.work.items():
        before = small.work.get(key, work)
        count = jobs.get(key, work.jobs)
        a, b = line((before.jobs, small.total, before.seconds), (work.jobs, large.total, work.seconds))
        seconds = a * count + b * characters
        stage = by_stage.setdefault(key[0], Stage(key[0]))
        stage.jobs += count
        stage.seconds += seconds
        # Jobs of a step are alike, and the last of them ends the step.
        stage.elapsed += max(seconds / cores, seconds / count if count else 0.0)
        one = characters / shards if count > 1 else characters
        share = sample_shards if count > 1 else 1
        stage.megabytes = max(stage.megabytes, _memory(before, work, small.total / share, large.total / share, one))
    for name, room in large.room.items():
        if name not in by_stage:
            continue
        before_room = small.room.get(name, room)
        for what in ("kept", "exchange"):
            a, b = line((1, small.total, getattr(before_room, what)), (1, large.total, getattr(room, what)))
            setattr(by_stage[name], what, a + b * characters)
    for stage in by_stage.values():
        stage.elapsed += stage.jobs * large.overhead
    stages = list(by_stage.values())
    return Estimate(large.documents * characters / max(1, large.total), characters, stages)


GROWS = 1.1
"""Memory that is not a tenth more in the larger sample does not grow with the text."""


def _memory(before: Work, work: Work, small: float, large: float, one: float) -> float:
    if large <= small or work.megabytes < GROWS * before.megabytes:
        return max(before.megabytes, work.megabytes)
    return max(work.megabytes, work.megabytes + (work.megabytes - before.megabytes) / (large - small) * (one - large))


def whole(sampled: Sampled, shares: Mapping[str, float]) -> float:
    """Characters of the whole input.

    Args:
        sampled: the larger sample.
        shares: how many times a source's files are as many bytes as those of its sample.
    """
    return sum(count * shares.get(source, 1.0) for source, count in sampled.characters.items())


def in_order(stages: Iterable[Stage], names: Iterable[str]) -> list[Stage]:
    """Stages in the order of a pipeline; those that it does not name last."""
    places = {name: place for place, name in enumerate(names)}
    return sorted(stages, key=lambda stage: places.get(stage.name, len(places)))
