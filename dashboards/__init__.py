"""Handspan's dashboards for Grafana, as code: `python -m dashboards.generate` writes their JSON."""
