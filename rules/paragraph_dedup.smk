# Cut repeated paragraphs; one copy stays.
#
# Input: the documents of the stage before, and what earlier runs hold (`against`). Output:
# <results>/paragraph_dedup/{documents,dropped,edits,stats}/part-*; index/ for later runs.
# Steps: map → reduce (owners) → decide (near-copies) → resolve (one job) → reown → apply.


rule paragraph_dedup_map:
    input:
        documents=documents_before("paragraph_dedup"),
    output:
        output=handed_on(f"{RESULTS}/paragraph_dedup/map/part-{{shard}}.arrow"),
        paragraphs=handed_on(f"{RESULTS}/paragraph_dedup/paragraphs/part-{{shard}}.arrow"),
    log:
        f"{LOGS}/paragraph_dedup/map-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/paragraph_dedup/map-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("paragraph_dedup", section=CFG.paragraph_dedup.for_documents(), partitions=PARTITIONS),
    shell:
        job("paragraph_dedup", "map", writes="output paragraphs")


rule paragraph_dedup_reduce:
    input:
        EARLIER_PARAGRAPHS,
        barrier=crossing("paragraph_dedup/map"),
    output:
        output=handed_on(f"{RESULTS}/paragraph_dedup/reduce/part-{{partition}}.arrow"),
    log:
        f"{LOGS}/paragraph_dedup/reduce-{{partition}}.log",
    benchmark:
        f"{BENCHMARKS}/paragraph_dedup/reduce-{{partition}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("paragraph_dedup", section=CFG.paragraph_dedup.for_documents(), partitions=PARTITIONS),
    shell:
        job("paragraph_dedup", "reduce")


rule paragraph_dedup_decide:
    input:
        documents=documents_before("paragraph_dedup"),
        paragraphs=f"{RESULTS}/paragraph_dedup/paragraphs/part-{{shard}}.arrow",
        barrier=crossing("paragraph_dedup/reduce", PARTITIONS),
    output:
        candidates=handed_on(f"{RESULTS}/paragraph_dedup/candidates/part-{{shard}}.arrow"),
        output=handed_on(f"{RESULTS}/paragraph_dedup/decide/part-{{shard}}.arrow"),
    log:
        f"{LOGS}/paragraph_dedup/decide-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/paragraph_dedup/decide-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("paragraph_dedup", section=CFG.paragraph_dedup.for_documents(), shards=SHARDS, partitions=PARTITIONS),
    shell:
        job("paragraph_dedup", "decide", writes="candidates output")


rule paragraph_dedup_resolve:
    input:
        barrier=crossing("paragraph_dedup/candidates"),
    output:
        output=handed_on(f"{RESULTS}/paragraph_dedup/fates.arrow"),
    log:
        f"{LOGS}/paragraph_dedup/resolve.log",
    benchmark:
        f"{BENCHMARKS}/paragraph_dedup/resolve.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("paragraph_dedup", section=CFG.paragraph_dedup.for_documents(), shards=SHARDS),
    shell:
        job("paragraph_dedup", "resolve")


rule paragraph_dedup_reown:
    input:
        EARLIER_PARAGRAPHS,
        barrier=crossing("paragraph_dedup/map"),
        lines=crossing("paragraph_dedup/decide"),
        fates=f"{RESULTS}/paragraph_dedup/fates.arrow",
    output:
        output=handed_on(f"{RESULTS}/paragraph_dedup/reown/part-{{partition}}.arrow"),
    log:
        f"{LOGS}/paragraph_dedup/reown-{{partition}}.log",
    benchmark:
        f"{BENCHMARKS}/paragraph_dedup/reown-{{partition}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("paragraph_dedup", section=CFG.paragraph_dedup.for_documents(), shards=SHARDS, partitions=PARTITIONS),
    shell:
        job("paragraph_dedup", "reown")


rule paragraph_dedup_apply:
    input:
        documents=documents_before("paragraph_dedup"),
        paragraphs=f"{RESULTS}/paragraph_dedup/paragraphs/part-{{shard}}.arrow",
        barrier=crossing("paragraph_dedup/reduce", PARTITIONS),
        changes=crossing("paragraph_dedup/reown", PARTITIONS),
        fates=f"{RESULTS}/paragraph_dedup/fates.arrow",
    output:
        **outcome("paragraph_dedup", "edits"),
    log:
        f"{LOGS}/paragraph_dedup/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/paragraph_dedup/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("paragraph_dedup", section=CFG.paragraph_dedup.for_documents(), shards=SHARDS),
    shell:
        job("paragraph_dedup", "apply", writes=f"{OUTCOME} edits")


rule paragraph_dedup_index_part:
    input:
        documents=documents_before("paragraph_dedup"),
        kept=documents_of("paragraph_dedup"),
        paragraphs=f"{RESULTS}/paragraph_dedup/paragraphs/part-{{shard}}.arrow",
        barrier=crossing("paragraph_dedup/reduce", PARTITIONS),
        changes=crossing("paragraph_dedup/reown", PARTITIONS),
        fates=f"{RESULTS}/paragraph_dedup/fates.arrow",
    output:
        output=f"{RESULTS}/paragraph_dedup/index/part-{{shard}}.arrow",
    log:
        f"{LOGS}/paragraph_dedup/index-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/paragraph_dedup/index-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("paragraph_dedup", section=CFG.paragraph_dedup.for_documents(), shards=SHARDS, partitions=PARTITIONS),
    shell:
        job("paragraph_dedup", "index")


rule paragraph_dedup_index:
    input:
        parts=crossing("paragraph_dedup/index"),
    output:
        output=f"{RESULTS}/paragraph_dedup/index/index.json",
    log:
        f"{LOGS}/paragraph_dedup/index.log",
    benchmark:
        f"{BENCHMARKS}/paragraph_dedup/index.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("paragraph_dedup", section=CFG.paragraph_dedup.for_documents(), partitions=PARTITIONS),
    shell:
        job("paragraph_dedup", "describe")
