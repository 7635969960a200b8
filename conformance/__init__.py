"""The conformance kit: what AP sheet 1 and 3 promise of a driver, tried on one (docs/drivers.md).

`driver` is the contract of a driver under test, `stand` the machine that it is put on, with faults;
`case` what one case is. The cases: `instructions` (response codes), `replies` (reply codes),
`troubles` (time-outs, resets, cards that come and go). `ours` and `remote` are drivers: that of
Ghostcard, and one that is a process of its own.
"""
