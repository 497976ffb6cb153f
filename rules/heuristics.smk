# Rules of form: they look at one document at a time, so nothing crosses.
#
# Input: the documents of the stage before. Output: <results>/heuristics/{documents,dropped,stats}/part-*.
# Usual steps: move a threshold in config.yaml; only `heuristics` and what follows run again.


rule heuristics_apply:
    input:
        documents=documents_before("heuristics"),
    output:
        **outcome("heuristics"),
    log:
        f"{LOGS}/heuristics/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/heuristics/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("heuristics"),
    shell:
        job("heuristics", "apply", writes=OUTCOME)
