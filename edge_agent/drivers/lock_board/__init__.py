"""Lock boards of several makers behind one interface."""
