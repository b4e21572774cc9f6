"""Reports 2021-06-30: what may be asked for, and the files that are written."""
