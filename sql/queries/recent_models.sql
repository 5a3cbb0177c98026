-- The article's list of models: those that were changed last come first.
select * from model order by updated_at desc limit :count offset :start;
