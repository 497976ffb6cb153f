"""Snakemake, started for `tamis run`, and what is changed of it there: here alone, each change a function."""
