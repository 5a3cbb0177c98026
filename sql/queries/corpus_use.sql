-- Which texts are there, how long are they, and how many models use each?
select c.id, c.name, c.num_characters, count(m.id) as models
from corpus c
left join model m on m.corpus_id = c.id and m.deleted_at is null
group by c.id, c.name, c.num_characters
order by models desc, c.name;
