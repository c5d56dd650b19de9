"""The cheapest set of known routes that serves every customer once: set partitioning by HiGHS."""

from collections.abc import Mapping

import highspy
import numpy as np

from tests.benchmarks.vrptw.search import Routes

CHOSEN = 0.5


def partitioned(
    pool: Mapping[frozenset[int], tuple[int, list[int]]], best: Routes, seconds: float
) -> Routes:
    """Return the best partition found in time; `best`, whose routes are in the pool, if none is."""
    solver = highspy.Highs()
    solver.silent()
    solver.setOptionValue("time_limit", seconds)
    solver.setOptionValue("threads", 1)
    solver.passModel(_model(pool))
    known = highspy.HighsSolution()
    standing = {frozenset(route) for route in best}
    known.col_value = [float(key in standing) for key in pool]
    solver.setSolution(known)
    solver.run()
    values = solver.getSolution().col_value
    if len(values) != len(pool):
        return best
    routes = [
        visits for value, (_, visits) in zip(values, pool.values(), strict=True) if value > CHOSEN
    ]
    served = sorted(customer for route in routes for customer in route)
    return routes if served == sorted(customer for route in best for customer in route) else best


def _model(pool: Mapping[frozenset[int], tuple[int, list[int]]]) -> highspy.HighsLp:
    """One column for each route, one row for each customer, which exactly one route serves."""
    columns, rows = len(pool), len(frozenset().union(*pool))
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = columns, rows
    model.col_cost_ = np.array([cost for cost, _ in pool.values()], dtype=np.float64)
    model.col_lower_, model.col_upper_ = np.zeros(columns), np.ones(columns)
    model.row_lower_, model.row_upper_ = np.ones(rows), np.ones(rows)
    served = [sorted(customer - 1 for customer in key) for key in pool]
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_ = np.cumsum([0, *map(len, served)], dtype=np.int32)
    model.a_matrix_.index_ = np.array([row for column in served for row in column], dtype=np.int32)
    model.a_matrix_.value_ = np.ones(len(model.a_matrix_.index_))
    model.integrality_ = [highspy.HighsVarType.kInteger] * columns
    return model
