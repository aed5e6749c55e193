-- The trace of the upload: with it a person finds spans and log lines of the file.
alter table files add column trace_id text;
