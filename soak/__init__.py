"""What is too long for the tests: a simulation of thousands of runs, and faults on the real system."""
