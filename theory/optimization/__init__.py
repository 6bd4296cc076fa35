"""What the optimizer can reach: schedule, reach, decay flow."""
