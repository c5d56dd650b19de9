"""Engines that improve a plan, each behind one function, each in a process that can be killed.

`engines` says what an engine is, `pyvrp_solver` and `vroom_solver` are the two, `worker` runs one
with a hard end, `pool` runs several questions at once, `parts` cuts a problem into questions, and
`rolling` is the one door for callers. With no engine installed, insertion alone serves.
"""
