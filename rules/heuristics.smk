# Rules of form: everything is measured, then held against thresholds.
#
# Input: the documents of the stage before. Output: <results>/heuristics/{documents,dropped,scores,stats}/part-*, and with
#        `thresholds: fitted` thresholds.json.
# Steps: score → fit (one job, where thresholds are fitted) → apply. Usual steps: move a threshold in config.yaml; only the
#        last two and what follows run again.

HEURISTICS_FITTED = CFG.heuristics.thresholds == "fitted"


rule heuristics_score:
    input:
        documents=documents_before("heuristics"),
    output:
        scores=f"{RESULTS}/heuristics/scores/part-{{shard}}.parquet",
    log:
        f"{LOGS}/heuristics/score-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/heuristics/score-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("heuristics", section=CFG.heuristics.for_scoring()),
    shell:
        job("heuristics", "score", writes="scores")


rule heuristics_fit:
    input:
        barrier=crossing("heuristics/scores", suffix=".parquet"),
    output:
        output=f"{RESULTS}/heuristics/thresholds.json",
    log:
        f"{LOGS}/heuristics/fit.log",
    benchmark:
        f"{BENCHMARKS}/heuristics/fit.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("heuristics"),
    shell:
        job("heuristics", "fit")


rule heuristics_apply:
    input:
        documents=documents_before("heuristics"),
        scores=f"{RESULTS}/heuristics/scores/part-{{shard}}.parquet",
        thresholds=(f"{RESULTS}/heuristics/thresholds.json" if HEURISTICS_FITTED else []),
    output:
        **outcome("heuristics"),
    log:
        f"{LOGS}/heuristics/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/heuristics/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("heuristics"),
    shell:
        job("heuristics", "apply", writes=OUTCOME)
