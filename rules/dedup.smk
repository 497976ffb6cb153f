# Cut what stands in many documents: repeated paragraphs (one copy stays), and frequent lines (all copies go).
#
# Input: the documents of the stage before. Output: <results>/<stage>/{documents,dropped,edits,stats}/part-*.
# Usual steps, with a barrier wherever a job reads the files of all shards or of all partitions:
#   paragraph_dedup  map → reduce (owners) → decide (near-copies) → resolve (one job) → reown → apply
#   line_pruning     size (one job) → map → reduce → apply


localrules:
    paragraph_dedup,
    line_pruning,


PARAGRAPH_DEDUP = f"{RESULTS}/paragraph_dedup"
LINE_PRUNING = f"{RESULTS}/line_pruning"


rule paragraph_dedup_map:
    input:
        documents=documents_before("paragraph_dedup"),
    output:
        held=f"{PARAGRAPH_DEDUP}/map/part-{{shard}}.arrow",
        paragraphs=f"{PARAGRAPH_DEDUP}/paragraphs/part-{{shard}}.arrow",
    log:
        f"{LOGS}/paragraph_dedup/map-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/paragraph_dedup/map-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        spec=spec("paragraph_dedup", partitions=PARTITIONS),
    shell:
        "python -m tamis.job paragraph_dedup map --params {params.spec:q}"
        " documents={input.documents:q} output={output.held:q} paragraphs={output.paragraphs:q} > {log:q} 2>&1"


rule paragraph_dedup_reduce:
    input:
        barrier=crossing("paragraph_dedup/map"),
    output:
        owners=f"{PARAGRAPH_DEDUP}/reduce/part-{{partition}}.arrow",
    log:
        f"{LOGS}/paragraph_dedup/reduce-{{partition}}.log",
    benchmark:
        f"{BENCHMARKS}/paragraph_dedup/reduce-{{partition}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=spec("paragraph_dedup", partitions=PARTITIONS),
    shell:
        "python -m tamis.job paragraph_dedup reduce --params {params.spec:q} partition={wildcards.partition}"
        " barrier={input.barrier:q} output={output.owners:q} > {log:q} 2>&1"


rule paragraph_dedup_decide:
    input:
        documents=documents_before("paragraph_dedup"),
        paragraphs=f"{PARAGRAPH_DEDUP}/paragraphs/part-{{shard}}.arrow",
        barrier=crossing("paragraph_dedup/reduce", PARTITIONS),
    output:
        candidates=f"{PARAGRAPH_DEDUP}/candidates/part-{{shard}}.arrow",
        line=f"{PARAGRAPH_DEDUP}/decide/part-{{shard}}.arrow",
    log:
        f"{LOGS}/paragraph_dedup/decide-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/paragraph_dedup/decide-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=spec("paragraph_dedup", shards=SHARDS, partitions=PARTITIONS),
    shell:
        "python -m tamis.job paragraph_dedup decide --params {params.spec:q} shard={wildcards.shard}"
        " documents={input.documents:q} paragraphs={input.paragraphs:q} barrier={input.barrier:q}"
        " candidates={output.candidates:q} output={output.line:q} > {log:q} 2>&1"


rule paragraph_dedup_resolve:
    input:
        barrier=crossing("paragraph_dedup/candidates"),
    output:
        fates=f"{PARAGRAPH_DEDUP}/fates.arrow",
    log:
        f"{LOGS}/paragraph_dedup/resolve.log",
    benchmark:
        f"{BENCHMARKS}/paragraph_dedup/resolve.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=spec("paragraph_dedup", shards=SHARDS),
    shell:
        "python -m tamis.job paragraph_dedup resolve --params {params.spec:q} barrier={input.barrier:q}"
        " output={output.fates:q} > {log:q} 2>&1"


rule paragraph_dedup_reown:
    input:
        barrier=crossing("paragraph_dedup/map"),
        lines=crossing("paragraph_dedup/decide"),
        fates=f"{PARAGRAPH_DEDUP}/fates.arrow",
    output:
        owners=f"{PARAGRAPH_DEDUP}/reown/part-{{partition}}.arrow",
    log:
        f"{LOGS}/paragraph_dedup/reown-{{partition}}.log",
    benchmark:
        f"{BENCHMARKS}/paragraph_dedup/reown-{{partition}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=spec("paragraph_dedup", shards=SHARDS, partitions=PARTITIONS),
    shell:
        "python -m tamis.job paragraph_dedup reown --params {params.spec:q} partition={wildcards.partition}"
        " barrier={input.barrier:q} lines={input.lines:q} fates={input.fates:q} output={output.owners:q}"
        " > {log:q} 2>&1"


rule paragraph_dedup_apply:
    input:
        documents=documents_before("paragraph_dedup"),
        paragraphs=f"{PARAGRAPH_DEDUP}/paragraphs/part-{{shard}}.arrow",
        barrier=crossing("paragraph_dedup/reduce", PARTITIONS),
        changes=crossing("paragraph_dedup/reown", PARTITIONS),
        fates=f"{PARAGRAPH_DEDUP}/fates.arrow",
    output:
        kept=f"{PARAGRAPH_DEDUP}/documents/part-{{shard}}.parquet",
        dropped=f"{PARAGRAPH_DEDUP}/dropped/part-{{shard}}.parquet",
        edits=f"{PARAGRAPH_DEDUP}/edits/part-{{shard}}.parquet",
        stats=f"{PARAGRAPH_DEDUP}/stats/part-{{shard}}.json",
    log:
        f"{LOGS}/paragraph_dedup/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/paragraph_dedup/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        spec=spec("paragraph_dedup", shards=SHARDS),
    shell:
        "python -m tamis.job paragraph_dedup apply --params {params.spec:q} shard={wildcards.shard}"
        " documents={input.documents:q} paragraphs={input.paragraphs:q} barrier={input.barrier:q}"
        " changes={input.changes:q} fates={input.fates:q} kept={output.kept:q} dropped={output.dropped:q}"
        " edits={output.edits:q} stats={output.stats:q} > {log:q} 2>&1"


rule paragraph_dedup:
    input:
        parts(documents_of("paragraph_dedup")),


rule line_pruning_size:
    input:
        documents=parts(documents_before("line_pruning")),
    output:
        corpus_size=f"{LINE_PRUNING}/size.json",
    log:
        f"{LOGS}/line_pruning/size.log",
    benchmark:
        f"{BENCHMARKS}/line_pruning/size.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=spec(
            "line_pruning",
            shards=SHARDS,
            folder=documents_before("line_pruning").rsplit("/", 1)[0],
        ),
    shell:
        "python -m tamis.job line_pruning size --params {params.spec:q} output={output.corpus_size:q} > {log:q} 2>&1"


rule line_pruning_map:
    input:
        documents=documents_before("line_pruning"),
        corpus_size=f"{LINE_PRUNING}/size.json",
    output:
        counted=f"{LINE_PRUNING}/map/part-{{shard}}.arrow",
    log:
        f"{LOGS}/line_pruning/map-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/line_pruning/map-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        spec=spec("line_pruning", partitions=PARTITIONS),
    shell:
        "python -m tamis.job line_pruning map --params {params.spec:q}"
        " documents={input.documents:q} size={input.corpus_size:q} output={output.counted:q} > {log:q} 2>&1"


rule line_pruning_reduce:
    input:
        barrier=crossing("line_pruning/map"),
        corpus_size=f"{LINE_PRUNING}/size.json",
    output:
        frequent=f"{LINE_PRUNING}/reduce/part-{{partition}}.arrow",
    log:
        f"{LOGS}/line_pruning/reduce-{{partition}}.log",
    benchmark:
        f"{BENCHMARKS}/line_pruning/reduce-{{partition}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=spec("line_pruning", partitions=PARTITIONS),
    shell:
        "python -m tamis.job line_pruning reduce --params {params.spec:q} partition={wildcards.partition}"
        " barrier={input.barrier:q} size={input.corpus_size:q} output={output.frequent:q} > {log:q} 2>&1"


rule line_pruning_apply:
    input:
        documents=documents_before("line_pruning"),
        counted=f"{LINE_PRUNING}/map/part-{{shard}}.arrow",
        barrier=crossing("line_pruning/reduce", PARTITIONS),
        corpus_size=f"{LINE_PRUNING}/size.json",
    output:
        kept=f"{LINE_PRUNING}/documents/part-{{shard}}.parquet",
        dropped=f"{LINE_PRUNING}/dropped/part-{{shard}}.parquet",
        edits=f"{LINE_PRUNING}/edits/part-{{shard}}.parquet",
        stats=f"{LINE_PRUNING}/stats/part-{{shard}}.json",
    log:
        f"{LOGS}/line_pruning/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/line_pruning/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        spec=spec("line_pruning", shards=SHARDS),
    shell:
        "python -m tamis.job line_pruning apply --params {params.spec:q} shard={wildcards.shard}"
        " documents={input.documents:q} counted={input.counted:q} barrier={input.barrier:q}"
        " size={input.corpus_size:q} kept={output.kept:q} dropped={output.dropped:q} edits={output.edits:q}"
        " stats={output.stats:q} > {log:q} 2>&1"


rule line_pruning:
    input:
        parts(documents_of("line_pruning")),
