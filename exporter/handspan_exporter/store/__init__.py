"""Where spans and KPIs live: an embedded ClickHouse or a server, behind one interface."""
