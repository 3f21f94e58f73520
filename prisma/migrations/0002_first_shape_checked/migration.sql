-- Rows of the first shape that no later shape can hold without guessing stop the migration here, before anything has
-- changed, with one message that names the row and what to do. Everything else is carried over by what follows.

-- Nobody writes between this look and the change.
lock table "User", "Workspace", "PaymentUser", "Payment", "Subscription", "FeatureUsage", "Credit", "CreditRecord",
  "CreditUsage", "AIUsage" in access exclusive mode;

do $$
declare
  rule record;
  bad record;
begin
  for rule in
    -- Decimal(20,6) has fourteen digits before the point. NaN is above every number, so `not (… < 1e14)` finds it too.
    select name as "table", col as shown, format('not (r.%1$I >= 0 and r.%1$I < 1e14)', col) as broken,
      'an amount must be zero or more, and below 100000000000000' as must
    from (values ('Payment', 'amount'), ('FeatureUsage', 'used'), ('CreditRecord', 'amount'), ('CreditUsage', 'amount'))
      as amounts (name, col)

    -- A wallet may be below zero: what follows makes it zero and keeps the old figure readable.
    union all
    select 'Credit', col, format('not (r.%1$I > -1e14 and r.%1$I < 1e14)', col),
      'a figure of a wallet must be below 100000000000000'
    from unnest(array['balance', 'total', 'totalUsage']) as figures (col)
    union all
    select 'Credit', 'balance', 'greatest(r.balance, 0) + greatest(r."totalUsage", 0) >= 1e14',
      'balance and totalUsage together must be below 100000000000000'

    union all
    select 'AIUsage', 'points', 'r.points <> r."freePoints"::bigint + r."paidPoints" or least(r."freePoints", r."paidPoints") < 0',
      'points must be freePoints plus paidPoints, and none of them below zero'

    -- For databases that were made by hand, without some of the keys.
    union all
    select name, 'id', format('exists (select from %I d where d.id = r.id and d.ctid <> r.ctid)', name),
      'an id must be there once'
    from unnest(array['User', 'Workspace', 'PaymentUser', 'Payment', 'Subscription', 'FeatureUsage', 'Credit',
      'CreditRecord', 'CreditUsage', 'AIUsage']) as tables (name)
    union all
    select name, col, format('exists (select from %1$I d where d.%2$I = r.%2$I and d.ctid <> r.ctid)', name, col),
      'another row has the same value, and only one may'
    from (values ('PaymentUser', 'email'), ('PaymentUser', 'customerId'), ('Payment', 'paymentId'),
      ('Subscription', 'subscriptionId'), ('Subscription', 'workspaceId'), ('Credit', 'workspaceId'),
      ('CreditRecord', 'paymentId')) as uniques (name, col)
    union all
    select name, col, format('r.%2$I is not null and not exists (select from %1$I t where t.id = r.%2$I)', target, col),
      format('there is no such %s', target)
    from (values ('Payment', 'paymentUserId', 'PaymentUser'), ('Subscription', 'workspaceId', 'Workspace'),
      ('FeatureUsage', 'workspaceId', 'Workspace'), ('Credit', 'workspaceId', 'Workspace'),
      ('CreditRecord', 'workspaceId', 'Workspace'), ('CreditRecord', 'paymentUserId', 'PaymentUser'),
      ('CreditRecord', 'paymentId', 'Payment'), ('CreditUsage', 'workspaceId', 'Workspace'),
      ('AIUsage', 'workspaceId', 'Workspace')) as links (name, col, target)
  loop
    execute format('select r.id, r.%I::text as value from %I r where %s order by r.id limit 1',
      rule.shown, rule."table", rule.broken) into bad;
    if bad.id is not null then
      raise exception '% % has % = %: %. Correct or remove that row, then start again.',
        rule."table", bad.id, rule.shown, bad.value, rule.must;
    end if;
  end loop;
end
$$;
