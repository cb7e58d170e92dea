-- How many jobs of an entrypoint are finished for good, by log rows above a number.
SELECT count(*) FROM pgqueuer_log WHERE entrypoint = $1 AND status = 'successful' AND id > $2
