"""The sections of reports: plain functions of a run, each of which may have nothing."""
