"""From a config to a record: what every run has in common, whatever its task."""
