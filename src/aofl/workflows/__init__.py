"""What users do: start, resume, branch, build, check, rehearse, compare, train, label."""
