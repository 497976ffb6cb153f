# Take out what stands in benchmarks: documents that hold items of them, or the items.
#
# Input: the documents of the stage before, and the files of the benchmarks or the releases that hold them. Output: <results>/decontamination/
# {documents,dropped,edits,found,stats}/part-*, audit.json, contamination.json (the table by benchmark).
# Steps: index (one job: the items) → map (passages that hold each word) → rarity (one job) → audit, apply → table.

BENCHMARK_FILES = CFG.decontamination.files() if "decontamination" in PIPELINE else []
ITEMS_OF = [*BENCHMARK_FILES, *(str(release.path) for release in BENCHMARK_RELEASES)]
# What they hold: the hash of a release is its pin.
HELD = {"given": given(*BENCHMARK_FILES), "pinned": [release.requirement for release in BENCHMARK_RELEASES]}


rule decontamination_index:
    input:
        ancient(ITEMS_OF),
    output:
        output=f"{RESULTS}/decontamination/index.arrow",
    log:
        f"{LOGS}/decontamination/index.log",
    benchmark:
        f"{BENCHMARKS}/decontamination/index.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("decontamination", **HELD),
    shell:
        job("decontamination", "index")


rule decontamination_map:
    input:
        documents=documents_before("decontamination"),
        index=f"{RESULTS}/decontamination/index.arrow",
    output:
        counts=f"{RESULTS}/decontamination/counts/part-{{shard}}.arrow",
        carriers=f"{RESULTS}/decontamination/carriers/part-{{shard}}.arrow",
    log:
        f"{LOGS}/decontamination/map-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/decontamination/map-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("decontamination"),
    shell:
        job("decontamination", "map", writes="counts carriers")


rule decontamination_rarity:
    input:
        counts=crossing("decontamination/counts"),
        carriers=crossing("decontamination/carriers"),
    output:
        output=f"{RESULTS}/decontamination/rarity.arrow",
        chosen=f"{RESULTS}/decontamination/carriers.arrow",
    log:
        f"{LOGS}/decontamination/rarity.log",
    benchmark:
        f"{BENCHMARKS}/decontamination/rarity.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("decontamination"),
    shell:
        job("decontamination", "rarity", writes="output chosen")


rule decontamination_audit:
    input:
        ancient(ITEMS_OF),
        index=f"{RESULTS}/decontamination/index.arrow",
        rarity=f"{RESULTS}/decontamination/rarity.arrow",
        carriers=f"{RESULTS}/decontamination/carriers.arrow",
    output:
        output=f"{RESULTS}/decontamination/audit.json",
    log:
        f"{LOGS}/decontamination/audit.log",
    benchmark:
        f"{BENCHMARKS}/decontamination/audit.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("decontamination", **HELD),
    shell:
        job("decontamination", "audit")


rule decontamination_apply:
    input:
        documents=documents_before("decontamination"),
        index=f"{RESULTS}/decontamination/index.arrow",
        rarity=f"{RESULTS}/decontamination/rarity.arrow",
    output:
        **outcome("decontamination", "edits"),
        found=f"{RESULTS}/decontamination/found/part-{{shard}}.parquet",
    log:
        f"{LOGS}/decontamination/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/decontamination/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("decontamination"),
    shell:
        job("decontamination", "apply", writes=f"{OUTCOME} edits found")


rule decontamination_table:
    input:
        index=f"{RESULTS}/decontamination/index.arrow",
        audit=f"{RESULTS}/decontamination/audit.json",
        found=crossing("decontamination/found", suffix=".parquet"),
    output:
        output=f"{RESULTS}/decontamination/contamination.json",
    log:
        f"{LOGS}/decontamination/table.log",
    benchmark:
        f"{BENCHMARKS}/decontamination/table.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("decontamination"),
    shell:
        job("decontamination", "table")
