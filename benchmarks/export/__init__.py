"""The records of a run in the formats that other programs open; a file per format."""
