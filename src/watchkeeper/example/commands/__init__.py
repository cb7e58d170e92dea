"""What the example's jobs run: small programs, standard library only, that know nothing of Watchkeeper but files."""
