"""The figures of reports: plain functions from records to drawings."""
