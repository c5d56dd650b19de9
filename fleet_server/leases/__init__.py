"""Who of many processes does what: rows with an end, taken and kept by whoever lives."""
