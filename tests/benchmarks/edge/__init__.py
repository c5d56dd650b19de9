"""The agent on a small board, beside `thingsboard-gateway` polling the same in the same run."""
