# By what a person questions the results: counts, manifest, DuckDB views, the page.
#
# Input: the stats of every stage, the sets and exports.
# Output: <results>/{layout.json,stats.parquet,notes.parquet,manifest.json,tamis.duckdb},
#         report/{index.html,waterfall.svg,alarms.json}, and records of these by which they are verified.
# Steps: layout (first of all, so that an unfinished run can be questioned) → stats → manifest → database, page.

from tamis.inventory import pack
from tamis.report.layout import planned_layout
from tamis.report.origin import made_by

LAYOUT = planned_layout(CFG, EXPORTS, NAMED)
# A set or export is whole when the file that adds it up is there.
DELIVERED = [f"{RESULTS}/{folder}/summary.json" for folder in SETS]
DELIVERED += [f"{RESULTS}/export/{name}/export.json" for name in EXPORTS]


rule report_layout:
    output:
        output=f"{RESULTS}/layout.json",
    log:
        f"{LOGS}/report/layout.log",
    benchmark:
        f"{BENCHMARKS}/report/layout.tsv"
    priority: 100
    localrule: True
    conda:
        "../envs/cpu.yaml"
    params:
        # What is made is known once all rules are (rules/sweep.smk).
        spec=spec("layout", layout=LAYOUT, each=lambda wildcards: {"inventory": pack(INVENTORY)}),
    shell:
        job("layout", "write")


rule report_stats:
    input:
        [path for stage in LAYOUT["stages"] for path in parts(f"{RESULTS}/{stage}/stats/part-{{shard}}.json")],
        layout=f"{RESULTS}/layout.json",
    output:
        table=f"{RESULTS}/stats.parquet",
        notes=f"{RESULTS}/notes.parquet",
    log:
        f"{LOGS}/report/stats.log",
    benchmark:
        f"{BENCHMARKS}/report/stats.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("tables"),
    shell:
        job("tables", "stats", writes="table notes")


rule report_manifest:
    input:
        # Everything but what is made of the manifest, and the database, whose bytes differ from run to run.
        lambda wildcards: [path for path in FINAL if path not in TARGETS["report"] and "/report/" not in path],
        f"{RESULTS}/stats.parquet",
        layout=f"{RESULTS}/layout.json",
    output:
        output=f"{RESULTS}/manifest.json",
    log:
        f"{LOGS}/report/manifest.log",
    benchmark:
        f"{BENCHMARKS}/report/manifest.tsv"
    conda:
        "../envs/cpu.yaml"
    resources:
        runtime=120,
    params:
        spec=spec(
            "manifest",
            configuration=CFG.model_dump(mode="json"),
            versions={stage: find_module(module_of(stage)).VERSION for stage in LAYOUT["stages"]},
            # Known once all rules are (rules/sweep.smk).
            each=lambda wildcards: {"made": pack(made_by(DESCRIBED, INVENTORY, RESULTS, "manifest.json"))},
        ),
    shell:
        job("manifest", "write")


rule report_database:
    input:
        [*DELIVERED, f"{RESULTS}/stats.parquet"],
        [f"{RESULTS}/toxicity/{name}.parquet" for name in ("retention", "entries") if "toxicity" in PIPELINE],
        layout=f"{RESULTS}/layout.json",
    output:
        database=f"{RESULTS}/tamis.duckdb",
        record=f"{RESULTS}/report/database.json",
    log:
        f"{LOGS}/report/database.log",
    benchmark:
        f"{BENCHMARKS}/report/database.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("database", rows=CFG.report.database_rows),
    shell:
        job("database", "views", writes="database record")


rule report_page:
    input:
        f"{RESULTS}/stats.parquet",
        f"{RESULTS}/notes.parquet",
        f"{RESULTS}/manifest.json",
        [f"{RESULTS}/decontamination/contamination.json"] if "decontamination" in PIPELINE else [],
        [f"{RESULTS}/toxicity/{name}.parquet" for name in ("retention", "entries") if "toxicity" in PIPELINE],
        layout=f"{RESULTS}/layout.json",
    output:
        page=f"{RESULTS}/report/index.html",
        picture=f"{RESULTS}/report/waterfall.svg",
        alarms=f"{RESULTS}/report/alarms.json",
        record=f"{RESULTS}/report/page.json",
    log:
        f"{LOGS}/report/page.log",
    benchmark:
        f"{BENCHMARKS}/report/page.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("page", section=CFG.report.for_page()),
    shell:
        job("page", "page", writes="page picture alarms record")


# A rule of its own, because Snakemake takes away what a failing job wrote, and the page must stay.
rule report_check:
    input:
        page=f"{RESULTS}/report/index.html",
        alarms=f"{RESULTS}/report/alarms.json",
    output:
        output=f"{RESULTS}/report/checked.json",
    log:
        f"{LOGS}/report/check.log",
    benchmark:
        f"{BENCHMARKS}/report/check.tsv"
    localrule: True
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("page", section=CFG.report),
    shell:
        job("page", "check")
