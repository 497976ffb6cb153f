"""Runners of the peers: one script a peer, run by the interpreter of the peer's own environment."""
