-- Training and validation loss of a model by step, in nats per character.
select t.step, t.value as loss, v.value as val_loss
from model_metric t
left join model_metric v on v.model_id = t.model_id and v.step = t.step and v.name = 'val_loss'
where t.model_id = :model_id and t.name = 'loss'
order by t.step;
