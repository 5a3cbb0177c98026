-- The article's count for its pages.
select count(*) as t from model where 1=1;
