# Remove near-duplicates across all shards: MinHash-LSH candidates, verified by exact Jaccard.
#
# Input: the documents of the stage before. Output: <results>/minhash_dedup/{documents,dropped,stats}/part-*.
# Usual steps: map (signatures) → pairs (equal sets, buckets) → sets → verify → resolve → apply; `audit` before apply
# takes a sample, `index` after it writes the index for later runs;
# a barrier stands wherever a job reads the files of all shards or of all partitions.

from pathlib import Path

from tamis.minhash.index import open_index


localrules:
    minhash_dedup,


MINHASH_DEDUP = f"{RESULTS}/minhash_dedup"
# What the other steps do not use; a change of it does not run them again.
MINHASH_DEDUP_CORE = CFG.minhash_dedup.model_copy(
    update={"audit_sample": 0, "against": (), "write_index": False}
)
# What this run is held against (nothing, as a rule), and the index that it writes for later ones.
try:
    MINHASH_DEDUP_EARLIER = [
        str(path)
        for folder in CFG.minhash_dedup.against
        for pair in open_index(Path(folder), CFG.minhash_dedup.scheme())
        for path in [Path(folder) / "index.json", *pair]
    ]
except TamisError as error:
    raise WorkflowError(str(error)) from None
MINHASH_DEDUP_INDEX = (
    [f"{MINHASH_DEDUP}/index/index.json"]
    if CFG.minhash_dedup.write_index and "minhash_dedup" in PIPELINE
    else []
)


rule minhash_dedup_map:
    input:
        MINHASH_DEDUP_EARLIER,
        documents=documents_before("minhash_dedup"),
    output:
        signatures=f"{MINHASH_DEDUP}/signatures/part-{{shard}}.arrow",
        matches=f"{MINHASH_DEDUP}/matches/part-{{shard}}.arrow",
        members=f"{MINHASH_DEDUP}/map/part-{{shard}}.arrow",
    log:
        f"{LOGS}/minhash_dedup/map-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/minhash_dedup/map-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=4000 if MINHASH_DEDUP_EARLIER else 2000,
        runtime=240 if MINHASH_DEDUP_EARLIER else 60,
    params:
        spec=spec(
            "minhash_dedup",
            section=MINHASH_DEDUP_CORE.model_copy(
                update={"against": CFG.minhash_dedup.against}
            ),
            partitions=PARTITIONS,
        ),
    shell:
        "python -m tamis.job minhash_dedup map --params {params.spec:q} documents={input.documents:q}"
        " signatures_file={output.signatures:q} matches={output.matches:q} output={output.members:q} > {log:q} 2>&1"


rule minhash_dedup_pairs:
    input:
        barrier=crossing("minhash_dedup/map"),
    output:
        pairs=f"{MINHASH_DEDUP}/pairs/part-{{partition}}.arrow",
        collapsed=f"{MINHASH_DEDUP}/collapsed/part-{{partition}}.arrow",
    log:
        f"{LOGS}/minhash_dedup/pairs-{{partition}}.log",
    benchmark:
        f"{BENCHMARKS}/minhash_dedup/pairs-{{partition}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        spec=spec("minhash_dedup", section=MINHASH_DEDUP_CORE, partitions=PARTITIONS),
    shell:
        "python -m tamis.job minhash_dedup pairs --params {params.spec:q} partition={wildcards.partition}"
        " barrier={input.barrier:q} output={output.pairs:q} collapsed={output.collapsed:q} > {log:q} 2>&1"


rule minhash_dedup_sets:
    input:
        documents=documents_before("minhash_dedup"),
        signatures=f"{MINHASH_DEDUP}/signatures/part-{{shard}}.arrow",
        barrier=crossing("minhash_dedup/pairs", PARTITIONS),
    output:
        sets=f"{MINHASH_DEDUP}/sets/part-{{shard}}.arrow",
    log:
        f"{LOGS}/minhash_dedup/sets-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/minhash_dedup/sets-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        spec=spec("minhash_dedup", section=MINHASH_DEDUP_CORE, shards=SHARDS),
    shell:
        "python -m tamis.job minhash_dedup sets --params {params.spec:q} shard={wildcards.shard}"
        " documents={input.documents:q} signatures_file={input.signatures:q} barrier={input.barrier:q}"
        " output={output.sets:q} > {log:q} 2>&1"


rule minhash_dedup_verify:
    input:
        documents=documents_before("minhash_dedup"),
        signatures=f"{MINHASH_DEDUP}/signatures/part-{{shard}}.arrow",
        barrier=crossing("minhash_dedup/sets"),
    output:
        edges=f"{MINHASH_DEDUP}/edges/part-{{shard}}.arrow",
    log:
        f"{LOGS}/minhash_dedup/verify-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/minhash_dedup/verify-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        spec=spec("minhash_dedup", section=MINHASH_DEDUP_CORE),
    shell:
        "python -m tamis.job minhash_dedup verify --params {params.spec:q} shard={wildcards.shard}"
        " documents={input.documents:q} signatures_file={input.signatures:q} barrier={input.barrier:q}"
        " output={output.edges:q} > {log:q} 2>&1"


rule minhash_dedup_resolve:
    input:
        edges=crossing("minhash_dedup/edges"),
        collapsed=crossing("minhash_dedup/collapsed", PARTITIONS),
    output:
        verdicts=f"{MINHASH_DEDUP}/verdicts.arrow",
    log:
        f"{LOGS}/minhash_dedup/resolve.log",
    benchmark:
        f"{BENCHMARKS}/minhash_dedup/resolve.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        spec=spec("minhash_dedup", section=MINHASH_DEDUP_CORE, shards=SHARDS),
    shell:
        "python -m tamis.job minhash_dedup resolve --params {params.spec:q} edges={input.edges:q}"
        " collapsed={input.collapsed:q} output={output.verdicts:q} > {log:q} 2>&1"


rule minhash_dedup_audit:
    input:
        documents=documents_before("minhash_dedup"),
        signatures=f"{MINHASH_DEDUP}/signatures/part-{{shard}}.arrow",
        barrier=crossing("minhash_dedup/signatures"),
        verdicts=f"{MINHASH_DEDUP}/verdicts.arrow",
        matches=f"{MINHASH_DEDUP}/matches/part-{{shard}}.arrow",
    output:
        sample=f"{MINHASH_DEDUP}/audit/part-{{shard}}.arrow",
    log:
        f"{LOGS}/minhash_dedup/audit-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/minhash_dedup/audit-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=spec("minhash_dedup", shards=SHARDS),
    shell:
        "python -m tamis.job minhash_dedup audit --params {params.spec:q} shard={wildcards.shard}"
        " documents={input.documents:q} signatures_file={input.signatures:q} barrier={input.barrier:q}"
        " verdicts={input.verdicts:q} matches={input.matches:q} output={output.sample:q} > {log:q} 2>&1"


rule minhash_dedup_apply:
    input:
        documents=documents_before("minhash_dedup"),
        verdicts=f"{MINHASH_DEDUP}/verdicts.arrow",
        sets=f"{MINHASH_DEDUP}/sets/part-{{shard}}.arrow",
        edges=f"{MINHASH_DEDUP}/edges/part-{{shard}}.arrow",
        matches=f"{MINHASH_DEDUP}/matches/part-{{shard}}.arrow",
        audit=(
            crossing("minhash_dedup/audit") if CFG.minhash_dedup.audit_sample else []
        ),
    output:
        kept=f"{MINHASH_DEDUP}/documents/part-{{shard}}.parquet",
        dropped=f"{MINHASH_DEDUP}/dropped/part-{{shard}}.parquet",
        stats=f"{MINHASH_DEDUP}/stats/part-{{shard}}.json",
    log:
        f"{LOGS}/minhash_dedup/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/minhash_dedup/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=spec("minhash_dedup", section=MINHASH_DEDUP_CORE, shards=SHARDS),
    shell:
        "python -m tamis.job minhash_dedup apply --params {params.spec:q} shard={wildcards.shard}"
        " documents={input.documents:q} verdicts={input.verdicts:q} sets={input.sets:q} edges={input.edges:q}"
        " matches={input.matches:q} kept={output.kept:q} dropped={output.dropped:q} stats={output.stats:q}"
        " audit={input.audit:q} > {log:q} 2>&1"


rule minhash_dedup_index_part:
    input:
        documents=documents_of("minhash_dedup"),
    output:
        bands=f"{MINHASH_DEDUP}/index/bands-{{shard}}.arrow",
        sets=f"{MINHASH_DEDUP}/index/sets-{{shard}}.arrow",
    log:
        f"{LOGS}/minhash_dedup/index-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/minhash_dedup/index-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        spec=spec("minhash_dedup", section=MINHASH_DEDUP_CORE),
    shell:
        "python -m tamis.job minhash_dedup index --params {params.spec:q} documents={input.documents:q}"
        " bands={output.bands:q} sets={output.sets:q} > {log:q} 2>&1"


rule minhash_dedup_index:
    input:
        parts(f"{MINHASH_DEDUP}/index/bands-{{shard}}.arrow"),
        parts(f"{MINHASH_DEDUP}/index/sets-{{shard}}.arrow"),
    output:
        description=f"{MINHASH_DEDUP}/index/index.json",
    log:
        f"{LOGS}/minhash_dedup/index.log",
    benchmark:
        f"{BENCHMARKS}/minhash_dedup/index.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        spec=spec("minhash_dedup", section=MINHASH_DEDUP_CORE, shards=SHARDS),
    shell:
        "python -m tamis.job minhash_dedup describe --params {params.spec:q} output={output.description:q}"
        " > {log:q} 2>&1"


rule minhash_dedup:
    input:
        parts(documents_of("minhash_dedup")),
