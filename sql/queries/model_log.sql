-- The article's log of one model.
select * from model_log where model_id = :model_id order by position asc;
