"""Fingerprints and windows of some documents at a time are those of all of them together."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pytest
from documents import make_documents
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.dedup import winnowing
from tamis.dedup.winnowing import Scheme, fingerprints, windows

TEXTS = st.lists(st.lists(st.sampled_from(["a", "b", "語", "é."]), max_size=15).map(" ".join), min_size=1, max_size=8)
SCHEME = Scheme(kinds=("prose", "maths"), tokens=4, within="source", seed=0)


@pytest.mark.parametrize("piece", [1, 20, 10**6])
@given(TEXTS, st.data())
@settings(deadline=None, max_examples=25)
def test_how_documents_come_makes_no_difference(piece, texts, data):
    kinds, sources = (
        data.draw(st.lists(st.sampled_from(values), min_size=len(texts), max_size=len(texts)))
        for values in (["prose", "maths", "code"], ["x", "y"])
    )
    documents = make_documents(texts, kind=kinds, source=sources)
    assert set(SCHEME.columns()) == {"kind", "source", "text"}
    whole = fingerprints(documents, SCHEME)
    prints = np.unique(whole)[::2]
    places, counts = windows(documents, prints, SCHEME)
    at = data.draw(st.integers(0, len(texts)))
    with patch.object(winnowing, "PIECE_BYTES", piece):
        parts = [documents.slice(0, at), documents.slice(at)]
        assert np.array_equal(np.concatenate([fingerprints(part, SCHEME) for part in parts]), whole)
        found = [windows(part, prints, SCHEME, row) for part, row in zip(parts, (0, at), strict=True)]
    assert pa.concat_tables([table for table, _ in found]).equals(places)
    assert {name: sum(count[name] for _, count in found) for name in counts} == counts
    assert {kinds[row] for row in places["row"].to_pylist()} <= set(SCHEME.kinds)
