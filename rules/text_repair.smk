# Repair texts that were damaged on their way, and cut the lines that C4 cuts where that is asked for.
#
# Input: the documents of the stage before. Output: <results>/text_repair/{documents,dropped,edits,stats}/part-*.


rule text_repair_apply:
    input:
        documents=documents_before("text_repair"),
    output:
        **outcome("text_repair", "edits"),
    log:
        f"{LOGS}/text_repair/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/text_repair/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("text_repair"),
    shell:
        job("text_repair", "apply", writes=f"{OUTCOME} edits")
