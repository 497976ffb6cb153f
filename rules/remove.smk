# Remove what was asked to be removed: lists of URLs, domains, ids and hashes.
#
# Input: the documents of the stage before and the lists, so that a changed list runs everything after it again.
# Output: <results>/remove/{documents,dropped,stats}/part-*.


rule remove_apply:
    input:
        documents=documents_before("remove"),
        lists=CFG.remove.files,
    output:
        kept=f"{RESULTS}/remove/documents/part-{{shard}}.parquet",
        dropped=f"{RESULTS}/remove/dropped/part-{{shard}}.parquet",
        stats=f"{RESULTS}/remove/stats/part-{{shard}}.json",
    log:
        f"{LOGS}/remove/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/remove/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=spec("remove"),
    shell:
        "python -m tamis.job remove apply --params {params.spec:q} shard={wildcards.shard}"
        " documents={input.documents:q} kept={output.kept:q} dropped={output.dropped:q}"
        " stats={output.stats:q} > {log:q} 2>&1"


localrules:
    remove,


rule remove:
    input:
        parts(documents_of("remove")),
