"""Hot loops: numba on Arrow's offset and byte buffers, no Python object per document.

Import these modules inside functions only: numba costs 0.4 s. Compiled code is cached beside the source; numba
does not notice when a function changes that a cached one calls from another module, so after an edit of
`hashes.py` or `words.py` delete the `__pycache__` folder here.
"""
