"""Word lists of toxic language: reading them, counting their entries, and what bounds on the counts would drop."""
