"""Reports: frozen results to self-contained pages, tables and JSON; nothing is computed here."""
