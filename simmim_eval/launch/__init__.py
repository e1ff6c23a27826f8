"""From a suite to runs that are done: the plan, one run with its bookkeeping, and where runs execute."""
