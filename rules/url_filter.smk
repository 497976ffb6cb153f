# Drop documents by their addresses: block lists of domains, URLs and words.
#
# Input: the documents of the stage before and the lists, so that a changed list runs everything after it again.
# Output: <results>/url_filter/{documents,dropped,stats}/part-*.


rule url_filter_apply:
    input:
        ancient(CFG.url_filter.files),
        documents=documents_before("url_filter"),
    output:
        **outcome("url_filter"),
    log:
        f"{LOGS}/url_filter/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/url_filter/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("url_filter", given=given(*CFG.url_filter.files)),
    shell:
        job("url_filter", "apply", writes=OUTCOME)
