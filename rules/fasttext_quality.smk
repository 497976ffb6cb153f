# Coarse quality: fastText, trained in the run.
#
# Input: the documents of the stage before. Output: <results>/fasttext_quality/{documents,dropped,scores,stats}/part-*,
#        and beside them the classifier (model.bin) and its card (card.md).
# Steps: label → train (one job) → score → threshold (one job) → apply; moving a threshold runs the last two.


rule fasttext_quality_label:
    input:
        documents=documents_before("fasttext_quality"),
    output:
        output=f"{RESULTS}/fasttext_quality/labels/part-{{shard}}.arrow",
    log:
        f"{LOGS}/fasttext_quality/label-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/fasttext_quality/label-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("fasttext_quality", section=CFG.fasttext_quality.for_scoring()),
    shell:
        job("fasttext_quality", "label")


rule fasttext_quality_train:
    input:
        ancient(CFG.fasttext_quality.labels.paths()),
        barrier=crossing("fasttext_quality/labels"),
    output:
        model=f"{RESULTS}/fasttext_quality/model.bin",
        card=f"{RESULTS}/fasttext_quality/card.json",
        card_text=f"{RESULTS}/fasttext_quality/card.md",
    log:
        f"{LOGS}/fasttext_quality/train.log",
    benchmark:
        f"{BENCHMARKS}/fasttext_quality/train.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec(
            "fasttext_quality",
            section=CFG.fasttext_quality.for_scoring(),
            given=given(*CFG.fasttext_quality.labels.paths()),
        ),
    shell:
        job("fasttext_quality", "train", writes="model card card_text")


rule fasttext_quality_score:
    input:
        documents=documents_before("fasttext_quality"),
        model=f"{RESULTS}/fasttext_quality/model.bin",
        card=f"{RESULTS}/fasttext_quality/card.json",
    output:
        scores=f"{RESULTS}/fasttext_quality/scores/part-{{shard}}.parquet",
    log:
        f"{LOGS}/fasttext_quality/score-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/fasttext_quality/score-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("fasttext_quality", section=CFG.fasttext_quality.for_scoring()),
    shell:
        job("fasttext_quality", "score", writes="scores")


rule fasttext_quality_threshold:
    input:
        barrier=crossing("fasttext_quality/scores", suffix=".parquet"),
    output:
        output=f"{RESULTS}/fasttext_quality/thresholds.json",
    log:
        f"{LOGS}/fasttext_quality/threshold.log",
    benchmark:
        f"{BENCHMARKS}/fasttext_quality/threshold.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("fasttext_quality"),
    shell:
        job("fasttext_quality", "threshold")


rule fasttext_quality_apply:
    input:
        documents=documents_before("fasttext_quality"),
        scores=f"{RESULTS}/fasttext_quality/scores/part-{{shard}}.parquet",
        thresholds=f"{RESULTS}/fasttext_quality/thresholds.json",
    output:
        **outcome("fasttext_quality"),
    log:
        f"{LOGS}/fasttext_quality/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/fasttext_quality/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("fasttext_quality"),
    shell:
        job("fasttext_quality", "apply", writes=OUTCOME)
