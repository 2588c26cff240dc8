"""The alert rules of deploy/prometheus on series that are written down."""
