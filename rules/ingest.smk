# Read the sources into documents.
#
# Input: the files of `sources` in the configuration, cut into units.
# Output: <results>/ingest/{documents,dropped,stats}/part-*, skipped/ and read/ by unit.
# Steps: map (a unit) -> keys (a shard) -> rank (one) -> apply (a shard).


rule ingest_map:
    input:
        lambda wildcards: [str(path) for path in UNITS[int(wildcards.unit)].files],
    output:
        rows=f"{RESULTS}/ingest/map/part-{{unit}}.arrow",
        skipped=f"{RESULTS}/ingest/skipped/part-{{unit}}.parquet",
        counts=f"{RESULTS}/ingest/read/part-{{unit}}.json",
    log:
        f"{LOGS}/ingest/map-{{unit}}.log",
    benchmark:
        f"{BENCHMARKS}/ingest/map-{{unit}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        spec=unit_spec,
    shell:
        "python -m tamis.job ingest map --params {params.spec:q} output={output.rows:q}"
        " skipped={output.skipped:q} read_counts={output.counts:q} > {log:q} 2>&1"


rule ingest_keys:
    input:
        barrier=crossing("ingest/map", len(UNITS)),
    output:
        sort_keys=f"{RESULTS}/ingest/keys/part-{{shard}}.npy",
    log:
        f"{LOGS}/ingest/keys-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/ingest/keys-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=spec("ingest", shards=SHARDS),
    shell:
        "python -m tamis.job ingest keys --params {params.spec:q} barrier={input.barrier:q}"
        " shard={wildcards.shard} output={output.sort_keys:q} > {log:q} 2>&1"


rule ingest_rank:
    input:
        barrier=crossing("ingest/keys", suffix=".npy"),
        counts=parts(f"{RESULTS}/ingest/read/part-{{shard}}.json", len(UNITS)),
    output:
        ranks=f"{RESULTS}/ingest/ranks.npy",
    log:
        f"{LOGS}/ingest/rank.log",
    benchmark:
        f"{BENCHMARKS}/ingest/rank.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        spec=spec("ingest", units=len(UNITS), read_folder=f"{RESULTS}/ingest/read"),
    shell:
        "python -m tamis.job ingest rank --params {params.spec:q} barrier={input.barrier:q}"
        " output={output.ranks:q} > {log:q} 2>&1"


rule ingest_apply:
    input:
        barrier=crossing("ingest/map", len(UNITS)),
        keys_barrier=crossing("ingest/keys", suffix=".npy"),
        ranks=f"{RESULTS}/ingest/ranks.npy",
    output:
        kept=f"{RESULTS}/ingest/documents/part-{{shard}}.parquet",
        dropped=f"{RESULTS}/ingest/dropped/part-{{shard}}.parquet",
        stats=f"{RESULTS}/ingest/stats/part-{{shard}}.json",
    log:
        f"{LOGS}/ingest/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/ingest/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        spec=spec("ingest", shards=SHARDS),
    shell:
        "python -m tamis.job ingest apply --params {params.spec:q} barrier={input.barrier:q}"
        " keys_barrier={input.keys_barrier:q} ranks={input.ranks:q} shard={wildcards.shard} kept={output.kept:q}"
        " dropped={output.dropped:q} stats={output.stats:q} > {log:q} 2>&1"


localrules:
    ingest,


rule ingest:
    input:
        parts(documents_of("ingest")),
