# Folders hold what this run made: at its end, what the configuration does not make goes (tamis/sweep.py).
#
# Input: everything that was asked for, so that nothing goes before what replaces it is there; <results>/layout.json.
# Output: <results>/swept/<target>-<number>.json, what went and what stayed; deleted files, and others in retired/.
# Steps: sweep, which is asked for only where something is stale when the workflow is parsed. Comes after all other rules,
# because what is made is taken from them.

from functools import cache

from tamis.inventory import described, inventory
from tamis.sweep import asked_again, decide, look, next_record, places

DESCRIBED = described(workflow.rules)
INVENTORY = inventory(DESCRIBED, FINAL, RESULTS)
RESULTS_FOLDER = Path(RESULTS)


@cache
def present():
    """What lies in the results; nothing is looked at by the processes that Snakemake starts for single jobs."""
    return look(RESULTS_FOLDER, INVENTORY.folders if workflow.is_main_process else ())


@cache
def scope(target):
    """The places that the files of a target, and those before them, lie in; None for all."""
    return None if target == "all" else places(inventory(DESCRIBED, TARGETS[target], RESULTS))


@cache
def decision(target):
    """What is stale, and what is missing."""
    return decide(present(), INVENTORY, scope(target))


def needed(target):
    """The files of a target, and those that are made again because they are missing."""
    files = FINAL if target == "all" else TARGETS[target]
    again = asked_again(INVENTORY, present(), decision(target).missing) if workflow.is_main_process else []
    return [*files, *(f"{RESULTS}/{path}" for path in again)]


def asked(target):
    """An input function: what a target waits for; where something is stale, a sweep, which waits for all of it."""
    return lambda wildcards: (
        f"{RESULTS}/{next_record(RESULTS_FOLDER, target)}" if decision(target).stale else needed(target)
    )


rule sweep:
    input:
        lambda wildcards: needed(wildcards.target),
        layout=f"{RESULTS}/layout.json",
    output:
        output=f"{RESULTS}/swept/{{target}}-{{number}}.json",
    log:
        f"{RESULTS}/swept/{{target}}-{{number}}.log",
    benchmark:
        f"{RESULTS}/swept/{{target}}-{{number}}.tsv"
    wildcard_constraints:
        target="|".join(["all", *TARGETS]),
        number=r"\d{5}",
    localrule: True
    conda:
        "../envs/cpu.yaml"
    params:
        spec=lambda wildcards: " ".join(scope(wildcards.target) or ["all"]),
    shell:
        # Named in the terminal too.
        "python -m tamis.sweep {input.layout:q} {params.spec:q} {output.output:q} > {log:q} 2>&1 && cat {log:q} >&2"
