"""The questions that can be asked: KPIs and runs, in one process or through `serve`."""
