    -- What {by:Identifier} may name beside the table's own columns.
    ''              AS total,
    user_id         AS user,
    conversation_id AS conversation
