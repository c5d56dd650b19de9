"""Digital inputs of the board itself: door reed, mains, tilt, backup battery."""
