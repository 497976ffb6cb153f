"""How good a classifier is, measured on labelled texts that it has not learnt from; how much would stay at which score.

`ranking` has the area under the ROC curve and its interval, `figures` what a card says of one group of texts, `groups`
which groups there are, `several` the same for more than two classes, `baselines` what a reader should hold the figures
against, `errors` the most confident mistakes, `retention` what of the pool would stay. No model is needed for any.
"""

from tamis.classifiers.evaluation.ranking import roc_auc

__all__ = ["roc_auc"]
