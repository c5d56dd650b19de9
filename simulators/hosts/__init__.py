"""Real processes for stories and tests: server, agents on simulated hardware, a link to cut."""
