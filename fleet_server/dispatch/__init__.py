"""Who goes where, when: visits, offers to technicians, check-in, work orders.

Today the plan is made by insertion alone (tier 0 of the design); solvers come with their issue
and change `planner.py`'s callers only.
"""
