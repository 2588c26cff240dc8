-- Filters of `runs`: as filters_facts, and a run matches an agent that took part in it.
    (empty({service:Array(String)}) OR service IN {service:Array(String)})
    AND (empty({project:Array(String)}) OR project IN {project:Array(String)})
    AND (empty({workflow:Array(String)}) OR workflow IN {workflow:Array(String)})
    AND (empty({agent:Array(String)}) OR hasAny(agents, {agent:Array(String)}))
    AND (empty({feature:Array(String)}) OR feature IN {feature:Array(String)})
    AND (empty({user:Array(String)}) OR user_id IN {user:Array(String)})
    AND (empty({conversation:Array(String)}) OR conversation_id IN {conversation:Array(String)})
