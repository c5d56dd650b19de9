"""`edge-agent doctor`: what is attached, whether it works, and what to do where it does not."""
