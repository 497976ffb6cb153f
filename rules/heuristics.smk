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
        kept=RESULTS + "/language_id/documents/part-{shard}.parquet",
        dropped=RESULTS + "/language_id/dropped/part-{shard}.parquet",
        stats=RESULTS + "/language_id/stats/part-{shard}.json",
    log:
        LOGS + "/language_id/apply-{shard}.log",
    benchmark:
        BENCHMARKS + "/language_id/apply-{shard}.tsv"
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
        kept=RESULTS + "/heuristics/documents/part-{shard}.parquet",
        dropped=RESULTS + "/heuristics/dropped/part-{shard}.parquet",
        stats=RESULTS + "/heuristics/stats/part-{shard}.json",
    log:
        LOGS + "/heuristics/apply-{shard}.log",
    benchmark:
        BENCHMARKS + "/heuristics/apply-{shard}.tsv"
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
