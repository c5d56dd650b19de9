"""Maps: driving times from OSRM or Valhalla where one is installed, never waited for long.

`tables` is the door for callers: cached, with one time limit, the estimate behind it, marked.
"""
