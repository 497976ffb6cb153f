"""tamis turns raw crawls, code and papers into training tokens for language models."""

__version__ = "0.1.0"
