# Put placeholders in the place of what is private: addresses, numbers of persons and cards, keys.
#
# Input: the documents of the stage before. Output: <results>/privacy/{documents,dropped,edits,stats}/part-*.


rule privacy_apply:
    input:
        ancient(CFG.privacy.local_files()),
        documents=documents_before("privacy"),
    output:
        **outcome("privacy", "edits"),
    log:
        f"{LOGS}/privacy/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/privacy/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("privacy", given=given(*CFG.privacy.local_files()), versions=CFG.privacy.versions()),
    shell:
        job("privacy", "apply", writes=f"{OUTCOME} edits")
