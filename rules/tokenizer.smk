# Train (or take) the tokenizer and count the tokens of every document of the pool.
#
# Input: the documents of the last stage of `pipeline`.
# Output: <results>/tokenizer/{tokenizer.json,training.json,documents,dropped,stats}, index/ (what the plans of sets read).
# Steps: sample (a shard) → train (one job) → count (a shard). With tokenizer.file: given (one job) → count.


if CFG.tokenizer is not None and CFG.tokenizer.file is not None:

    rule tokenizer_given:
        input:
            given=ancient(CFG.tokenizer.file),
        output:
            output=f"{RESULTS}/tokenizer/tokenizer.json",
            report=f"{RESULTS}/tokenizer/training.json",
        log:
            f"{LOGS}/tokenizer/given.log",
        benchmark:
            f"{BENCHMARKS}/tokenizer/given.tsv"
        conda:
            "../envs/cpu.yaml"
        params:
            spec=spec("tokenizer", given=given(CFG.tokenizer.file)),
        shell:
            job("tokenizer", "given", writes="output report")

else:

    rule tokenizer_sample:
        input:
            documents=documents_of(POOL),
        output:
            output=temp(f"{RESULTS}/tokenizer/sample/part-{{shard}}.arrow"),
        log:
            f"{LOGS}/tokenizer/sample-{{shard}}.log",
        benchmark:
            f"{BENCHMARKS}/tokenizer/sample-{{shard}}.tsv"
        conda:
            "../envs/cpu.yaml"
        params:
            spec=spec("tokenizer"),
        shell:
            job("tokenizer", "sample")

    rule tokenizer_train:
        input:
            # Named so that the samples live until they have been read.
            parts(f"{RESULTS}/tokenizer/sample/part-{{shard}}.arrow"),
            barrier=crossing("tokenizer/sample"),
        output:
            output=f"{RESULTS}/tokenizer/tokenizer.json",
            report=f"{RESULTS}/tokenizer/training.json",
        log:
            f"{LOGS}/tokenizer/train.log",
        benchmark:
            f"{BENCHMARKS}/tokenizer/train.tsv"
        conda:
            "../envs/cpu.yaml"
        threads: 2
        params:
            spec=spec("tokenizer"),
        shell:
            job("tokenizer", "train", writes="output report")


rule tokenizer_count:
    input:
        documents=documents_of(POOL),
        model=f"{RESULTS}/tokenizer/tokenizer.json",
        report=f"{RESULTS}/tokenizer/training.json",
    output:
        **outcome("tokenizer"),
        index=f"{RESULTS}/tokenizer/index/part-{{shard}}.arrow",
    log:
        f"{LOGS}/tokenizer/count-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/tokenizer/count-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    resources:
        runtime=120,
    params:
        spec=spec("tokenizer"),
    shell:
        job("tokenizer", "count", writes=f"{OUTCOME} index")
