"""Hours in which nobody wants to be told, in the time zone of those who sleep."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From one time of the day to another, the end excluded; an end that is not after the begin is on the next day."""

    begins: time
    ends: time
    time_zone: str

    def over_at(self, now: datetime) -> datetime | None:
        """Say when the quiet that holds at `now` is over; None where there is none.

        Wall clocks decide, so that a night with a clock change is an hour longer or shorter.
        """
        zone = ZoneInfo(self.time_zone)
        local = now.astimezone(zone)
        for day in (local.date() - timedelta(days=1), local.date()):
            last_day = day if self.begins < self.ends else day + timedelta(days=1)
            begin = datetime.combine(day, self.begins, zone)
            end = datetime.combine(last_day, self.ends, zone)
            if begin.timestamp() <= now.timestamp() < end.timestamp():
                return end.astimezone(now.tzinfo)
        return None
