-- All texts with their length and the number of models that use them.
select c.id, c.name, c.num_characters, count(m.id) as models
from corpus c
left join model m on m.corpus_id = c.id and m.deleted_at is null
group by c.id, c.name, c.num_characters
order by models desc, c.name;
