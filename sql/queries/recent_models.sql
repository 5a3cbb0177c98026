-- Models by last change, newest first, as listed by the article.
select * from model order by updated_at desc limit :count offset :start;
