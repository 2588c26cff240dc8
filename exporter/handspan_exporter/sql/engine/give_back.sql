-- Memory that the allocator of the embedded engine keeps for later goes back to the system.
-- used by: store/memory.py
SYSTEM JEMALLOC PURGE
