"""Hardware, people and fleets that behave: real agents and servers run against them."""
