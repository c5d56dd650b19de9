"""The plain overview page; the console proper comes with its own issue."""
