-- Log of a model, as read by the article.
select * from model_log where model_id = :model_id order by position asc;
