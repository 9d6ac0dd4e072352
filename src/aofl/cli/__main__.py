"""`python -m aofl.cli`: the same command."""

from aofl.cli.main import main

main()
