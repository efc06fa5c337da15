#: stdout 2026-07-01T12:00:00+02:00 CEST
#: stdout 2026-01-01T12:00:00-05:00 EST
#: stdout True True
#: stdout 'No time zone found with key Europe/Nowhere'
#: stdout b'TZif' True
# Time zones without files.
import datetime
import zoneinfo
from importlib import resources

for name, month in ("Europe/Berlin", 7), ("America/New_York", 1):
    time = datetime.datetime(2026, month, 1, 12, tzinfo=zoneinfo.ZoneInfo(name))
    print(time.isoformat(), time.tzname())
zones = zoneinfo.available_timezones()
print(len(zones) > 500, {"UTC", "Asia/Tokyo", "America/Argentina/Ushuaia"} <= zones)
try:
    zoneinfo.ZoneInfo("Europe/Nowhere")
except zoneinfo.ZoneInfoNotFoundError as error:
    print(error)
with resources.open_binary("tzdata.zoneinfo.Europe", "Berlin") as file:
    print(file.read(4), resources.is_resource("tzdata", "zones"))
