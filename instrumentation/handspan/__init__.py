"""Record teams of agents with OpenTelemetry."""
