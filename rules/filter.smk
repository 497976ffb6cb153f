# Keep what expressions over columns, scores and metadata say; they look at one document at a time, so nothing crosses.
#
# Input: the documents of the stage before. Output: <results>/filter/{documents,dropped,stats}/part-*.
# Usual steps: try a condition with `tamis sql`, put it under a name into config.yaml; `filter` and what follows run again.


rule filter_apply:
    input:
        documents=documents_before("filter"),
    output:
        **outcome("filter"),
    log:
        f"{LOGS}/filter/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/filter/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("filter"),
    shell:
        job("filter", "apply", writes=OUTCOME)
