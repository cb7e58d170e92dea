"""One module for each way to reach people; `port` is the shape that all have."""
