"""The composition root: builds the pool, the storage and the services from settings; nothing else constructs them.

`core` is what a worker of Python handlers needs, and loads no more; `whole` is everything.
"""
