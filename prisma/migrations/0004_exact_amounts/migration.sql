-- Floats become exact decimals, local times become instants, and every old wallet gets an opening that adds up:
-- docs/decisions/0001-exact-amounts.md and 0002-opening-balances.md say why it is done this way.

-- By way of the text, which is the shortest that means this very double: the direct cast keeps 15 digits only.
-- round(numeric) goes half away from zero.
set local extra_float_digits = 1;
create function pg_temp.exact(figure double precision) returns decimal language sql as
  'select round(figure::text::decimal, 6)';

-- Foreign keys come back under their names once the rows have changed. By hand they may be called anything.
do $$
declare
  key record;
begin
  for key in
    select conrelid::regclass as "table", conname as name
    from pg_constraint
    where contype = 'f'
      and conrelid in ('"Payment"'::regclass, '"Subscription"'::regclass, '"FeatureUsage"'::regclass, '"Credit"'::regclass,
        '"CreditRecord"'::regclass, '"CreditUsage"'::regclass, '"AIUsage"'::regclass)
      and confrelid in ('"Workspace"'::regclass, '"PaymentUser"'::regclass, '"Payment"'::regclass)
  loop
    execute format('alter table %s drop constraint %I', key."table", key.name);
  end loop;
end
$$;

-- The old three figures to the last digit, while they are still there. The two zeros sort before every id that a clock
-- has given, so that an opening is the oldest decision of its workspace.
insert into "Decision" (id, "workspaceId", operation, amount, "creditCost", plan, "catalogVersion", reasons)
select 'op_00opening_credit_' || id, "workspaceId", 'OPENING',
  greatest(pg_temp.exact(balance), 0) + greatest(pg_temp.exact("totalUsage"), 0),
  greatest(pg_temp.exact("totalUsage"), 0),
  'FREE', 'none',
  jsonb_build_object('balance', balance::text, 'total', total::text, 'totalUsage', "totalUsage"::text)
from "Credit"
where balance <> 0 or total <> 0 or "totalUsage" <> 0;

alter table "User"
  add column "createdAt" timestamptz(3) not null default current_timestamp;

alter table "Workspace"
  add column "createdAt" timestamptz(3) not null default current_timestamp;

-- A default would be carried over as a local time, so it is dropped first and set anew.
alter table "PaymentUser"
  alter column "createdAt" drop default,
  alter column "createdAt" type timestamptz(3) using "createdAt" at time zone 'UTC',
  alter column "createdAt" set default current_timestamp,
  alter column "updatedAt" drop default,
  alter column "updatedAt" type timestamptz(3) using "updatedAt" at time zone 'UTC',
  alter column "updatedAt" set default current_timestamp;

alter table "Payment"
  alter column amount type decimal(20, 6) using pg_temp.exact(amount),
  add column "workspaceId" text,
  add column credits decimal(20, 6),
  add column "checkoutId" text,
  alter column "createdAt" drop default,
  alter column "createdAt" type timestamptz(3) using "createdAt" at time zone 'UTC',
  alter column "createdAt" set default current_timestamp,
  alter column "updatedAt" drop default,
  alter column "updatedAt" type timestamptz(3) using "updatedAt" at time zone 'UTC',
  alter column "updatedAt" set default current_timestamp;

alter table "Subscription"
  alter column "startDate" type timestamptz(3) using "startDate" at time zone 'UTC',
  alter column "endDate" type timestamptz(3) using "endDate" at time zone 'UTC',
  alter column "createdAt" drop default,
  alter column "createdAt" type timestamptz(3) using "createdAt" at time zone 'UTC',
  alter column "createdAt" set default current_timestamp,
  alter column "updatedAt" drop default,
  alter column "updatedAt" type timestamptz(3) using "updatedAt" at time zone 'UTC',
  alter column "updatedAt" set default current_timestamp;

alter table "FeatureUsage"
  alter column used type decimal(20, 6) using pg_temp.exact(used),
  add column "periodStart" timestamptz(3),
  alter column "createdAt" drop default,
  alter column "createdAt" type timestamptz(3) using "createdAt" at time zone 'UTC',
  alter column "createdAt" set default current_timestamp,
  alter column "updatedAt" drop default,
  alter column "updatedAt" type timestamptz(3) using "updatedAt" at time zone 'UTC',
  alter column "updatedAt" set default current_timestamp;

-- What can be spent and what was spent are kept; the total is what they add up to. Below zero there is nothing.
alter table "Credit"
  alter column balance type decimal(20, 6) using greatest(pg_temp.exact(balance), 0),
  alter column balance set default 0,
  alter column total type decimal(20, 6)
    using greatest(pg_temp.exact(balance), 0) + greatest(pg_temp.exact("totalUsage"), 0),
  alter column total set default 0,
  alter column "totalUsage" type decimal(20, 6) using greatest(pg_temp.exact("totalUsage"), 0),
  alter column "totalUsage" set default 0,
  add column expired decimal(20, 6) not null default 0,
  add column "clawedBack" decimal(20, 6) not null default 0,
  add column version bigint not null default 0,
  add column "paymentUserId" text,
  alter column "createdAt" drop default,
  alter column "createdAt" type timestamptz(3) using "createdAt" at time zone 'UTC',
  alter column "createdAt" set default current_timestamp,
  alter column "updatedAt" drop default,
  alter column "updatedAt" type timestamptz(3) using "updatedAt" at time zone 'UTC',
  alter column "updatedAt" set default current_timestamp;

alter table "CreditRecord"
  alter column amount type decimal(20, 6) using pg_temp.exact(amount),
  alter column "createdAt" drop default,
  alter column "createdAt" type timestamptz(3) using "createdAt" at time zone 'UTC',
  alter column "createdAt" set default current_timestamp,
  alter column "updatedAt" drop default,
  alter column "updatedAt" type timestamptz(3) using "updatedAt" at time zone 'UTC',
  alter column "updatedAt" set default current_timestamp;

alter table "CreditUsage"
  alter column amount type decimal(20, 6) using pg_temp.exact(amount),
  alter column "createdAt" drop default,
  alter column "createdAt" type timestamptz(3) using "createdAt" at time zone 'UTC',
  alter column "createdAt" set default current_timestamp,
  alter column "updatedAt" drop default,
  alter column "updatedAt" type timestamptz(3) using "updatedAt" at time zone 'UTC',
  alter column "updatedAt" set default current_timestamp;

alter table "AIUsage"
  add column status "UsageStatus" not null default 'SUCCEEDED',
  alter column "createdAt" drop default,
  alter column "createdAt" type timestamptz(3) using "createdAt" at time zone 'UTC',
  alter column "createdAt" set default current_timestamp,
  alter column "updatedAt" drop default,
  alter column "updatedAt" type timestamptz(3) using "updatedAt" at time zone 'UTC',
  alter column "updatedAt" set default current_timestamp;

drop function pg_temp.exact;

update "User" u
set "createdAt" = least(u."createdAt", p.first)
from (select "userId", min("createdAt") as first from "PaymentUser" group by "userId") p
where p."userId" = u.id;

-- The oldest thing that is known of a workspace: the anchor of its allowance periods.
update "Workspace" w
set "createdAt" = least(w."createdAt", t.first)
from (
  select "workspaceId", min("createdAt") as first
  from (
    select "workspaceId", "createdAt" from "Subscription"
    union all select "workspaceId", "createdAt" from "FeatureUsage"
    union all select "workspaceId", "createdAt" from "Credit"
    union all select "workspaceId", "createdAt" from "CreditRecord"
    union all select "workspaceId", "createdAt" from "CreditUsage"
    union all select "workspaceId", "createdAt" from "AIUsage"
  ) traces
  group by "workspaceId"
) t
where t."workspaceId" = w.id;

-- A period for each row of old: its own time, or, where that is taken, a millisecond after the row before it.
-- The n-th row starts at the largest of (time of the i-th + n - i milliseconds) over all i up to n.
update "FeatureUsage" u
set "periodStart" = placed."periodStart"
from (
  select id,
    max("createdAt" - n * interval '1 millisecond')
      over (partition by "workspaceId", "featureCode" order by n) + n * interval '1 millisecond' as "periodStart"
  from (
    select id, "workspaceId", "featureCode", "createdAt",
      row_number() over (partition by "workspaceId", "featureCode" order by "createdAt", id) as n
    from "FeatureUsage"
  ) numbered
) placed
where placed.id = u.id;

alter table "FeatureUsage" alter column "periodStart" set not null;

update "Payment" p
set "workspaceId" = r."workspaceId", credits = r.amount
from "CreditRecord" r
where r."paymentId" = p.id;

insert into "Credit" (id, "workspaceId")
select 'cr_' || replace(gen_random_uuid()::text, '-', ''), w.id
from "Workspace" w
where not exists (select from "Credit" c where c."workspaceId" = w.id);

-- Each old purchase is a grant again, so that a refund of its payment finds it. Older ones were spent first: what is
-- left of the balance is what is left of the newest.
insert into "CreditGrant" (id, "workspaceId", type, amount, remaining, description, "creditRecordId", "createdAt")
select 'op_00opening_record_' || r.id, r."workspaceId", 'PURCHASE', r.amount,
  greatest(least(r.amount, c.balance - r."newerAmounts"), 0), coalesce(r.description, 'Purchase'), r.id, r."createdAt"
from (
  select *, coalesce(sum(amount) over (
    partition by "workspaceId" order by "createdAt" desc, id desc rows between unbounded preceding and 1 preceding
  ), 0) as "newerAmounts"
  from "CreditRecord"
) r
join "Credit" c on c."workspaceId" = r."workspaceId";

-- What no purchase explains. It shares its id with the opening decision.
insert into "CreditGrant" (id, "workspaceId", type, amount, remaining, description, "createdAt")
select 'op_00opening_credit_' || c.id, c."workspaceId", 'OPENING', c.balance - coalesce(r.amount, 0),
  c.balance - coalesce(r.amount, 0), 'Opening balance', c."createdAt"
from "Credit" c
left join (select "workspaceId", sum(amount) as amount from "CreditRecord" group by "workspaceId") r
  on r."workspaceId" = c."workspaceId"
where c.balance > coalesce(r.amount, 0);
