# Cut repeated spans of text: off unless `pipeline` names it.
#
# Input: the documents of the stage before. Output: <results>/substring_dedup/{documents,dropped,edits,stats}/part-*.
# Steps: map (fingerprints) → reduce (those that occur twice) → windows (around them) → elect (owners) → apply.


rule substring_dedup_map:
    input:
        documents=documents_before("substring_dedup"),
    output:
        output=handed_on(f"{RESULTS}/substring_dedup/map/part-{{shard}}.arrow"),
    log:
        f"{LOGS}/substring_dedup/map-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/substring_dedup/map-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("substring_dedup", partitions=PARTITIONS),
    shell:
        job("substring_dedup", "map")


rule substring_dedup_reduce:
    input:
        barrier=crossing("substring_dedup/map"),
    output:
        output=handed_on(f"{RESULTS}/substring_dedup/reduce/part-{{partition}}.arrow"),
    log:
        f"{LOGS}/substring_dedup/reduce-{{partition}}.log",
    benchmark:
        f"{BENCHMARKS}/substring_dedup/reduce-{{partition}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("substring_dedup", partitions=PARTITIONS),
    shell:
        job("substring_dedup", "reduce")


rule substring_dedup_windows:
    input:
        documents=documents_before("substring_dedup"),
        barrier=crossing("substring_dedup/reduce", PARTITIONS),
    output:
        places=handed_on(f"{RESULTS}/substring_dedup/places/part-{{shard}}.arrow"),
        counts=f"{RESULTS}/substring_dedup/counts/part-{{shard}}.json",
        output=handed_on(f"{RESULTS}/substring_dedup/windows/part-{{shard}}.arrow"),
    log:
        f"{LOGS}/substring_dedup/windows-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/substring_dedup/windows-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("substring_dedup", shards=SHARDS, partitions=PARTITIONS),
    shell:
        job("substring_dedup", "windows", writes="places counts output")


rule substring_dedup_elect:
    input:
        barrier=crossing("substring_dedup/windows"),
    output:
        output=handed_on(f"{RESULTS}/substring_dedup/elect/part-{{partition}}.arrow"),
    log:
        f"{LOGS}/substring_dedup/elect-{{partition}}.log",
    benchmark:
        f"{BENCHMARKS}/substring_dedup/elect-{{partition}}.tsv"
    conda:
        "../envs/cpu.yaml"
    resources:
        mem_mb=4000,
    params:
        spec=spec("substring_dedup", partitions=PARTITIONS),
    shell:
        job("substring_dedup", "elect")


rule substring_dedup_apply:
    input:
        documents=documents_before("substring_dedup"),
        places=f"{RESULTS}/substring_dedup/places/part-{{shard}}.arrow",
        counts=f"{RESULTS}/substring_dedup/counts/part-{{shard}}.json",
        barrier=crossing("substring_dedup/elect", PARTITIONS),
    output:
        **outcome("substring_dedup", "edits"),
    log:
        f"{LOGS}/substring_dedup/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/substring_dedup/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("substring_dedup", shards=SHARDS),
    shell:
        job("substring_dedup", "apply", writes=f"{OUTCOME} edits")
