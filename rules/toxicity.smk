# Count the entries of word lists, show whom a bound on them would drop, and drop by choice.
#
# Input: the documents of the stage before and the lists, so that a changed list counts again.
# Output: <results>/toxicity/{documents,dropped,scores,entries,stats}/part-*, and of all shards retention.parquet (documents
#        with hits, and beyond each bound, by language and source) and entries.parquet (how often each entry was found).
# Steps: score → apply, report. Usual steps: move a bound in config.yaml; only the last two and what follows run again.

WORD_LISTS = CFG.toxicity.files if "toxicity" in PIPELINE else []


rule toxicity_score:
    input:
        ancient(WORD_LISTS),
        documents=documents_before("toxicity"),
    output:
        scores=f"{RESULTS}/toxicity/scores/part-{{shard}}.parquet",
        entries=f"{RESULTS}/toxicity/entries/part-{{shard}}.parquet",
    log:
        f"{LOGS}/toxicity/score-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/toxicity/score-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("toxicity", section=CFG.toxicity.for_scoring(), given=given(*WORD_LISTS)),
    shell:
        job("toxicity", "score", writes="scores entries")


rule toxicity_apply:
    input:
        documents=documents_before("toxicity"),
        scores=f"{RESULTS}/toxicity/scores/part-{{shard}}.parquet",
    output:
        **outcome("toxicity"),
    log:
        f"{LOGS}/toxicity/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/toxicity/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("toxicity", section=CFG.toxicity.for_documents()),
    shell:
        job("toxicity", "apply", writes=OUTCOME)


rule toxicity_report:
    input:
        scores=crossing("toxicity/scores", suffix=".parquet"),
        entries=crossing("toxicity/entries", suffix=".parquet"),
    output:
        retention=f"{RESULTS}/toxicity/retention.parquet",
        found=f"{RESULTS}/toxicity/entries.parquet",
    log:
        f"{LOGS}/toxicity/report.log",
    benchmark:
        f"{BENCHMARKS}/toxicity/report.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("toxicity"),
    shell:
        job("toxicity", "report", writes="retention found")
