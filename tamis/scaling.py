"""What a run will cost, from what runs over samples of its input cost; reads and writes no file.

Of each step (all jobs of a rule with the same names) the CPU seconds are taken for `a` a job and `b` a character of
text that is read: a job's imports are most of a small run and nothing of a large one. Samples of different size tell
`a` from `b`. What learns from a sample of bounded size says what it has seen and what it would see at most
(`Learnt`), and takes `b` a piece of that. A job's memory grows with its text until its batch and its row group are
full. Pairs of near-duplicates, of which a larger corpus has more a document, are under-estimated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
class Learnt:
    """What a model has learnt from: characters or documents."""

    seen: float
    most: float
    """It would take no more of any corpus."""


@dataclass(frozen=True)
class Sampled:
    """A run over a sample."""

    characters: Mapping[str, int]
    """Of text that was ingested, by source."""
    documents: Mapping[str, int]
    """By source."""
    work: Mapping[Key, Work]
    room: Mapping[str, Room]
    overhead: float = 0.0
    """CPU seconds a job beside its own: Snakemake's, and of the shell that starts it."""
    learnt: Mapping[Key, Mapping[str, Learnt]] = field(default_factory=dict)
    """Of steps that train a model: what they saw, by class or in all."""

    @property
    def total(self) -> int:
        """Characters of all sources."""
        return sum(self.characters.values())


@dataclass(frozen=True)
class Holds:
    """What a job holds of its text at most, in characters."""

    batch: float
    """That it works on at one time."""
    waiting: float
    """That waits to be written, the batch among it."""


@dataclass(frozen=True)
class Step:
    """A step in the whole run."""

    jobs: int
    shared: bool = True
    """Whether its jobs share the text, rather than that one goes through all of it."""
    holds: Holds | None = None
    """None: what a job holds grows on with its text."""


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


def line(points: Sequence[tuple[float, float, float]]) -> tuple[float, float]:
    """`a` and `b`, neither below 0, of y = a·n + b·x, for which the sum of the squared relative errors is least.

    Args:
        points: jobs n, characters x and figure y of each sample, the largest last.
    """
    known = [(n / y, x / y) for n, x, y in points if y > 0]
    if not known:
        return 0.0, 0.0
    nn, nx, xx = (sum(p[i] * p[j] for p in known) for i, j in ((0, 0), (0, 1), (1, 1)))
    n_1, x_1 = (sum(p[i] for p in known) for i in (0, 1))
    bottom = nn * xx - nx * nx
    # Where both grow alike they cannot be told apart, and need not be.
    if bottom > ALIKE * nn * xx:
        a, b = (n_1 * xx - x_1 * nx) / bottom, (nn * x_1 - nx * n_1) / bottom
        if a < 0:
            return 0.0, x_1 / xx
        return (n_1 / nn, 0.0) if b < 0 else (a, b)
    n, x, y = points[-1]
    return (0.0, y / x) if x and x > points[0][1] else (y / n if n else 0.0, 0.0)


ALIKE = 1e-5


def scaled(samples: Sequence[Sampled], growth: Mapping[str, float], steps: Mapping[Key, Step], cores: int) -> Estimate:
    """What a run will take.

    Args:
        samples: runs over samples, the largest last.
        growth: how many times a source's files are as many bytes as those of the largest sample.
        steps: of the whole run; one that is not named is as in the largest sample.
        cores: that work at one time.
    """
    largest = samples[-1]
    characters, documents = (_whole(count, growth) for count in (largest.characters, largest.documents))
    by_stage: dict[str, Stage] = {}
    for key, work in largest.work.items():
        step = steps.get(key, Step(work.jobs))
        runs = [sample.work.get(key, work) for sample in samples]
        a, b = line([(run.jobs, _read(key, sample), run.seconds) for sample, run in zip(samples, runs, strict=True)])
        seconds = a * step.jobs + b * _will_read(key, samples, characters)
        stage = by_stage.setdefault(key[0], Stage(key[0]))
        stage.jobs += step.jobs
        stage.seconds += seconds
        # Jobs of a step are alike, and the last of them ends the step.
        stage.elapsed += max(seconds / cores, seconds / step.jobs if step.jobs else 0.0)
        points = [
            (sample.total / (run.jobs if step.shared else 1), run.megabytes)
            for sample, run in zip(samples, runs, strict=True)
        ]
        one = characters / max(1, step.jobs if step.shared else 1)
        if key in largest.learnt:
            # What a training holds is what it has seen.
            one = points[-1][0] * _will_read(key, samples, characters) / max(1.0, _read(key, largest))
        stage.megabytes = max(stage.megabytes, memory(points, one, step.holds))
    for name, stage in by_stage.items():
        rooms = [sample.room.get(name, largest.room.get(name, Room())) for sample in samples]
        for what in ("kept", "exchange"):
            a, b = line([(1, s.total, getattr(room, what)) for s, room in zip(samples, rooms, strict=True)])
            setattr(stage, what, a + b * characters)
        stage.elapsed += stage.jobs * largest.overhead
    return Estimate(documents, characters, list(by_stage.values()))


def _whole(counts: Mapping[str, int], growth: Mapping[str, float]) -> float:
    return sum(count * growth.get(source, 1.0) for source, count in counts.items())


def _read(key: Key, sample: Sampled) -> float:
    """What the jobs of a step went through: what a model learnt from, else all text."""
    return sum(part.seen for part in sample.learnt[key].values()) if key in sample.learnt else sample.total


def _will_read(key: Key, samples: Sequence[Sampled], characters: float) -> float:
    """The same in the whole run; what was seen grows as between the two largest samples, as far as its bound."""
    before, largest = samples[-2:] if len(samples) > 1 else (samples[-1], samples[-1])
    if key not in largest.learnt:
        return characters
    more = (characters - largest.total) / max(1, largest.total - before.total)
    found = 0.0
    for name, part in largest.learnt[key].items():
        earlier = before.learnt.get(key, {}).get(name, part)
        found += max(part.seen, min(part.most, part.seen + max(0.0, part.seen - earlier.seen) * more))
    return found


GROWS = 1.1
"""Memory that is not a tenth more in the largest sample than in the smallest does not grow with the text."""

WAITING = 4e-6
"""MB a character that waits to be written: the text, and as it is written, at most. Of nine steps of the chain for
prose, between 19 and 38 million characters in one shard: 1.2 to 3.9 bytes, and in their first batch up to 7. The most,
because a job that is given too little is killed."""


def memory(points: Sequence[tuple[float, float]], one: float, holds: Holds | None) -> float:
    """MB of the largest job of a step in the whole run.

    Args:
        points: characters and MB of a job of each sample, the largest last.
        one: characters of a job of the whole run.
        holds: what a job holds at most; None: no bound is known.
    """
    read, most = points[-1][0], max(megabytes for _, megabytes in points)
    smaller = [point for point in points if point[0] < read]
    if one <= read or not smaller or points[-1][1] < GROWS * min(megabytes for _, megabytes in smaller):
        return most
    slope = max(0.0, points[-1][1] - smaller[-1][1]) / (read - smaller[-1][0])
    if holds is None:
        return most + slope * (one - read)
    in_batch = _between(read, one, holds.batch)
    return most + slope * in_batch + min(slope, WAITING) * (_between(read, one, holds.waiting) - in_batch)


def _between(start: float, end: float, bound: float) -> float:
    """How much lies between two points and below a third."""
    return max(0.0, min(end, bound) - start)


def in_order(stages: Iterable[Stage], names: Iterable[str]) -> list[Stage]:
    """Stages in the order of a pipeline; those that it does not name last."""
    places = {name: place for place, name in enumerate(names)}
    return sorted(stages, key=lambda stage: places.get(stage.name, len(places)))
