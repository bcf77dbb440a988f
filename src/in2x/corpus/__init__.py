"""The corpus room: raw text in, clean balanced documents and packed blocks out (METHOD 1).

Nothing here phones home: Daft's telemetry and Ray's usage reports are switched off before either is first imported.
"""

import os

os.environ.setdefault("DAFT_ANALYTICS_ENABLED", "0")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
