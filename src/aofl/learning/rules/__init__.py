"""The rules: plain functions of an observation and the state of the learner."""
