# Train (or take) the tokenizer and count the tokens of every document of the pool.
#
# Input: the documents of the last stage of `pipeline`.
# Output: <results>/tokenizer/{tokenizer.json,training.json}, documents, dropped (empty), stats,
#         index/ (what the plans of mixtures, annealing sets and the validation split read).
# Usual steps: sample → barrier → train → count → index barrier. With tokenizer.file: given → count → index barrier.


if CFG.tokenizer is not None and CFG.tokenizer.file is not None:

    rule tokenizer_given:
        input:
            given=CFG.tokenizer.file,
        output:
            model=f"{RESULTS}/tokenizer/tokenizer.json",
            report=f"{RESULTS}/tokenizer/training.json",
        log:
            f"{LOGS}/tokenizer/given.log",
        benchmark:
            f"{BENCHMARKS}/tokenizer/given.tsv"
        conda:
            "../envs/cpu.yaml"
        threads: 1
        resources:
            mem_mb=1000,
            runtime=10,
        params:
            spec=lambda wildcards: spec("tokenizer"),
        shell:
            "python -m tamis.job tokenizer given --params {params.spec:q} given={input.given:q}"
            " output={output.model:q} report={output.report:q} > {log:q} 2>&1"

else:

    rule tokenizer_sample:
        input:
            documents=POOL_DOCUMENTS,
        output:
            sample=temp(f"{RESULTS}/tokenizer/sample/part-{{shard}}.arrow"),
        log:
            f"{LOGS}/tokenizer/sample-{{shard}}.log",
        benchmark:
            f"{BENCHMARKS}/tokenizer/sample-{{shard}}.tsv"
        conda:
            "../envs/cpu.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=30,
        params:
            spec=lambda wildcards: spec("tokenizer"),
        shell:
            "python -m tamis.job tokenizer sample --params {params.spec:q}"
            " documents={input.documents:q} output={output.sample:q} > {log:q} 2>&1"

    rule tokenizer_train:
        input:
            barrier=crossing("tokenizer/sample"),
            # Named so that the samples live until they have been read.
            samples=parts(f"{RESULTS}/tokenizer/sample/part-{{shard}}.arrow"),
        output:
            model=f"{RESULTS}/tokenizer/tokenizer.json",
            report=f"{RESULTS}/tokenizer/training.json",
        log:
            f"{LOGS}/tokenizer/train.log",
        benchmark:
            f"{BENCHMARKS}/tokenizer/train.tsv"
        conda:
            "../envs/cpu.yaml"
        threads: 2
        resources:
            mem_mb=3000,
            runtime=60,
        params:
            spec=lambda wildcards: spec("tokenizer"),
        shell:
            "python -m tamis.job tokenizer train --params {params.spec:q} threads={threads}"
            " barrier={input.barrier:q} output={output.model:q} report={output.report:q} > {log:q} 2>&1"


rule tokenizer_count:
    input:
        documents=POOL_DOCUMENTS,
        model=f"{RESULTS}/tokenizer/tokenizer.json",
    output:
        kept=f"{RESULTS}/tokenizer/documents/part-{{shard}}.parquet",
        dropped=f"{RESULTS}/tokenizer/dropped/part-{{shard}}.parquet",
        stats=f"{RESULTS}/tokenizer/stats/part-{{shard}}.json",
        index=f"{RESULTS}/tokenizer/index/part-{{shard}}.arrow",
    log:
        f"{LOGS}/tokenizer/count-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/tokenizer/count-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=120,
    params:
        spec=lambda wildcards: spec("tokenizer"),
    shell:
        "python -m tamis.job tokenizer count --params {params.spec:q} shard={wildcards.shard}"
        " documents={input.documents:q} model={input.model:q} kept={output.kept:q} dropped={output.dropped:q}"
        " stats={output.stats:q} index={output.index:q} > {log:q} 2>&1"


localrules:
    tokenizer,


rule tokenizer:
    input:
        parts(f"{RESULTS}/tokenizer/documents/part-{{shard}}.parquet"),
