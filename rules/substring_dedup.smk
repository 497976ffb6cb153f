# Cut repeated spans of text: off unless `pipeline` names it.
#
# Input: the documents of the stage before. Output: <results>/substring_dedup/{documents,dropped,edits,stats}/part-*.
# Usual steps, with a barrier wherever a job reads the files of all shards or of all partitions:
#   map (fingerprints) → reduce (those that occur twice) → windows (around them) → elect (owners) → apply


localrules:
    substring_dedup,


SUBSTRING_DEDUP = f"{RESULTS}/substring_dedup"


rule substring_dedup_map:
    input:
        documents=documents_before("substring_dedup"),
    output:
        fingerprints=f"{SUBSTRING_DEDUP}/map/part-{{shard}}.arrow",
    log:
        f"{LOGS}/substring_dedup/map-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/substring_dedup/map-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        spec=spec("substring_dedup", partitions=PARTITIONS),
    shell:
        "python -m tamis.job substring_dedup map --params {params.spec:q}"
        " documents={input.documents:q} output={output.fingerprints:q} > {log:q} 2>&1"


rule substring_dedup_reduce:
    input:
        barrier=crossing("substring_dedup/map"),
    output:
        repeated=f"{SUBSTRING_DEDUP}/reduce/part-{{partition}}.arrow",
    log:
        f"{LOGS}/substring_dedup/reduce-{{partition}}.log",
    benchmark:
        f"{BENCHMARKS}/substring_dedup/reduce-{{partition}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=spec("substring_dedup", partitions=PARTITIONS),
    shell:
        "python -m tamis.job substring_dedup reduce --params {params.spec:q} partition={wildcards.partition}"
        " barrier={input.barrier:q} output={output.repeated:q} > {log:q} 2>&1"


rule substring_dedup_windows:
    input:
        documents=documents_before("substring_dedup"),
        barrier=crossing("substring_dedup/reduce", PARTITIONS),
    output:
        places=f"{SUBSTRING_DEDUP}/places/part-{{shard}}.arrow",
        counts=f"{SUBSTRING_DEDUP}/counts/part-{{shard}}.json",
        held=f"{SUBSTRING_DEDUP}/windows/part-{{shard}}.arrow",
    log:
        f"{LOGS}/substring_dedup/windows-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/substring_dedup/windows-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        spec=spec("substring_dedup", shards=SHARDS, partitions=PARTITIONS),
    shell:
        "python -m tamis.job substring_dedup windows --params {params.spec:q} shard={wildcards.shard}"
        " documents={input.documents:q} barrier={input.barrier:q} places={output.places:q} counts={output.counts:q}"
        " output={output.held:q} > {log:q} 2>&1"


rule substring_dedup_elect:
    input:
        barrier=crossing("substring_dedup/windows"),
    output:
        owners=f"{SUBSTRING_DEDUP}/elect/part-{{partition}}.arrow",
    log:
        f"{LOGS}/substring_dedup/elect-{{partition}}.log",
    benchmark:
        f"{BENCHMARKS}/substring_dedup/elect-{{partition}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        spec=spec("substring_dedup", partitions=PARTITIONS),
    shell:
        "python -m tamis.job substring_dedup elect --params {params.spec:q} partition={wildcards.partition}"
        " barrier={input.barrier:q} output={output.owners:q} > {log:q} 2>&1"


rule substring_dedup_apply:
    input:
        documents=documents_before("substring_dedup"),
        places=f"{SUBSTRING_DEDUP}/places/part-{{shard}}.arrow",
        counts=f"{SUBSTRING_DEDUP}/counts/part-{{shard}}.json",
        barrier=crossing("substring_dedup/elect", PARTITIONS),
    output:
        kept=f"{SUBSTRING_DEDUP}/documents/part-{{shard}}.parquet",
        dropped=f"{SUBSTRING_DEDUP}/dropped/part-{{shard}}.parquet",
        edits=f"{SUBSTRING_DEDUP}/edits/part-{{shard}}.parquet",
        stats=f"{SUBSTRING_DEDUP}/stats/part-{{shard}}.json",
    log:
        f"{LOGS}/substring_dedup/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/substring_dedup/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        spec=spec("substring_dedup", shards=SHARDS),
    shell:
        "python -m tamis.job substring_dedup apply --params {params.spec:q} shard={wildcards.shard}"
        " documents={input.documents:q} places={input.places:q} counts={input.counts:q} barrier={input.barrier:q}"
        " kept={output.kept:q} dropped={output.dropped:q} edits={output.edits:q} stats={output.stats:q}"
        " > {log:q} 2>&1"


rule substring_dedup:
    input:
        parts(documents_of("substring_dedup")),
