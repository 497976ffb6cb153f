"""Code: the parts of the reader of trees and archives.

`source.py` is the section and the reading; `trees.py` which files a folder gives; `languages.py`, `licences.py` (with
`expressions.py`) and `origins.py` say what a file is; `notebooks.py` and `encodings.py` make text of it.
"""
