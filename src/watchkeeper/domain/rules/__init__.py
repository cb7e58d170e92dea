"""The watchdog's rules: one small pure function each, over facts and thresholds; `catalogue` lists them all."""
