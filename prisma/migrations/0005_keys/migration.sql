-- Keys and indexes of today. Those of the first shape are made only where a hand-made database lacks them.

-- The workspace becomes part of the key of the tables that grow. By hand a primary key may be called anything.
do $$
declare
  name text;
  key text;
begin
  foreach name in array array['User', 'Workspace', 'PaymentUser', 'Payment', 'Subscription', 'CreditRecord'] loop
    if not exists (select from pg_constraint where contype = 'p' and conrelid = format('%I', name)::regclass) then
      execute format('alter table %I add constraint %I primary key (id)', name, name || '_pkey');
    end if;
  end loop;

  foreach name in array array['FeatureUsage', 'Credit', 'CreditUsage', 'AIUsage'] loop
    select conname into key from pg_constraint where contype = 'p' and conrelid = format('%I', name)::regclass;
    if key is not null then
      execute format('alter table %I drop constraint %I', name, key);
    end if;
    execute format('alter table %I add constraint %I primary key (id, "workspaceId")', name, name || '_pkey');
  end loop;
end
$$;

create unique index if not exists "PaymentUser_email_key" on "PaymentUser" (email);
create unique index if not exists "PaymentUser_customerId_key" on "PaymentUser" ("customerId");
create unique index if not exists "Payment_paymentId_key" on "Payment" ("paymentId");
create unique index if not exists "Subscription_subscriptionId_key" on "Subscription" ("subscriptionId");
create unique index if not exists "Subscription_workspaceId_key" on "Subscription" ("workspaceId");
create unique index if not exists "Credit_workspaceId_key" on "Credit" ("workspaceId");
create unique index if not exists "CreditRecord_paymentId_key" on "CreditRecord" ("paymentId");

create index "CreditGrant_workspaceId_createdAt_idx" on "CreditGrant" ("workspaceId", "createdAt");
create index "CreditGrant_createdAt_id_idx" on "CreditGrant" ("createdAt", id);
create index "CreditGrant_expiresAt_idx" on "CreditGrant" ("expiresAt") where "expiresAt" is not null;
create unique index "CreditGrant_creditRecordId_workspaceId_key" on "CreditGrant" ("creditRecordId", "workspaceId")
  where "creditRecordId" is not null;
create index "Decision_workspaceId_id_idx" on "Decision" ("workspaceId", id);
create unique index "Decision_idempotencyKey_workspaceId_key" on "Decision" ("idempotencyKey", "workspaceId")
  where "idempotencyKey" is not null;
create unique index "Decision_refundOf_workspaceId_key" on "Decision" ("refundOf", "workspaceId")
  where "refundOf" is not null;
create unique index "Checkout_sessionId_key" on "Checkout" ("sessionId");
create index "Checkout_status_rereadAt_idx" on "Checkout" (status, "rereadAt");
create index "Checkout_workspaceId_createdAt_idx" on "Checkout" ("workspaceId", "createdAt");
create index "Checkout_createdAt_id_idx" on "Checkout" ("createdAt", id);
create unique index "ApiKey_hash_key" on "ApiKey" (hash);
create index "StripeEvent_objectId_idx" on "StripeEvent" ("objectId");
create index "StripeEvent_status_receivedAt_idx" on "StripeEvent" (status, "receivedAt");
create index "StripeEvent_receivedAt_id_idx" on "StripeEvent" ("receivedAt", id);
create index "User_createdAt_id_idx" on "User" ("createdAt", id);
create index "Workspace_createdAt_id_idx" on "Workspace" ("createdAt", id);
create index "PaymentUser_userId_idx" on "PaymentUser" ("userId");
create index "PaymentUser_createdAt_id_idx" on "PaymentUser" ("createdAt", id);
create unique index "Payment_checkoutId_key" on "Payment" ("checkoutId");
create index "Payment_workspaceId_createdAt_idx" on "Payment" ("workspaceId", "createdAt");
create index "Payment_paymentUserId_idx" on "Payment" ("paymentUserId");
create index "Payment_createdAt_id_idx" on "Payment" ("createdAt", id);
create index "Subscription_createdAt_id_idx" on "Subscription" ("createdAt", id);
create index "FeatureUsage_createdAt_id_idx" on "FeatureUsage" ("createdAt", id);
create unique index "FeatureUsage_workspaceId_featureCode_periodStart_key"
  on "FeatureUsage" ("workspaceId", "featureCode", "periodStart");
create index "Credit_paymentUserId_idx" on "Credit" ("paymentUserId");
create index "CreditRecord_workspaceId_createdAt_idx" on "CreditRecord" ("workspaceId", "createdAt");
create index "CreditRecord_paymentUserId_idx" on "CreditRecord" ("paymentUserId");
create index "CreditRecord_createdAt_id_idx" on "CreditRecord" ("createdAt", id);
create index "CreditUsage_workspaceId_createdAt_idx" on "CreditUsage" ("workspaceId", "createdAt");
create index "CreditUsage_createdAt_id_idx" on "CreditUsage" ("createdAt", id);
create index "AIUsage_workspaceId_createdAt_idx" on "AIUsage" ("workspaceId", "createdAt");
create index "AIUsage_createdAt_id_idx" on "AIUsage" ("createdAt", id);

alter table "Payment" add constraint "Payment_paymentUserId_fkey"
  foreign key ("paymentUserId") references "PaymentUser" (id) on delete restrict on update cascade;
alter table "Subscription" add constraint "Subscription_workspaceId_fkey"
  foreign key ("workspaceId") references "Workspace" (id) on delete restrict on update cascade;
alter table "FeatureUsage" add constraint "FeatureUsage_workspaceId_fkey"
  foreign key ("workspaceId") references "Workspace" (id) on delete restrict on update cascade;
alter table "Credit" add constraint "Credit_workspaceId_fkey"
  foreign key ("workspaceId") references "Workspace" (id) on delete restrict on update cascade;
alter table "CreditRecord" add constraint "CreditRecord_workspaceId_fkey"
  foreign key ("workspaceId") references "Workspace" (id) on delete restrict on update cascade;
alter table "CreditRecord" add constraint "CreditRecord_paymentUserId_fkey"
  foreign key ("paymentUserId") references "PaymentUser" (id) on delete restrict on update cascade;
alter table "CreditRecord" add constraint "CreditRecord_paymentId_fkey"
  foreign key ("paymentId") references "Payment" (id) on delete restrict on update cascade;
alter table "CreditUsage" add constraint "CreditUsage_workspaceId_fkey"
  foreign key ("workspaceId") references "Workspace" (id) on delete restrict on update cascade;
alter table "AIUsage" add constraint "AIUsage_workspaceId_fkey"
  foreign key ("workspaceId") references "Workspace" (id) on delete restrict on update cascade;
alter table "Payment" add constraint "Payment_workspaceId_fkey"
  foreign key ("workspaceId") references "Workspace" (id) on delete restrict on update cascade;
alter table "Payment" add constraint "Payment_checkoutId_fkey"
  foreign key ("checkoutId") references "Checkout" (id) on delete restrict on update cascade;
alter table "Credit" add constraint "Credit_paymentUserId_fkey"
  foreign key ("paymentUserId") references "PaymentUser" (id) on delete restrict on update cascade;
alter table "CreditGrant" add constraint "CreditGrant_workspaceId_fkey"
  foreign key ("workspaceId") references "Workspace" (id) on delete restrict on update cascade;
alter table "CreditGrant" add constraint "CreditGrant_creditRecordId_fkey"
  foreign key ("creditRecordId") references "CreditRecord" (id) on delete restrict on update cascade;
alter table "Checkout" add constraint "Checkout_workspaceId_fkey"
  foreign key ("workspaceId") references "Workspace" (id) on delete restrict on update cascade;
alter table "Checkout" add constraint "Checkout_paymentUserId_fkey"
  foreign key ("paymentUserId") references "PaymentUser" (id) on delete restrict on update cascade;
