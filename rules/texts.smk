# With `materialize: on_edit`: what reads documents without texts reads the documents that hold them, too.
#
# The file without texts names the other (tamis/texts.py); here Snakemake is told, in one place for all rules, so that a file
# that was lost is made again, and a node has both. Comes after all rules that make files from documents.

from tamis.demand import read_beside

read_beside(
    workflow.rules,
    {documents_of(stage): documents_of(CFG.text_of(stage)) for stage in PIPELINE if CFG.text_of(stage) != stage},
)
