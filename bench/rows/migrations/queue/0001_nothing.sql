-- The queue brings its own tables.
select 1;
