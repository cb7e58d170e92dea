"""The tokens and the bound of these tests."""

TOKEN = "wkj_job_token_that_nobody_may_see"
OTHER = "wkj_token_of_another_session"
LIMIT = 1000
