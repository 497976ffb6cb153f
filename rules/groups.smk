# On a cluster: which jobs are sent as one. Local runs have no groups.
#
# `group-components: [shards=16]` of the profile (profiles/slurm) says how many chains of neighbouring jobs make a cluster job;
# what is a chain is taken from the rules themselves (tamis/grouping.py). Comes after all rules that make files.

from tamis.grouping import label, let_jobs_know, steps

STEPS = steps(INVENTORY.groups, DESCRIBED, alone=LONG, local=workflow._localrules)
label(workflow.rules, STEPS, DESCRIBED)
# All of them go by the one name that a profile knows.
workflow.parent_groupids.update({step.group: "shards" for step in STEPS.values() if step.group})
let_jobs_know()
