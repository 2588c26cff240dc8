-- A statement as the engine writes it, without comments: for the few kinds that have no tree as JSON.
SELECT formatQuerySingleLine({statement:String}) FORMAT RawBLOB
