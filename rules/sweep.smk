# Folders hold what this run made: at its end, what the configuration does not make goes (tamis/sweep.py).
#
# Input: everything that was asked for, so that nothing goes before what replaces it is there; <results>/layout.json.
# Output: <results>/swept/<target>-<number>.json, what went and what stayed; deleted files, and others in retired/.
# Steps: sweep, which is asked for only where something is stale when the workflow is parsed. Comes after all other rules,
# because what is made is taken from them.

from tamis.demand import described
from tamis.targets import Targets

DESCRIBED = described(workflow.rules)
WANTED = Targets(DESCRIBED, TARGETS | {"all": FINAL}, RESULTS, looks=workflow.is_main_process)
INVENTORY = WANTED.inventory


rule sweep:
    input:
        lambda wildcards: WANTED.needed(wildcards.target),
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
        spec=lambda wildcards: " ".join(WANTED.scope(wildcards.target) or ["all"]),
    shell:
        # Named in the terminal too.
        "python -m tamis.sweep {input.layout:q} {params.spec:q} {output.output:q} > {log:q} 2>&1 && cat {log:q} >&2"
