"""The agent on a small board, beside `thingsboard-gateway` doing the same polling in the same run."""
