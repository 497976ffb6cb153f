# Language, then rules of form: both look at one document at a time, so nothing crosses.
#
# Input: the documents of the stage before. Output: <results>/{language_id,heuristics}/{documents,dropped,stats}/part-*.
# Usual steps: move a threshold in config.yaml; only `heuristics` and what follows run again.


rule language_id_apply:
    input:
        documents=documents_before("language_id"),
        # A fastText file, where one is configured: replacing it labels again.
        model=[CFG.language_id.model] if CFG.language_id.model else [],
    output:
        kept=f"{RESULTS}/language_id/documents/part-{{shard}}.parquet",
        dropped=f"{RESULTS}/language_id/dropped/part-{{shard}}.parquet",
        stats=f"{RESULTS}/language_id/stats/part-{{shard}}.json",
    log:
        f"{LOGS}/language_id/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/language_id/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=60,
    params:
        spec=spec("language_id"),
    shell:
        "python -m tamis.job language_id apply --params {params.spec:q} shard={wildcards.shard}"
        " documents={input.documents:q} kept={output.kept:q} dropped={output.dropped:q}"
        " stats={output.stats:q} > {log:q} 2>&1"


rule heuristics_apply:
    input:
        documents=documents_before("heuristics"),
    output:
        kept=f"{RESULTS}/heuristics/documents/part-{{shard}}.parquet",
        dropped=f"{RESULTS}/heuristics/dropped/part-{{shard}}.parquet",
        stats=f"{RESULTS}/heuristics/stats/part-{{shard}}.json",
    log:
        f"{LOGS}/heuristics/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/heuristics/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=60,
    params:
        spec=spec("heuristics"),
    shell:
        "python -m tamis.job heuristics apply --params {params.spec:q} shard={wildcards.shard}"
        " documents={input.documents:q} kept={output.kept:q} dropped={output.dropped:q}"
        " stats={output.stats:q} > {log:q} 2>&1"


localrules:
    language_id,
    heuristics,


rule language_id:
    input:
        parts(documents_of("language_id")),


rule heuristics:
    input:
        parts(documents_of("heuristics")),
