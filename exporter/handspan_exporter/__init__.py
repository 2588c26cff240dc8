"""Receive, keep and answer: the service of Handspan."""
