"""The same story told in each agent framework, and recorded once for the replaying tests."""
