"""The host guard's use cases."""
