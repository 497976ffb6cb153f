"""Signatures, n-gram sets, buckets and windows: what finds copies."""
