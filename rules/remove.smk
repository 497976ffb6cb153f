# Remove what was asked to be removed: lists of URLs, domains, ids and hashes.
#
# Input: the documents of the stage before and the lists, so that a changed list runs everything after it again.
# Output: <results>/remove/{documents,dropped,stats}/part-*.


rule remove_apply:
    input:
        ancient(CFG.remove.files),
        documents=documents_before("remove"),
    output:
        **outcome("remove"),
    log:
        f"{LOGS}/remove/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/remove/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("remove", given=given(*CFG.remove.files)),
    shell:
        job("remove", "apply", writes=OUTCOME)
