"""Which jobs of a cluster may be sent as one: neighbours, between two crossings of the corpus.

A job that reads only files of its own shard can follow the job that made them at once; one that waits for all shards
cannot. So every job has a level: how many such waits lie before it. Jobs of one level and one shard make a chain, and
chains of one level may be put together as one pleases: whatever leaves a level comes back to a higher one, so no such
group ever waits for itself. Long jobs stand alone, and of those that have no number there is one each.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from typing import Any

from tamis.demand import SENTINEL, Described, Makers, filled
from tamis.inventory import Group

Node = tuple[str, ...]
"""A rule and its names (`Group.key`)."""


@dataclass(frozen=True)
class Step:
    """The jobs of a rule with given names: how many, and where they stand."""

    rule: str
    count: int
    level: int
    group: str | None
    """The name of the group that they go in; None where each goes alone."""
    chain: int
    """Steps of one group and chain follow each other shard by shard."""
    local: bool
    """Whether its jobs are not sent anywhere."""


def _node(rule: str, names: Mapping[str, Any], number: str | None) -> Node:
    return (rule, *(f"{name}={value}" for name, value in sorted(names.items()) if name != number))


def _chained(group: Group, rule: Described, makers: Makers) -> set[Node]:
    """From whose jobs each job of a group reads the one of its own number."""
    found = set()
    for item in rule.inputs:
        if callable(item) or group.number is None or f"{{{group.number}}}" not in filled(item, group.names):
            continue
        maker = makers.find(filled(item, {**group.names, group.number: SENTINEL}))
        if maker and maker[0].number and maker[1][maker[0].number] == SENTINEL:
            found.add(_node(maker[0].name, maker[1], maker[0].number))
    return found


def steps(
    groups: Sequence[Group], rules: Sequence[Described], *, alone: Collection[str], local: Collection[str]
) -> dict[Node, Step]:
    """Where the jobs of a workflow stand.

    Args:
        groups: what is made (`Inventory.groups`).
        rules: all rules that make files.
        alone: rules whose jobs are long.
        local: rules whose jobs are not sent anywhere.

    Returns:
        Rule and names → its jobs, in an order in which they could be made.
    """
    by_key: dict[Node, Group] = {group.key: group for group in groups}
    by_name = {rule.name: rule for rule in rules}
    makers = Makers(rules)
    single = {key for key, group in by_key.items() if group.number is None or group.rule in {*alone, *local}}
    found: dict[Node, Step] = {}
    for key in TopologicalSorter(
        {group.key: [groups[at].key for at in group.needs] for group in groups}
    ).static_order():
        group = by_key[key]
        chained = set() if key in single else _chained(group, by_name[group.rule], makers) - single
        before = {groups[at].key for at in group.needs}
        level = max((found[other].level + (other not in chained) for other in before), default=0)
        found[key] = Step(
            rule=group.rule,
            count=len(group.values()) if group.number else 1,
            level=level,
            group=None if key in single else f"shards-{level:03d}",
            chain=len(found),
            local=group.rule in local,
        )
        joined = {found[other].chain for other in chained if found[other].level == level}
        for other, step in found.items():
            if step.chain in joined:
                found[other] = replace(step, chain=found[key].chain)
    return found


def cluster_jobs(found: Iterable[Step], shards: int) -> dict[str, int]:
    """How many cluster jobs there are of each group and of each rule whose jobs go alone.

    Args:
        found: the values of `steps`.
        shards: chains a cluster job (`group-components`).
    """
    chains: dict[str, dict[int, int]] = {}
    jobs: dict[str, int] = {}
    for step in found:
        if step.group:
            of = chains.setdefault(step.group, {})
            of[step.chain] = max(of.get(step.chain, 0), step.count)
        elif not step.local:
            jobs[step.rule] = jobs.get(step.rule, 0) + step.count
    return {group: -(-sum(of.values()) // shards) for group, of in chains.items()} | jobs


def label(rules: Iterable[Any], found: Mapping[Node, Step], described: Iterable[Described]) -> None:
    """Tell Snakemake's rules the groups of their jobs.

    Args:
        rules: `workflow.rules`.
        found: `steps`.
        described: the same rules.
    """
    numbers = {rule.name: rule.number for rule in described}
    groups: dict[str, dict[Node, str]] = {}
    for key, step in found.items():
        if step.group:
            groups.setdefault(step.rule, {})[key] = step.group
    for rule in rules:
        if rule.name in groups:
            rule.group = _group_of(rule.name, groups[rule.name], numbers[rule.name])


def _group_of(rule: str, groups: Mapping[Node, str], number: str | None) -> Callable[[Mapping[str, Any]], str | None]:
    def group(wildcards: Mapping[str, Any]) -> str | None:
        return groups.get(_node(rule, wildcards, number))

    return group


def let_jobs_know() -> None:
    """Have Snakemake tell a SLURM job how its members were put together.

    The executor plugin leaves that out, and a job that does not know runs its members one after another on one of its
    cores. Nothing is done where the plugin is not loaded.
    """
    plugin = sys.modules.get("snakemake_executor_plugin_slurm")
    if plugin is not None:
        plugin.common_settings.pass_group_args = True
