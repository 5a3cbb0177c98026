-- Best loss of each model by text, in nats and bits per character. Losses are comparable only within a text.
select c.name as corpus, m.name, m.state, m.step, m.best_loss, m.best_loss / 0.6931471805599453 as bits_per_character
from model m
join corpus c on c.id = m.corpus_id
where m.deleted_at is null and m.best_loss is not null
order by c.name, m.best_loss;
