"""Repairs: planned on what is there, authorised, recorded, carried out, seen to, and undone where that is possible."""
