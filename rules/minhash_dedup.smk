# Remove near-duplicates across all shards: MinHash-LSH candidates, verified by exact Jaccard.
#
# Input: the documents of the stage before. Output: <results>/minhash_dedup/{documents,dropped,stats}/part-*.
# Steps: map (signatures) → with earlier runs held, lookup, match (what they hold) → pairs (equal sets, buckets) → sets → verify →
# resolve → apply; `audit` before apply takes a sample, `index` after it writes the index for later runs.

from shlex import quote

# The documents with the text that is compared, whatever was cut since.
JUDGED = documents_before(CFG.first_to_cut) if "minhash_dedup" in PIPELINE else documents_before("minhash_dedup")

# What earlier runs hold of a shard, where there are some; and what the run before dropped for them.
MATCHED = f"{RESULTS}/minhash_dedup/matches/part-{{shard}}.arrow" if EARLIER_DOCUMENTS else []
HELD_DOCUMENTS = f"{RESULTS}/minhash_dedup/held.arrow" if EARLIER_DOCUMENTS else []


rule minhash_dedup_map:
    input:
        judged=JUDGED,
        documents=documents_before("minhash_dedup"),
    output:
        signatures_file=handed_on(f"{RESULTS}/minhash_dedup/signatures/part-{{shard}}.arrow"),
        output=handed_on(f"{RESULTS}/minhash_dedup/map/part-{{shard}}.arrow"),
    log:
        f"{LOGS}/minhash_dedup/map-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/minhash_dedup/map-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("minhash_dedup", section=CFG.minhash_dedup.for_pairs(), partitions=PARTITIONS),
    shell:
        job("minhash_dedup", "map", writes="signatures_file output")


rule minhash_dedup_lookup:
    input:
        [path for index in EARLIER_DOCUMENTS for path in index.files(what="bands")],
        barrier=crossing("minhash_dedup/map"),
    output:
        output=handed_on(f"{RESULTS}/minhash_dedup/lookup/part-{{partition}}.arrow", made=EARLIER_DOCUMENTS),
    log:
        f"{LOGS}/minhash_dedup/lookup-{{partition}}.log",
    benchmark:
        f"{BENCHMARKS}/minhash_dedup/lookup-{{partition}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("minhash_dedup", section=CFG.minhash_dedup.for_looking_up(), partitions=PARTITIONS),
    shell:
        job("minhash_dedup", "lookup")


rule minhash_dedup_held:
    input:
        [index.files([]) for index in EARLIER_DOCUMENTS],
    output:
        output=HELD_DOCUMENTS or f"{RESULTS}/minhash_dedup/held.arrow",
    log:
        f"{LOGS}/minhash_dedup/held.log",
    benchmark:
        f"{BENCHMARKS}/minhash_dedup/held.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("minhash_dedup", section=CFG.minhash_dedup.for_looking_up()),
    shell:
        job("minhash_dedup", "held", beside={"ledgers": quote(f"{RESULTS}/minhash_dedup/dropped")})


rule minhash_dedup_match:
    input:
        HELD_DOCUMENTS,
        [path for index in EARLIER_DOCUMENTS for path in index.files(what="sets")],
        judged=JUDGED,
        signatures_file=f"{RESULTS}/minhash_dedup/signatures/part-{{shard}}.arrow",
        members=f"{RESULTS}/minhash_dedup/map/part-{{shard}}.arrow",
        barrier=crossing("minhash_dedup/lookup", PARTITIONS),
    output:
        matches=handed_on(f"{RESULTS}/minhash_dedup/matches/part-{{shard}}.arrow", made=EARLIER_DOCUMENTS),
        output=handed_on(f"{RESULTS}/minhash_dedup/unmatched/part-{{shard}}.arrow", made=EARLIER_DOCUMENTS),
    log:
        f"{LOGS}/minhash_dedup/match-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/minhash_dedup/match-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec(
            "minhash_dedup",
            section=CFG.minhash_dedup.for_looking_up(),
            shards=SHARDS,
            partitions=PARTITIONS,
        ),
    shell:
        job("minhash_dedup", "match", writes="matches output")


rule minhash_dedup_pairs:
    input:
        barrier=crossing("minhash_dedup/unmatched" if EARLIER_DOCUMENTS else "minhash_dedup/map"),
    output:
        output=handed_on(f"{RESULTS}/minhash_dedup/pairs/part-{{partition}}.arrow"),
        collapsed=handed_on(f"{RESULTS}/minhash_dedup/collapsed/part-{{partition}}.arrow"),
    log:
        f"{LOGS}/minhash_dedup/pairs-{{partition}}.log",
    benchmark:
        f"{BENCHMARKS}/minhash_dedup/pairs-{{partition}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("minhash_dedup", section=CFG.minhash_dedup.for_pairs(), partitions=PARTITIONS),
    shell:
        job("minhash_dedup", "pairs", writes="output collapsed")


rule minhash_dedup_sets:
    input:
        judged=JUDGED,
        signatures_file=f"{RESULTS}/minhash_dedup/signatures/part-{{shard}}.arrow",
        barrier=crossing("minhash_dedup/pairs", PARTITIONS),
    output:
        output=handed_on(f"{RESULTS}/minhash_dedup/sets/part-{{shard}}.arrow"),
    log:
        f"{LOGS}/minhash_dedup/sets-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/minhash_dedup/sets-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("minhash_dedup", section=CFG.minhash_dedup.for_pairs(), shards=SHARDS),
    shell:
        job("minhash_dedup", "sets")


rule minhash_dedup_verify:
    input:
        judged=JUDGED,
        signatures_file=f"{RESULTS}/minhash_dedup/signatures/part-{{shard}}.arrow",
        barrier=crossing("minhash_dedup/sets"),
    output:
        output=handed_on(f"{RESULTS}/minhash_dedup/edges/part-{{shard}}.arrow"),
    log:
        f"{LOGS}/minhash_dedup/verify-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/minhash_dedup/verify-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("minhash_dedup", section=CFG.minhash_dedup.for_comparing()),
    shell:
        job("minhash_dedup", "verify")


rule minhash_dedup_resolve:
    input:
        edges=crossing("minhash_dedup/edges"),
        collapsed=crossing("minhash_dedup/collapsed", PARTITIONS),
    output:
        output=handed_on(f"{RESULTS}/minhash_dedup/verdicts.arrow"),
    log:
        f"{LOGS}/minhash_dedup/resolve.log",
    benchmark:
        f"{BENCHMARKS}/minhash_dedup/resolve.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("minhash_dedup", section=CFG.minhash_dedup.for_comparing(), shards=SHARDS),
    shell:
        job("minhash_dedup", "resolve")


rule minhash_dedup_audit:
    input:
        judged=JUDGED,
        signatures_file=f"{RESULTS}/minhash_dedup/signatures/part-{{shard}}.arrow",
        barrier=crossing("minhash_dedup/signatures"),
        verdicts=f"{RESULTS}/minhash_dedup/verdicts.arrow",
        matches=MATCHED,
    output:
        output=handed_on(f"{RESULTS}/minhash_dedup/audit/part-{{shard}}.arrow", made=CFG.minhash_dedup.audit_sample),
    log:
        f"{LOGS}/minhash_dedup/audit-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/minhash_dedup/audit-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("minhash_dedup", shards=SHARDS),
    shell:
        job("minhash_dedup", "audit")


rule minhash_dedup_apply:
    input:
        judged=JUDGED,
        documents=documents_before("minhash_dedup"),
        verdicts=f"{RESULTS}/minhash_dedup/verdicts.arrow",
        sets=f"{RESULTS}/minhash_dedup/sets/part-{{shard}}.arrow",
        edges=f"{RESULTS}/minhash_dedup/edges/part-{{shard}}.arrow",
        matches=MATCHED,
        audit=crossing("minhash_dedup/audit") if CFG.minhash_dedup.audit_sample else [],
    output:
        **outcome("minhash_dedup"),
    log:
        f"{LOGS}/minhash_dedup/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/minhash_dedup/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("minhash_dedup", section=CFG.minhash_dedup.for_comparing(), shards=SHARDS),
    shell:
        job("minhash_dedup", "apply", writes=OUTCOME)


rule minhash_dedup_index_part:
    input:
        judged=JUDGED,
        documents=documents_of("minhash_dedup"),
    output:
        bands=f"{RESULTS}/minhash_dedup/index/bands-{{shard}}.arrow",
        sets=f"{RESULTS}/minhash_dedup/index/sets-{{shard}}.arrow",
    log:
        f"{LOGS}/minhash_dedup/index-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/minhash_dedup/index-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("minhash_dedup", section=CFG.minhash_dedup.for_comparing(), partitions=PARTITIONS),
    shell:
        job("minhash_dedup", "index", writes="bands sets")


rule minhash_dedup_index:
    input:
        parts(f"{RESULTS}/minhash_dedup/index/bands-{{shard}}.arrow"),
        parts(f"{RESULTS}/minhash_dedup/index/sets-{{shard}}.arrow"),
    output:
        output=f"{RESULTS}/minhash_dedup/index/index.json",
    log:
        f"{LOGS}/minhash_dedup/index.log",
    benchmark:
        f"{BENCHMARKS}/minhash_dedup/index.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("minhash_dedup", section=CFG.minhash_dedup.for_comparing(), shards=SHARDS, partitions=PARTITIONS),
    shell:
        job("minhash_dedup", "describe")
