"""The table of a sweep: a row for each case, sorted by its values and its replication.

First come the varied keys, as `--vary` named them, then what is listed here. Times are simulated
nanoseconds. Nothing tells of the host, so that the same sweep gives the same table anywhere.
"""

DONE, FAILED = "done", "failed"  # `status`

CASE = "case_key"
REPLICATION = "replication"
TIMES = ("mean_ns", "p50_ns", "p90_ns", "p99_ns", "p999_ns")
ROW = {  # of all requests of a case, and of each of its `parts`
    "answered_requests": "int64",  # after the warm-up
    "failed_requests": "int64",
    "per_second": "float64",
    **dict.fromkeys(TIMES, "float64"),
}
STATION = {"card": "int64", "station": "string", "servers": "int64", "utilisation": "float64"}
PART = {"title": "string", **ROW}  # a tenant or an operation, where there are several

FIGURES = {
    "run_seed": "int64",
    "status": "string",
    "reason": "string",  # of a failed one; it has no figures
    "engine": "string",
    **ROW,
    "per_second_half_width": "float64",  # by batch means of this replication
    "mean_half_width_ns": "float64",
    "busiest": "string",  # the station that was busy most
    "busiest_utilisation": "float64",
    "in_system": "float64",  # requests under way, in the mean over time
    "in_hardware": "float64",  # of these between NQAP and DQAP
    "places": "int64",  # of all queues
    "warm_up_ns": "int64",
    "warm_up_found": "bool",
    "span_ns": "int64",
    "overloaded": "bool",
}
LISTS = {"stations": STATION, "parts": PART}  # not in CSV
