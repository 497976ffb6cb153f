# Read the sources into documents.
#
# Input: the files of `sources` in the configuration, cut into units.
# Output: <results>/ingest/{documents,dropped,stats}/part-*, skipped/ and read/ by unit.
# Steps: (fetch, a file or unit of remote files: fetch.smk) → map (a unit) → keys (a shard) → rank (one job) → apply (a shard).

FETCHED = f"{RESULTS}/ingest/fetched/part-{{:05d}}.json"
# The parts of a file share the job that fetches it.
FETCHERS = fetchers(UNITS)
READ = parts(f"{RESULTS}/ingest/read/part-{{shard}}.json", len(UNITS))


rule ingest_map:
    input:
        # Ancient: what the files hold decides, by the token in the params, not that they are newer or older.
        lambda wildcards: ancient(UNITS[int(wildcards.unit)].awaited()),
        # Not ancient: Snakemake looks at no other reason to run a job whose input is being made.
        lambda wildcards: FETCHED.format(FETCHERS[int(wildcards.unit)]) if UNITS[int(wildcards.unit)].remote else [],
    output:
        output=handed_on(f"{RESULTS}/ingest/map/part-{{unit}}.arrow"),
        skipped=f"{RESULTS}/ingest/skipped/part-{{unit}}.parquet",
        read_counts=f"{RESULTS}/ingest/read/part-{{unit}}.json",
    log:
        f"{LOGS}/ingest/map-{{unit}}.log",
    benchmark:
        f"{BENCHMARKS}/ingest/map-{{unit}}.tsv"
    # Before more is fetched: files may go once they are read.
    priority: 1
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("ingest", each=lambda wildcards: UNITS[int(wildcards.unit)].params(), shards=SHARDS),
    shell:
        job("ingest", "map", writes="output skipped read_counts")


rule ingest_keys:
    input:
        barrier=crossing("ingest/map", len(UNITS)),
    output:
        output=handed_on(f"{RESULTS}/ingest/keys/part-{{shard}}.npy"),
    log:
        f"{LOGS}/ingest/keys-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/ingest/keys-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("ingest", shards=SHARDS),
    shell:
        job("ingest", "keys")


rule ingest_rank:
    input:
        READ,
        barrier=crossing("ingest/keys", suffix=".npy"),
    output:
        output=handed_on(f"{RESULTS}/ingest/ranks.npy"),
    log:
        f"{LOGS}/ingest/rank.log",
    benchmark:
        f"{BENCHMARKS}/ingest/rank.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("ingest", units=len(UNITS), read_folder=f"{RESULTS}/ingest/read"),
    shell:
        job("ingest", "rank")


rule ingest_apply:
    input:
        barrier=crossing("ingest/map", len(UNITS)),
        keys_barrier=crossing("ingest/keys", suffix=".npy"),
        ranks=f"{RESULTS}/ingest/ranks.npy",
    output:
        **outcome("ingest"),
    log:
        f"{LOGS}/ingest/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/ingest/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("ingest", shards=SHARDS),
    shell:
        job("ingest", "apply", writes=OUTCOME)
