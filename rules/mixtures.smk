# Choose and write the sets: the validation split first, then annealing sets, then mixtures.
#
# Input: the token index and the documents of the tokenizer stage.
# Output: <results>/validation, annealing/<name> and mixtures/<name>, each with plan.parquet, documents, stats, summary.json.
#         Nothing in them depends on the number of shards; what does lies in <results>/sampling/<set>.
# Usual steps: plan (one job a set; sees every shard's index) → select (shards to the set's files) → write → summary.


include: "sets.smk"


for folder in SUBSETS:
    crossing(f"sampling/{folder}/select")


rule validation_plan:
    input:
        index=crossing("tokenizer/index"),
    output:
        plan=f"{RESULTS}/validation/plan.parquet",
        choice=f"{SAMPLING}/validation/choice.arrow",
    log:
        f"{LOGS}/validation/plan.log",
    benchmark:
        f"{BENCHMARKS}/validation/plan.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        spec=lambda wildcards: spec("validation", shards=SHARDS),
    shell:
        "python -m tamis.job validation plan --params {params.spec:q} index={input.index:q}"
        " plan={output.plan:q} choice={output.choice:q} > {log:q} 2>&1"


rule annealing_plan:
    input:
        index=crossing("tokenizer/index"),
        excluded=lambda wildcards: excluded_choices("annealing", wildcards.annealing),
    output:
        plan=f"{RESULTS}/annealing/{{annealing}}/plan.parquet",
        choice=f"{SAMPLING}/annealing/{{annealing}}/choice.arrow",
    log:
        f"{LOGS}/annealing/{{annealing}}/plan.log",
    benchmark:
        f"{BENCHMARKS}/annealing/{{annealing}}/plan.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        spec=lambda wildcards: spec_named(
            "annealing",
            wildcards.annealing,
            shards=SHARDS,
            excluded=excluded("annealing", wildcards.annealing),
        ),
    shell:
        "python -m tamis.job annealing plan --params {params.spec:q} index={input.index:q}"
        " plan={output.plan:q} choice={output.choice:q} > {log:q} 2>&1"


rule mixtures_plan:
    input:
        index=crossing("tokenizer/index"),
        excluded=lambda wildcards: excluded_choices("mixtures", wildcards.mixture),
    output:
        plan=f"{RESULTS}/mixtures/{{mixture}}/plan.parquet",
        choice=f"{SAMPLING}/mixtures/{{mixture}}/choice.arrow",
    log:
        f"{LOGS}/mixtures/{{mixture}}/plan.log",
    benchmark:
        f"{BENCHMARKS}/mixtures/{{mixture}}/plan.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        spec=lambda wildcards: spec_named(
            "mixtures",
            wildcards.mixture,
            shards=SHARDS,
            excluded=excluded("mixtures", wildcards.mixture),
        ),
    shell:
        "python -m tamis.job mixtures plan --params {params.spec:q} index={input.index:q}"
        " plan={output.plan:q} choice={output.choice:q} > {log:q} 2>&1"


rule subset_select:
    input:
        documents=f"{RESULTS}/tokenizer/documents/part-{{shard}}.parquet",
        choice=f"{SAMPLING}/{{subset}}/choice.arrow",
    output:
        # Gone once the summary, which names them, has been written.
        rows=temp(f"{SAMPLING}/{{subset}}/select/part-{{shard}}.arrow"),
    log:
        f"{LOGS}/{{subset}}/select-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/{{subset}}/select-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=lambda wildcards: subset_spec(wildcards.subset, shards=SHARDS),
    shell:
        "python -m tamis.job subset select --params {params.spec:q} shard={wildcards.shard}"
        " documents={input.documents:q} choice={input.choice:q} output={output.rows:q} > {log:q} 2>&1"


rule subset_write:
    input:
        barrier=f"{SAMPLING}/{{subset}}/select/barrier.json",
    output:
        documents=f"{RESULTS}/{{subset}}/documents/part-{{file}}.parquet",
        stats=f"{RESULTS}/{{subset}}/stats/part-{{file}}.json",
    log:
        f"{LOGS}/{{subset}}/write-{{file}}.log",
    benchmark:
        f"{BENCHMARKS}/{{subset}}/write-{{file}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        spec=lambda wildcards: subset_spec(wildcards.subset),
    shell:
        "python -m tamis.job subset write --params {params.spec:q} file={wildcards.file}"
        " barrier={input.barrier:q} documents={output.documents:q} stats={output.stats:q} > {log:q} 2>&1"


rule subset_summary:
    input:
        plan=f"{RESULTS}/{{subset}}/plan.parquet",
        documents=lambda wildcards: subset_files(
            wildcards.subset,
            f"{RESULTS}/{wildcards.subset}/documents/part-{{file}}.parquet",
        ),
        stats=lambda wildcards: subset_files(
            wildcards.subset, f"{RESULTS}/{wildcards.subset}/stats/part-{{file}}.json"
        ),
        rows=parts(f"{SAMPLING}/{{subset}}/select/part-{{shard}}.arrow"),
    output:
        summary=f"{RESULTS}/{{subset}}/summary.json",
    log:
        f"{LOGS}/{{subset}}/summary.log",
    benchmark:
        f"{BENCHMARKS}/{{subset}}/summary.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        spec=lambda wildcards: subset_spec(wildcards.subset),
    shell:
        "python -m tamis.job subset summary --params {params.spec:q} plan={input.plan:q}"
        " summary={output.summary:q} > {log:q} 2>&1"


localrules:
    validation,
    annealing,
    mixtures,


rule validation:
    input:
        subset_outputs("validation"),


rule annealing:
    input:
        subset_outputs("annealing"),


rule mixtures:
    input:
        subset_outputs("mixtures"),
