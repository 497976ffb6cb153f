# Keep one capture of each URL; captures share their home shard, so nothing crosses.
#
# Input: the documents of the stage before. Output: <results>/url_dedup/{documents,dropped,stats}/part-*.


rule url_dedup_apply:
    input:
        documents=documents_before("url_dedup"),
    output:
        **outcome("url_dedup"),
    log:
        f"{LOGS}/url_dedup/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/url_dedup/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("url_dedup"),
    shell:
        job("url_dedup", "apply", writes=OUTCOME)
