# A language model grades a sample of the documents, for classifiers and domains whose labels it gives.
#
# Input: the sample of all shards, from the rules of what is taught. Output: <results>/<name>/judged.arrow.
# The only job that asks a network.

for name, asked in ASKED.items():
    judge = JUDGES.get(name)

    rule:
        name:
            f"{name}_judge"
        input:
            prompt=ancient(str(judge.prompt)) if judge else [],
            barrier=crossing(f"{name}/sample"),
        output:
            output=f"{RESULTS}/{name}/judged.arrow",
        log:
            f"{LOGS}/{name}/judge.log",
        benchmark:
            f"{BENCHMARKS}/{name}/judge.tsv"
        # On a cluster often only the machine that starts jobs reaches a network.
        localrule: True
        conda:
            "../envs/cpu.yaml"
        resources:
            # How answers are come by: no resource, but what a job is told and no rerun looks at.
            ways=lambda wildcards, attempt, ways=JUDGE_WAYS.get(name, ""): ways,
        params:
            spec=asked,
        shell:
            job("judge", "judge", beside={"ways": "{resources.ways:q}"})
