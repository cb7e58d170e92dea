"""The pages, a module or package for each family; each is registered by one line in families.py."""
