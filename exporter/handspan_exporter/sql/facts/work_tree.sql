-- Every span's place: what is above it (nearest agent run, opener of a run, ...) and what it hands down (`..._at`:
-- its own or that of the nearest span above that has it). Filled by processor/tree.py.
-- A span whose parent is not stored is the root of its fragment.
CREATE TEMPORARY TABLE work_tree
(
    trace_id           String,
    span_id            String,
    depth              UInt32,
    parent_missing     Bool,
    in_gap             Bool,    -- its parent, or that of a span above, is not stored
    opener_at          String,
    opener_above       String,
    repeats_id         Bool,    -- an opener with the workflow id of an opener above
    topmost_agent_at   String,
    agent_run          String,
    agent_name_at      String,
    usage_above        String,  -- nearest span above with usage, of any kind
    call_above         String,  -- nearest call of a model above
    usage_call_above   String,  -- nearest call above that has usage
    delegates          Bool,    -- a tool with an agent below it
    coordinated        Bool,    -- in a plan or a handoff, with no agent in between
    hit_at             String,  -- of a fault: the tool or call of a model around it
    struck             Bool,    -- a fault around or in it: its error is that fault's effect
    critical_ns        UInt64,  -- its own time on the critical path below critical_at
    critical_at        String,  -- the opener or topmost agent with which that path begins
    workflow_id_at     String,
    workflow_at        String,
    project_at         String,
    feature_at         String,
    session_id_at      String,
    conversation_id_at String,
    user_id_at         String
)
