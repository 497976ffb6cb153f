# Remove what was asked to be removed: lists of URLs, domains, ids and hashes.
#
# Input: the documents of the stage before and the lists, so that a changed list runs everything after it again.
# Output: <results>/remove/{documents,dropped,stats}/part-*; stood_for/part-*.arrow, of an earlier run's ledgers.

from shlex import quote

# Not inputs: those of an earlier run are looked at, if there was one, before the stages behind write them again.
BEHIND_REMOVE = PIPELINE[PIPELINE.index("remove") + 1 :] if "remove" in PIPELINE else []
LEDGERS_BEHIND = " ".join(
    quote(outcome(stage)["dropped"].replace("{shard}", "{wildcards.shard}")) for stage in BEHIND_REMOVE
)


rule remove_apply:
    input:
        ancient(CFG.remove.files),
        documents=documents_before("remove"),
    output:
        **outcome("remove"),
        stood=f"{RESULTS}/remove/stood_for/part-{{shard}}.arrow",
    log:
        f"{LOGS}/remove/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/remove/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("remove", given=given(*CFG.remove.files)),
    shell:
        job("remove", "apply", writes=f"{OUTCOME} stood", beside={"earlier": LEDGERS_BEHIND, "shards": str(SHARDS)})
