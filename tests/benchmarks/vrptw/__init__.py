"""Vehicle routing with time windows, by the rules of DIMACS 2022: Solomon's and Homberger's files.

distance = floor(10 x euclid) / 10 for each arc, cost = total distance, any number of vehicles.
Times are in the same tenths, so everything is whole numbers and nothing depends on rounding.
"""
