# By what a person questions the results: counts, manifest, DuckDB views, the page.
#
# Input: the stats of every stage, the sets and exports.
# Output: <results>/{layout.json,stats.parquet,notes.parquet,manifest.json,tamis.duckdb},
#         report/{index.html,waterfall.svg,alarms.json}.
# Steps: layout (first of all, so that an unfinished run can be questioned) -> stats -> manifest -> database, page.

REPORT_STAGES = ["ingest", *PIPELINE, *(["tokenizer"] if CFG.tokenizer else [])]
# A set or export is whole when the file that adds it up is there.
DELIVERED = [f"{RESULTS}/{name}/summary.json" for name in SUBSETS]
DELIVERED += [f"{RESULTS}/export/{name}/export.json" for name in EXPORTS]
FINAL = [
    *DELIVERED,
    f"{RESULTS}/tamis.duckdb",
    f"{RESULTS}/report/index.html",
    *MINHASH_DEDUP_INDEX,
    *([f"{RESULTS}/report/checked.json"] if CFG.report.alarms_fatal else []),
]


rule report_layout:
    output:
        layout=f"{RESULTS}/layout.json",
    log:
        f"{LOGS}/report/layout.log",
    benchmark:
        f"{BENCHMARKS}/report/layout.tsv"
    priority: 100
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        spec=spec(
            "layout",
            layout={
                "stages": REPORT_STAGES,
                "shards": SHARDS,
                "mixtures": list(MIXTURES),
                "annealing": list(ANNEALING),
                "exports": list(EXPORTS),
                "validation": CFG.validation is not None,
            },
        ),
    shell:
        "python -m tamis.job layout write --params {params.spec:q} output={output.layout:q} > {log:q} 2>&1"


rule report_stats:
    input:
        layout=f"{RESULTS}/layout.json",
        stats=[
            path
            for stage in REPORT_STAGES
            for path in parts(f"{RESULTS}/{stage}/stats/part-{{shard}}.json")
        ],
    output:
        table=f"{RESULTS}/stats.parquet",
        notes=f"{RESULTS}/notes.parquet",
    log:
        f"{LOGS}/report/stats.log",
    benchmark:
        f"{BENCHMARKS}/report/stats.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        spec=spec("tables"),
    shell:
        "python -m tamis.job tables stats --params {params.spec:q} layout={input.layout:q}"
        " table={output.table:q} notes={output.notes:q} > {log:q} 2>&1"


rule report_manifest:
    input:
        DELIVERED,
        layout=f"{RESULTS}/layout.json",
        table=f"{RESULTS}/stats.parquet",
    output:
        manifest=f"{RESULTS}/manifest.json",
    log:
        f"{LOGS}/report/manifest.log",
    benchmark:
        f"{BENCHMARKS}/report/manifest.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=120,
    params:
        spec=spec(
            "manifest",
            configuration=CFG.model_dump(mode="json"),
            versions={stage: find_module(stage).VERSION for stage in REPORT_STAGES},
        ),
    shell:
        "python -m tamis.job manifest write --params {params.spec:q} layout={input.layout:q}"
        " output={output.manifest:q} > {log:q} 2>&1"


rule report_database:
    input:
        DELIVERED,
        layout=f"{RESULTS}/layout.json",
        table=f"{RESULTS}/stats.parquet",
    output:
        database=f"{RESULTS}/tamis.duckdb",
    log:
        f"{LOGS}/report/database.log",
    benchmark:
        f"{BENCHMARKS}/report/database.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        spec=spec("database"),
    shell:
        "python -m tamis.job database views --params {params.spec:q} layout={input.layout:q}"
        " database={output.database:q} > {log:q} 2>&1"


rule report_page:
    input:
        layout=f"{RESULTS}/layout.json",
        table=f"{RESULTS}/stats.parquet",
        notes=f"{RESULTS}/notes.parquet",
        manifest=f"{RESULTS}/manifest.json",
    output:
        page=f"{RESULTS}/report/index.html",
        picture=f"{RESULTS}/report/waterfall.svg",
        alarms=f"{RESULTS}/report/alarms.json",
    log:
        f"{LOGS}/report/page.log",
    benchmark:
        f"{BENCHMARKS}/report/page.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        spec=spec("page", section=CFG.report.model_copy(update={"alarms_fatal": False})),
    shell:
        "python -m tamis.job page page --params {params.spec:q} layout={input.layout:q} page={output.page:q}"
        " picture={output.picture:q} alarms={output.alarms:q} > {log:q} 2>&1"


# A rule of its own, because Snakemake takes away what a failing job wrote, and the page must stay.
rule report_check:
    input:
        page=f"{RESULTS}/report/index.html",
        alarms=f"{RESULTS}/report/alarms.json",
    output:
        checked=f"{RESULTS}/report/checked.json",
    log:
        f"{LOGS}/report/check.log",
    benchmark:
        f"{BENCHMARKS}/report/check.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        spec=spec("page", section=CFG.report),
    shell:
        "python -m tamis.job page check --params {params.spec:q} alarms={input.alarms:q} page={input.page:q}"
        " output={output.checked:q} > {log:q} 2>&1"


localrules:
    report_layout,
    report_check,
    report,


rule report:
    input:
        f"{RESULTS}/tamis.duckdb",
        f"{RESULTS}/report/index.html",
