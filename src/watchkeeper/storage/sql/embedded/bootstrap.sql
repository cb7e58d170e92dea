-- What a new embedded cluster gets before it takes its final name. One statement a line: it is read by
-- `postgres --single`. The owner's password is put in by cluster.py; it is hexadecimal, so it needs no quoting.
CREATE ROLE watchkeeper LOGIN CREATEDB PASSWORD '{password}'
CREATE DATABASE watchkeeper OWNER watchkeeper
ALTER DATABASE watchkeeper SET search_path = watchkeeper, public
