-- Trainings in progress with their workers and the end of their leases (UTC).
select id, name, state, worker, step, lease_until
from model
where is_in_progress
order by updated_at;
