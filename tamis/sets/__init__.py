"""Which documents of the pool a set takes: budgets by weight, exact sampling, and the plan of one set."""
