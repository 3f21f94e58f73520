-- Holds: what is reserved before the work, until it is settled or released.

alter type "OperationType" add value 'HOLD';
alter type "OperationType" add value 'PROGRESS';
alter type "OperationType" add value 'SETTLE';
alter type "OperationType" add value 'RELEASE';

create type "HoldStatus" as enum ('HELD', 'SETTLED', 'RELEASED');

alter table "Credit"
  add column held decimal(20, 6) not null default 0,
  add constraint "Credit_held_check" check (held between 0 and balance);

create table "Hold" (
  id text not null,
  "workspaceId" text not null,
  "featureCode" text not null,
  amount decimal(20, 6) not null,
  "fromAllowance" decimal(20, 6) not null,
  "fromCredits" decimal(20, 6) not null,
  "creditCost" decimal(20, 6) not null,
  sources jsonb not null,
  "creditsPerUnit" decimal(20, 6),
  "periodStart" timestamptz(3),
  "periodEnd" timestamptz(3),
  "aiType" "AIUsageType",
  "pageId" text,
  status "HoldStatus" not null default 'HELD',
  "progressAmount" decimal(20, 6) not null default 0,
  "settledAmount" decimal(20, 6),
  "endedBy" text,
  "ttlSeconds" integer not null,
  "expiresAt" timestamptz(3) not null,
  "onExpire" text not null,
  "createdAt" timestamptz(3) not null default current_timestamp,
  "updatedAt" timestamptz(3) not null default current_timestamp,
  constraint "Hold_pkey" primary key (id, "workspaceId"),
  constraint "Hold_amounts_check" check (
    amount > 0 and amount = "fromAllowance" + "fromCredits" and "fromAllowance" >= 0 and "fromCredits" >= 0
    and "creditCost" >= 0 and ("creditCost" = 0) = ("fromCredits" = 0)
    and ("fromCredits" = 0 or "creditsPerUnit" is not null)
  ),
  constraint "Hold_status_check" check (
    (status = 'HELD') = ("endedBy" is null) and (status = 'SETTLED') = ("settledAmount" is not null)
    and "settledAmount" >= 0 and "progressAmount" >= 0
  ),
  constraint "Hold_expiry_check" check (
    "onExpire" in ('release', 'settle') and "ttlSeconds" between 1 and 86400 and "expiresAt" > "createdAt"
  ),
  constraint "Hold_ai_check" check (("aiType" is null) = ("pageId" is null))
);

create index "Hold_workspaceId_idx" on "Hold" ("workspaceId") where "endedBy" is null;
create index "Hold_workspaceId_id_idx" on "Hold" ("workspaceId", id);

-- As text: a value that was added to a type can be named only once that is committed.
alter table "Decision"
  drop constraint "Decision_use_check",
  add constraint "Decision_use_check" check (
    operation::text not in ('USE', 'HOLD', 'SETTLE')
    or (
      (amount > 0 or operation::text = 'SETTLE') and "featureCode" is not null
      and (code is not null or amount = "fromAllowance" + "fromCredits")
    )
  );
