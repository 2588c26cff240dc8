    -- What {by:Identifier} may name beside the table's own columns. A run stands in the group of
    -- each of its agents, or of those that the filter names.
    ''              AS total,
    user_id         AS user,
    conversation_id AS conversation,
    arrayJoin(
        arrayFilter(one -> empty({agent:Array(String)}) OR has({agent:Array(String)}, one), agents)
    )               AS agent
