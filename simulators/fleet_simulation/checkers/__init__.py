"""What must hold, whatever goes wrong: looked at after every step, and once more in the end."""
