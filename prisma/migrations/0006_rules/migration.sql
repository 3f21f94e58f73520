-- What must hold in every row, how the rows that change most are kept, and who moves a workspace's version.

alter table "Payment"
  add constraint "Payment_amounts_check" check (amount >= 0 and credits >= 0);

alter table "FeatureUsage"
  add constraint "FeatureUsage_used_check" check (used >= 0);

alter table "Credit"
  add constraint "Credit_identity_check" check (balance = total - "totalUsage" - expired - "clawedBack"),
  add constraint "Credit_amounts_check"
    check (balance >= 0 and total >= 0 and "totalUsage" >= 0 and expired >= 0 and "clawedBack" >= 0);

alter table "CreditRecord"
  add constraint "CreditRecord_amount_check" check (amount >= 0);

-- Spent is what the other three leave of the amount. Only a purchase of old may be of nothing.
alter table "CreditGrant"
  add constraint "CreditGrant_amount_check" check (amount > 0 or (amount = 0 and "creditRecordId" is not null)),
  add constraint "CreditGrant_remaining_check"
    check (remaining >= 0 and expired >= 0 and "clawedBack" >= 0 and remaining + expired + "clawedBack" <= amount);

alter table "CreditUsage"
  add constraint "CreditUsage_amount_check" check (amount >= 0);

alter table "AIUsage"
  add constraint "AIUsage_points_check"
    check (points = "freePoints" + "paidPoints" and "freePoints" >= 0 and "paidPoints" >= 0);

alter table "Decision"
  add constraint "Decision_amounts_check"
    check (amount >= 0 and "fromAllowance" >= 0 and "fromCredits" >= 0 and "creditCost" >= 0),
  add constraint "Decision_use_check" check (
    operation <> 'USE'
    or (amount > 0 and "featureCode" is not null and (code is not null or amount = "fromAllowance" + "fromCredits"))
  ),
  add constraint "Decision_refund_check"
    check (("refundOf" is not null) = (operation = 'REFUND' and code is null)),
  add constraint "Decision_key_check" check ("idempotencyKey" is null or fingerprint is not null);

alter table "Checkout"
  add constraint "Checkout_amounts_check" check (amount > 0 and credits > 0);

alter table "ApiKey"
  add constraint "ApiKey_hash_check" check (hash ~ '^[0-9a-f]{64}$');

alter table "Simulator"
  add constraint "Simulator_id_check" check (id = 1);

alter table "TestClock"
  add constraint "TestClock_id_check" check (id = 1);

-- These rows change with every use. Room on their page, and no index on what changes, keeps the new version of a row
-- beside the old one; early vacuums keep the pages few.
alter table "Credit" set (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
alter table "CreditGrant" set (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
alter table "FeatureUsage" set (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

-- A decision depends on the subscription: whoever changes one, states of its workspace that were read before are stale.
create function "moveCreditVersion"() returns trigger language plpgsql set search_path from current as $$
begin
  -- `old` is null after an insert, `new` after a delete.
  update "Credit" set version = version + 1 where "workspaceId" in (old."workspaceId", new."workspaceId");
  return null;
end
$$;

create trigger "Subscription_moves_version" after insert or update or delete on "Subscription"
  for each row execute function "moveCreditVersion"();
