# Choose and write the sets: the validation split first, then annealing sets, then mixtures.
#
# Input: the token index and the documents of the tokenizer stage.
# Output: <results>/validation, annealing/<name> and mixtures/<name>, each with plan.parquet, documents, stats, summary.json.
#         Nothing in them depends on the number of shards; what does lies in <results>/sampling/<set>.
# Steps: plan (one job a set; sees every shard's index; for validation sample → grams → compare → plan, because what
#        overlaps it is kept apart) → select (shards to the set's files) → write → summary.

for folder in SETS:
    crossing(f"sampling/{folder}/select")


rule validation_sample:
    input:
        index=crossing("tokenizer/index"),
    output:
        plan=f"{SAMPLING}/validation/sampled.parquet",
        choice=f"{SAMPLING}/validation/sample.arrow",
    log:
        f"{LOGS}/validation/sample.log",
    benchmark:
        f"{BENCHMARKS}/validation/sample.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("validation", shards=SHARDS),
    shell:
        job("validation", "sample", writes="plan choice")


rule validation_grams:
    input:
        documents=documents_of("tokenizer"),
        sample=f"{SAMPLING}/validation/sample.arrow",
    output:
        output=f"{SAMPLING}/validation/grams/part-{{shard}}.arrow",
    log:
        f"{LOGS}/validation/grams-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/validation/grams-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("validation", shards=SHARDS),
    shell:
        job("validation", "grams")


rule validation_compare:
    input:
        documents=documents_of("tokenizer"),
        sample=f"{SAMPLING}/validation/sample.arrow",
        barrier=crossing("sampling/validation/grams"),
    output:
        ledger=f"{SAMPLING}/validation/overlaps/part-{{shard}}.arrow",
        output=f"{SAMPLING}/validation/seen/part-{{shard}}.arrow",
    log:
        f"{LOGS}/validation/compare-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/validation/compare-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("validation", shards=SHARDS),
    shell:
        job("validation", "compare", writes="ledger output")


rule validation_plan:
    input:
        index=crossing("tokenizer/index"),
        sampled=f"{SAMPLING}/validation/sampled.parquet",
        sample=f"{SAMPLING}/validation/sample.arrow",
        grams=crossing("sampling/validation/grams"),
        ledgers=crossing("sampling/validation/overlaps"),
        seen=crossing("sampling/validation/seen"),
    output:
        plan=f"{RESULTS}/validation/plan.parquet",
        choice=f"{SAMPLING}/validation/choice.arrow",
        apart_choice=f"{SAMPLING}/validation/apart.arrow",
        apart_ledger=f"{RESULTS}/validation/apart.parquet",
    log:
        f"{LOGS}/validation/plan.log",
    benchmark:
        f"{BENCHMARKS}/validation/plan.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("validation", shards=SHARDS),
    shell:
        job("validation", "plan", writes="plan choice apart_choice apart_ledger")


rule annealing_plan:
    input:
        choices_before,
        index=crossing("tokenizer/index"),
    output:
        plan=f"{RESULTS}/{{subset}}/plan.parquet",
        choice=f"{SAMPLING}/{{subset}}/choice.arrow",
    log:
        f"{LOGS}/{{subset}}/plan.log",
    benchmark:
        f"{BENCHMARKS}/{{subset}}/plan.tsv"
    wildcard_constraints:
        subset=r"annealing/\w+",
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("annealing", each=lambda wildcards: SETS[wildcards.subset].plan_params(), shards=SHARDS),
    shell:
        job("annealing", "plan", writes="plan choice")


rule mixtures_plan:
    input:
        choices_before,
        index=crossing("tokenizer/index"),
    output:
        plan=f"{RESULTS}/{{subset}}/plan.parquet",
        choice=f"{SAMPLING}/{{subset}}/choice.arrow",
    log:
        f"{LOGS}/{{subset}}/plan.log",
    benchmark:
        f"{BENCHMARKS}/{{subset}}/plan.tsv"
    wildcard_constraints:
        subset=r"mixtures/\w+",
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("mixtures", each=lambda wildcards: SETS[wildcards.subset].plan_params(), shards=SHARDS),
    shell:
        job("mixtures", "plan", writes="plan choice")


rule subset_select:
    input:
        documents=documents_of("tokenizer"),
        choice=f"{SAMPLING}/{{subset}}/choice.arrow",
    output:
        # Gone once the summary, which names them, has been written.
        output=temp(f"{SAMPLING}/{{subset}}/select/part-{{shard}}.arrow"),
    log:
        f"{LOGS}/{{subset}}/select-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/{{subset}}/select-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("subset", each=lambda wildcards: SETS[wildcards.subset].layout_params(), shards=SHARDS),
    shell:
        job("subset", "select")


rule subset_write:
    input:
        barrier=lambda wildcards: awaited(f"sampling/{wildcards.subset}/select"),
    output:
        documents=f"{RESULTS}/{{subset}}/documents/part-{{file}}.parquet",
        stats=f"{RESULTS}/{{subset}}/stats/part-{{file}}.json",
    log:
        f"{LOGS}/{{subset}}/write-{{file}}.log",
    benchmark:
        f"{BENCHMARKS}/{{subset}}/write-{{file}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("subset", each=lambda wildcards: SETS[wildcards.subset].layout_params()),
    shell:
        job("subset", "write", writes="documents stats")


rule subset_summary:
    input:
        files_of_set(f"{RESULTS}/{{subset}}/documents/part-{{file}}.parquet"),
        files_of_set(f"{RESULTS}/{{subset}}/stats/part-{{file}}.json"),
        parts(f"{SAMPLING}/{{subset}}/select/part-{{shard}}.arrow"),
        plan=f"{RESULTS}/{{subset}}/plan.parquet",
    output:
        summary=f"{RESULTS}/{{subset}}/summary.json",
    log:
        f"{LOGS}/{{subset}}/summary.log",
    benchmark:
        f"{BENCHMARKS}/{{subset}}/summary.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("subset", each=lambda wildcards: SETS[wildcards.subset].layout_params()),
    shell:
        job("subset", "summary", writes="summary")
