"""One module a stage: its configuration, its decisions on Arrow tables, and `run_<step>` for each job of the workflow.

What the parameters of the steps are, wherever a docstring does not say more:

    config                        the stage's section of the configuration (of a set: the set's own section)
    shard, shards                 which shard of how many; likewise partition and partitions, file and files
    name                          the set that the job belongs to ("validation", "mixtures/first")
    documents                     the documents that the job reads
    barrier                       the files of all shards or partitions that the job reads (`tamis/barrier.py`)
    kept, dropped, edits, stats   the outcome: documents, ledger, cuts and counts to write (`tamis/ledger.py`)
    output, and all other paths   the file that the step of that name made, or is to write
"""
