"""The truth corpus: recorded sessions with their labels, replayed through the watch that judges live ones."""
