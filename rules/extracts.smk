# Drop extracts of documents that stay: one text is not in the pool as two kinds.
#
# Input: the documents of the stage before. Output: <results>/extracts/{documents,dropped,stats}/part-*.
# Steps: map (a shard) → reduce (a partition of the keys) → apply (a shard).


rule extracts_map:
    input:
        documents=documents_before("extracts"),
    output:
        output=handed_on(f"{RESULTS}/extracts/map/part-{{shard}}.arrow"),
    log:
        f"{LOGS}/extracts/map-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/extracts/map-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("extracts", partitions=PARTITIONS),
    shell:
        job("extracts", "map")


rule extracts_reduce:
    input:
        barrier=crossing("extracts/map"),
    output:
        output=handed_on(f"{RESULTS}/extracts/reduce/part-{{partition}}.arrow"),
    log:
        f"{LOGS}/extracts/reduce-{{partition}}.log",
    benchmark:
        f"{BENCHMARKS}/extracts/reduce-{{partition}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("extracts", partitions=PARTITIONS),
    shell:
        job("extracts", "reduce")


rule extracts_apply:
    input:
        documents=documents_before("extracts"),
        barrier=crossing("extracts/reduce", PARTITIONS),
    output:
        **outcome("extracts"),
    log:
        f"{LOGS}/extracts/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/extracts/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("extracts", shards=SHARDS),
    shell:
        job("extracts", "apply", writes=OUTCOME)
