"""Drills: faults on the running installation, in a project of its own, with the evidence that they were seen."""
