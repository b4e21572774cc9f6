"""Dates nobody can misread: year first, 24 hours, and the zone behind the time."""

DATE_FORMAT = "Y-m-d"
TIME_FORMAT = "H:i"
# A narrow column folds between date and time, nowhere else.
DATETIME_FORMAT = "Y-m-d H:i\u00a0T"
SHORT_DATE_FORMAT = DATE_FORMAT
SHORT_DATETIME_FORMAT = DATETIME_FORMAT
