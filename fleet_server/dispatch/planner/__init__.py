"""The dispatch engine's pure half: numbers in, numbers out (dispatch, Parts).

`problem` says what is asked, `evaluator` is the only truth about an answer, `insertion` answers at
once, `formulation` writes the question down for a solver, `acceptance` says whether its answer is
taken. Nothing here reads a clock, a database or a socket.
"""
