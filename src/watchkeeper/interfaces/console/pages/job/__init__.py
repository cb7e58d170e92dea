"""One job: why it stands as it does, what comes next, its life as a picture, and its story."""

from watchkeeper.interfaces.console.ground import Family, Page
from watchkeeper.interfaces.console.pages.job.page import job

FAMILY = Family("job", pages=(Page("/jobs/{job}", job),))
