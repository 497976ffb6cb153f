# What language each document is in.
#
# Input: the documents of the stage before, and a fastText file where one is configured: replacing it labels again.
# Output: <results>/language_id/{documents,dropped,stats}/part-*.

MODEL = [CFG.language_id.model] if CFG.language_id.model else []


rule language_id_apply:
    input:
        ancient(MODEL),
        documents=documents_before("language_id"),
    output:
        **outcome("language_id"),
    log:
        f"{LOGS}/language_id/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/language_id/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("language_id", given=given(*MODEL)),
    shell:
        job("language_id", "apply", writes=OUTCOME)
