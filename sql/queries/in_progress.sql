-- Who trains what now, and until when does the lease last (UTC)?
select id, name, state, worker, step, lease_until
from model
where is_in_progress
order by updated_at;
