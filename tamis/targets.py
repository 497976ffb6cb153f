"""What a target of the workflow waits for: its files, those that were lost, and a sweep where something is stale.

Snakemake makes a missing file again only if somebody asks for it, and never looks at files that nobody asks for. So
when the workflow is parsed the results folder is looked at once (51,160 files of 400 shards in 0.2 s), and a target
asks for what is missing and, last of all, for a sweep of what must not be there. Where nothing is missing or stale it
asks for what it always did, and a second run has nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from tamis.demand import Described
from tamis.inventory import Inventory, inventory, is_exchange
from tamis.sweep import Decision, Present, decide, look, next_record, place, places

ALL = "all"


def asked_again(made: Inventory, present: Present, missing: Iterable[str]) -> list[str]:
    """The missing files that a run must ask for by name.

    What was never made is asked for by those that read it, so these are the files of rules that have left others, and
    of all rules before such a one. Exchange files are not among them: only jobs read them, and those that do ask.
    """
    gone = {path for path in missing if not is_exchange(path)}
    if not gone:
        return []
    begun = [
        position
        for position, group in enumerate(made.groups)
        if any(path in present.files for path in group.paths((*group.outputs, *group.temporary)))
    ]
    done = (made.groups[position] for position in made.before(begun))
    return sorted(path for group in done for path in group.paths(group.outputs) if path in gone)


class Targets:
    """The targets of a workflow."""

    def __init__(
        self, rules: Sequence[Described], files: Mapping[str, Sequence[str]], results: str, *, looks: bool = True
    ) -> None:
        """Look at nothing yet.

        Args:
            rules: all rules that make files.
            files: of each target, as the rules name them; those of `all` say what is made.
            results: the results folder, as the rules name it.
            looks: whether the folder is looked at; a process that Snakemake starts for a single job need not.
        """
        self.inventory = inventory(rules, files[ALL], results)
        self._rules, self._files, self._results, self._looks = rules, files, results, looks
        self._decisions: dict[str, Decision] = {}

    @cached_property
    def _present(self) -> Present:
        return look(Path(self._results), self.inventory.folders)

    def scope(self, target: str) -> list[str] | None:
        """The places of a target's files and of all before them; None for all."""
        if target == ALL:
            return None
        return places(inventory(self._rules, self._files[target], self._results))

    def _decision(self, target: str) -> Decision:
        if target not in self._decisions:
            self._decisions[target] = decide(self._present, self.inventory, self.scope(target))
        return self._decisions[target]

    def needed(self, target: str) -> list[str]:
        """The files of a target, and those before them that were lost."""
        files = list(self._files[target])
        if not self._looks:
            return files
        inside = self.scope(target)
        again = asked_again(self.inventory, self._present, self._decision(target).missing)
        return files + [f"{self._results}/{path}" for path in again if inside is None or place(path) in inside]

    def asked(self, target: str) -> Callable[[Any], str | list[str]]:
        """An input function of the rule of a target: a sweep, which waits for all that is needed, where one is due."""

        def files(wildcards: Any) -> str | list[str]:  # noqa: ARG001 - Snakemake names it
            if self._looks and self._decision(target).stale:
                return f"{self._results}/{next_record(Path(self._results), target)}"
            return self.needed(target)

        return files
