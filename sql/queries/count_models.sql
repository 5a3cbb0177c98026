-- Number of models, as the article counts them for its pagination.
select count(*) as t from model where 1=1;
