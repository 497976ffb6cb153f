# Coarse quality: a linear model on hashed words and pairs of words, trained in the run; not in the default pipeline.
#
# Input: the documents of the stage before. Output: <results>/linear_quality/{documents,dropped,scores,stats}/part-*,
#        and beside them the classifier (model.safetensors) and its card (card.md).
# Steps: label → train (one job) → score → threshold (one job) → apply; moving a threshold runs the last two.


rule linear_quality_label:
    input:
        documents=documents_before("linear_quality"),
    output:
        output=f"{RESULTS}/linear_quality/labels/part-{{shard}}.arrow",
    log:
        f"{LOGS}/linear_quality/label-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/linear_quality/label-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("linear_quality", section=CFG.linear_quality.for_scoring()),
    shell:
        job("linear_quality", "label")


rule linear_quality_train:
    input:
        ancient(CFG.linear_quality.labels.paths()),
        barrier=crossing("linear_quality/labels"),
    output:
        model=f"{RESULTS}/linear_quality/model.safetensors",
        card=f"{RESULTS}/linear_quality/card.json",
        card_text=f"{RESULTS}/linear_quality/card.md",
    log:
        f"{LOGS}/linear_quality/train.log",
    benchmark:
        f"{BENCHMARKS}/linear_quality/train.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec(
            "linear_quality",
            section=CFG.linear_quality.for_scoring(),
            given=given(*CFG.linear_quality.labels.paths()),
        ),
    shell:
        job("linear_quality", "train", writes="model card card_text")


rule linear_quality_score:
    input:
        documents=documents_before("linear_quality"),
        model=f"{RESULTS}/linear_quality/model.safetensors",
        card=f"{RESULTS}/linear_quality/card.json",
    output:
        scores=f"{RESULTS}/linear_quality/scores/part-{{shard}}.parquet",
    log:
        f"{LOGS}/linear_quality/score-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/linear_quality/score-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("linear_quality", section=CFG.linear_quality.for_scoring()),
    shell:
        job("linear_quality", "score", writes="scores")


rule linear_quality_threshold:
    input:
        barrier=crossing("linear_quality/scores", suffix=".parquet"),
    output:
        output=f"{RESULTS}/linear_quality/thresholds.json",
    log:
        f"{LOGS}/linear_quality/threshold.log",
    benchmark:
        f"{BENCHMARKS}/linear_quality/threshold.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("linear_quality"),
    shell:
        job("linear_quality", "threshold")


rule linear_quality_apply:
    input:
        documents=documents_before("linear_quality"),
        scores=f"{RESULTS}/linear_quality/scores/part-{{shard}}.parquet",
        thresholds=f"{RESULTS}/linear_quality/thresholds.json",
    output:
        **outcome("linear_quality"),
    log:
        f"{LOGS}/linear_quality/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/linear_quality/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("linear_quality"),
    shell:
        job("linear_quality", "apply", writes=OUTCOME)
