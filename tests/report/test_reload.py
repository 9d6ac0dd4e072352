"""A page that is kept fresh loads itself again; a finished one never does."""

from __future__ import annotations

from pathlib import Path

from fake_run import write_fake_run

from aofl.workflows.report import write_report


def test_only_a_page_that_is_kept_fresh_loads_itself_again(tmp_path: Path) -> None:
    run = write_fake_run(tmp_path / "run", steps=60)
    fresh = write_report(run, reload_s=5.4).read_text()
    done = write_report(run).read_text()
    assert '<meta http-equiv="refresh" content="5">' in fresh
    assert "loads itself again every 5 s" in fresh
    assert 'http-equiv="refresh"' not in done
    said = "loads itself again"
    kept = [line for line in fresh.splitlines() if "refresh" not in line and said not in line]
    assert kept == done.splitlines()  # and nothing else differs
