# Keep one capture of each URL; captures share their home shard, so nothing crosses.
#
# Input: the documents of the stage before, and what earlier runs kept (`against`). Output:
# <results>/url_dedup/{documents,dropped,stats}/part-*; index/ for later runs; held.arrow, what the run before dropped for
# earlier ones, which is noted before it is written again.

from shlex import quote

HELD_PAGES = f"{RESULTS}/url_dedup/held.arrow" if EARLIER_PAGES else []


rule url_dedup_held:
    input:
        [index.files([]) for index in EARLIER_PAGES],
    output:
        output=HELD_PAGES or f"{RESULTS}/url_dedup/held.arrow",
    log:
        f"{LOGS}/url_dedup/held.log",
    benchmark:
        f"{BENCHMARKS}/url_dedup/held.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("url_dedup", section=CFG.url_dedup.for_documents()),
    shell:
        job("url_dedup", "held", beside={"ledgers": quote(f"{RESULTS}/url_dedup/dropped")})


rule url_dedup_apply:
    input:
        HELD_PAGES,
        lambda wildcards: [
            path for index in EARLIER_PAGES for path in index.files(index.meeting(int(wildcards.shard), SHARDS))
        ],
        documents=documents_before("url_dedup"),
    output:
        **outcome("url_dedup"),
    log:
        f"{LOGS}/url_dedup/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/url_dedup/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("url_dedup", section=CFG.url_dedup.for_documents(), shards=SHARDS),
    shell:
        job("url_dedup", "apply", writes=OUTCOME)


rule url_dedup_index_part:
    input:
        documents=documents_of("url_dedup"),
    output:
        output=f"{RESULTS}/url_dedup/index/part-{{shard}}.arrow",
    log:
        f"{LOGS}/url_dedup/index-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/url_dedup/index-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("url_dedup", section=CFG.url_dedup.for_documents()),
    shell:
        job("url_dedup", "index")


rule url_dedup_index:
    input:
        parts=crossing("url_dedup/index"),
    output:
        output=f"{RESULTS}/url_dedup/index/index.json",
    log:
        f"{LOGS}/url_dedup/index.log",
    benchmark:
        f"{BENCHMARKS}/url_dedup/index.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("url_dedup", section=CFG.url_dedup.for_documents()),
    shell:
        job("url_dedup", "describe")
