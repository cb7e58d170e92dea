"""A scripted stand-in for a model's API on loopback, so that the real agents run without a provider."""
