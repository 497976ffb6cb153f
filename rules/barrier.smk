# The barriers between jobs that write for all and jobs that read from all, where those are many.
#
# Input: the files of a folder that some rule has announced with `crossing`; so this file comes after all that do.
# Output: <results>/<folder>/barrier.json, with path, size and time of each file (tamis/barrier.py says why). Where exchange
#         files go, it goes too: a barrier that stays would let jobs run again over files that are not there.

BARRIER = f"{RESULTS}/{{folder}}/barrier.json"


rule barrier:
    input:
        lambda wildcards: crossed(wildcards.folder),
    output:
        barrier=BARRIER if CFG.keep_exchange else temp(BARRIER),
    log:
        f"{LOGS}/{{folder}}-barrier.log",
    benchmark:
        f"{BENCHMARKS}/{{folder}}-barrier.tsv"
    wildcard_constraints:
        folder="|".join(CROSSINGS),
    localrule: True
    conda:
        "../envs/cpu.yaml"
    params:
        spec=lambda wildcards: CROSSINGS[wildcards.folder],
    shell:
        "python -m tamis.barrier {output.barrier:q} {params.spec:q} > {log:q} 2>&1"
