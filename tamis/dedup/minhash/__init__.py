"""The work behind the stage `minhash_dedup`: signatures, candidates, verification, groups. No Snakemake, no config."""
