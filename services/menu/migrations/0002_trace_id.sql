-- The trace of the request for the model: with it a person finds spans and log lines, from the photo to its files.
alter table models add column trace_id text;
