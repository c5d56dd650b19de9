"""What may be sold, what was sold, what lies in the slots; doors and faults as they bear on it."""
