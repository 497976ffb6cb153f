# Keep one capture of each URL; captures share their home shard, so nothing crosses.
#
# Input: the documents of the stage before. Output: <results>/url_dedup/{documents,dropped,stats}/part-*.


rule url_dedup_apply:
    input:
        documents=documents_before("url_dedup"),
    output:
        kept=f"{RESULTS}/url_dedup/documents/part-{{shard}}.parquet",
        dropped=f"{RESULTS}/url_dedup/dropped/part-{{shard}}.parquet",
        stats=f"{RESULTS}/url_dedup/stats/part-{{shard}}.json",
    log:
        f"{LOGS}/url_dedup/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/url_dedup/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=spec("url_dedup"),
    shell:
        "python -m tamis.job url_dedup apply --params {params.spec:q} shard={wildcards.shard}"
        " documents={input.documents:q} kept={output.kept:q} dropped={output.dropped:q}"
        " stats={output.stats:q} > {log:q} 2>&1"


localrules:
    url_dedup,


rule url_dedup:
    input:
        parts(documents_of("url_dedup")),
