"""`python -m tests.faults`: break a small real corpus in many ways and count what survived.

*Survived* means the same bytes of everything delivered after one command (`tamis run`, with the same arguments), or an
error that names the file and the remedy; where a person must mend something, one command afterwards gives the same bytes.
Exit code 1 when a case did not survive.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import importlib
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.bench import CHAINS, Bench
from tests.faults.case import CannotBeTried, NotSurvived, opened
from tests.faults.registry import FAULTS, Fault

SLOTS = 2

for name in ("processes", "disks", "results", "jobs", "stale", "inputs", "names", "text"):
    # Each enters its classes.
    importlib.import_module(f"tests.faults.{name}")


def say(text: str) -> None:
    """Print at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@dataclass
class Tally:
    """What became of the cases of a class."""

    tried: int = 0
    survived: int = 0
    late: int = 0
    seconds: float = 0.0
    skipped: list[str] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)


def planned(cases: int | None, only: list[str]) -> Iterator[tuple[Fault, int]]:
    """The cases to try, the classes in turn, so that a run which is cut short has tried each."""
    single = [name.partition("/") for name in only if "/" in name]
    yield from ((FAULTS[name], int(number)) for name, _, number in single)
    classes = [name for name in only if "/" not in name]
    if only and not classes:
        return
    chosen = [fault for name, fault in FAULTS.items() if not only or name.startswith(tuple(classes))]
    whole = sum(fault.cases for fault in chosen)
    share = 1.0 if cases is None else cases / whole
    counts = {fault.name: max(1, round(fault.cases * share)) for fault in chosen}
    if cases is not None and cases <= len(chosen):
        yield from ((fault, fault.quick) for fault in sorted(chosen, key=lambda fault: fault.heavy))
        return
    # Spread over the run in proportion: a class of 48 comes twice as often as one of 24.
    turns = [
        ((number + 0.5) / counts[fault.name], fault.name, number)
        for fault in chosen
        for number in range(counts[fault.name])
    ]
    for _, name, number in sorted(turns):
        yield FAULTS[name], number


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults", description=__doc__.splitlines()[0] if __doc__ else None
    )
    parser.add_argument("--cases", type=int, help="about how many cases, spread over the classes (default: all)")
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="CLASS[/NUMBER]",
        help="classes (or beginnings of their names), or single cases",
    )
    parser.add_argument(
        "--stages", nargs="+", default=[], metavar="STAGE", help="break only these, where the dice choose a stage"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the dice (default: 0)")
    parser.add_argument("--minutes", type=float, default=44, help="start no case after so many minutes (default: 44)")
    parser.add_argument("--slots", type=int, default=SLOTS, help="cases at once (default: 2)")
    parser.add_argument(
        "--short", action="store_true", help="a chain of few stages for all cases, as continuous integration does"
    )
    parser.add_argument("--chain", choices=CHAINS, help="this chain for all cases, instead of that which each asks for")
    parser.add_argument("--list", action="store_true", help="list the classes and end")
    return parser.parse_args()


def run(given: argparse.Namespace, root: Path) -> dict[str, Tally]:
    """Try all cases."""
    bench = Bench(root, only="least" if given.short else given.chain, stages=given.stages)
    tallies = {fault.name: Tally() for fault, _ in planned(given.cases, given.only)}
    begun, guard = time.monotonic(), threading.Lock()
    cases = list(planned(given.cases, given.only))

    def attempt(fault: Fault, number: int) -> None:
        name, tally, start = f"{fault.name}/{number}", tallies[fault.name], time.monotonic()
        if start - begun > 60 * given.minutes:
            tally.late += 1
            return
        verdict, why = "survived", ""
        try:
            with opened(name, bench, given.seed, fault.seconds) as case:
                fault.attempt(case, number)
        except CannotBeTried as error:
            verdict, why = "skipped", str(error)
        except NotSurvived as error:
            verdict, why = "NOT SURVIVED", str(error)
        except Exception:  # noqa: BLE001 - an error of the harness must not hide the other cases
            verdict, why = "NOT SURVIVED", f"the harness failed:\n{traceback.format_exc()}"
        took = time.monotonic() - start
        with guard:
            tally.seconds += took
            if verdict == "skipped":
                tally.skipped.append(why)
            else:
                tally.tried += 1
                tally.survived += verdict == "survived"
            if verdict == "NOT SURVIVED":
                tally.failed.append((name, why))
            done = sum(each.tried + len(each.skipped) for each in tallies.values())
            first = why.splitlines()[0][:160] if why else ""
            say(
                f"[{time.monotonic() - begun:5.0f} s] {done:3}/{len(cases)} {name}: {verdict} in {took:.0f} s{f' ({first})' if first else ''}"
            )

    with concurrent.futures.ThreadPoolExecutor(given.slots) as pool:
        futures = [pool.submit(attempt, fault, number) for fault, number in cases]
        try:
            for future in futures:
                future.result()
        except KeyboardInterrupt:
            say("interrupted: the cases that run are ended, no others are begun")
            pool.shutdown(wait=True, cancel_futures=True)
    return tallies


def table(tallies: dict[str, Tally], given: argparse.Namespace) -> str:
    """Survived and tried by class, and how to repeat what failed."""
    again = f"--seed {given.seed}" + " --short" * given.short + (f" --chain {given.chain}" if given.chain else "")
    again += f" --stages {' '.join(given.stages)}" if given.stages else ""
    width = max(len(name) for name in tallies)
    lines = [f"{'class':{width}}  survived / tried   seconds each  what is broken", "─" * (width + 80)]
    for name, tally in tallies.items():
        each = tally.seconds / max(1, tally.tried + len(tally.skipped))
        skipped = f"  ({len(tally.skipped)} skipped: {tally.skipped[0]})" if tally.skipped else ""
        lines.append(
            f"{name:{width}}  {tally.survived:8} / {tally.tried:<5} {each:12.0f}  {FAULTS[name].about}{skipped}"
        )
    survived, tried = (sum(getattr(tally, key) for tally in tallies.values()) for key in ("survived", "tried"))
    lines += ["─" * (width + 80), f"{'all':{width}}  {survived:8} / {tried}"]
    if late := {name: tally.late for name, tally in tallies.items() if tally.late}:
        lines.append(f"not tried for want of time: {', '.join(f'{count} of {name}' for name, count in late.items())}")
    for tally in tallies.values():
        for name, why in tally.failed:
            lines += [
                "",
                f"{name} did not survive; repeat: python -m tests.faults {again} --only {name}",
                *(f"    {line}" for line in why.splitlines()),
            ]
    return "\n".join(lines)


def main() -> int:
    """Entry point; 1 when a case did not survive."""
    given = arguments()
    if given.list:
        for fault in FAULTS.values():
            say(f"{fault.name} ({fault.cases}): {fault.about}")
        return 0
    begun = time.monotonic()
    # So that folders and mounts of cases are taken away then, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="faults-") as root:
        say(f"seed {given.seed}")
        tallies = run(given, Path(root))
    say("\n" + table(tallies, given))
    say(f"\n{(time.monotonic() - begun) / 60:.1f} minutes")
    return int(any(tally.failed for tally in tallies.values()))


if __name__ == "__main__":
    sys.exit(main())
