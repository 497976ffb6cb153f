# Cut lines that stand in many documents; all copies go.
#
# Input: the documents of the stage before. Output: <results>/line_pruning/{documents,dropped,edits,stats}/part-*.
# Steps: size (one job) → map → reduce → apply.


rule line_pruning_size:
    input:
        parts(documents_before("line_pruning")),
    output:
        output=f"{RESULTS}/line_pruning/size.json",
    log:
        f"{LOGS}/line_pruning/size.log",
    benchmark:
        f"{BENCHMARKS}/line_pruning/size.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec(
            "line_pruning",
            section=CFG.line_pruning.for_counting(),
            shards=SHARDS,
            folder=documents_before("line_pruning").rsplit("/", 1)[0],
        ),
    shell:
        job("line_pruning", "size")


rule line_pruning_map:
    input:
        documents=documents_before("line_pruning"),
        corpus_size=f"{RESULTS}/line_pruning/size.json",
    output:
        output=handed_on(f"{RESULTS}/line_pruning/map/part-{{shard}}.arrow"),
    log:
        f"{LOGS}/line_pruning/map-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/line_pruning/map-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("line_pruning", section=CFG.line_pruning.for_counting(), partitions=PARTITIONS),
    shell:
        job("line_pruning", "map")


rule line_pruning_reduce:
    input:
        barrier=crossing("line_pruning/map"),
        corpus_size=f"{RESULTS}/line_pruning/size.json",
    output:
        output=handed_on(f"{RESULTS}/line_pruning/reduce/part-{{partition}}.arrow"),
    log:
        f"{LOGS}/line_pruning/reduce-{{partition}}.log",
    benchmark:
        f"{BENCHMARKS}/line_pruning/reduce-{{partition}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("line_pruning", section=CFG.line_pruning.for_frequent(), partitions=PARTITIONS),
    shell:
        job("line_pruning", "reduce")


rule line_pruning_apply:
    input:
        documents=documents_before("line_pruning"),
        counted=f"{RESULTS}/line_pruning/map/part-{{shard}}.arrow",
        barrier=crossing("line_pruning/reduce", PARTITIONS),
        corpus_size=f"{RESULTS}/line_pruning/size.json",
    output:
        **outcome("line_pruning", "edits"),
    log:
        f"{LOGS}/line_pruning/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/line_pruning/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("line_pruning", shards=SHARDS),
    shell:
        job("line_pruning", "apply", writes=f"{OUTCOME} edits")
