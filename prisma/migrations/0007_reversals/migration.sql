-- Payments that are reversed: refunds and disputes, what was taken back of a purchase, what is owed of it, and which later
-- purchase has paid it.

create type "ReversalKind" as enum ('REFUND', 'DISPUTE');

create type "ReversalStatus" as enum ('PENDING', 'SUCCEEDED', 'FAILED', 'INQUIRY', 'OPEN', 'WON', 'LOST');

alter type "OperationType" add value 'CLAW_BACK';

alter table "Credit"
  add column debt decimal(20, 6) not null default 0,
  add constraint "Credit_debt_check" check (debt >= 0);

alter table "CreditGrant"
  add column reversed decimal(20, 6) not null default 0,
  add column debt decimal(20, 6) not null default 0,
  add constraint "CreditGrant_reversed_check" check (debt >= 0 and reversed between debt and amount);

create table "DebtPayment" (
  "debtorId" text not null,
  "payerId" text not null,
  "workspaceId" text not null,
  amount decimal(20, 6) not null,
  "createdAt" timestamptz(3) not null default current_timestamp,
  "updatedAt" timestamptz(3) not null default current_timestamp,
  constraint "DebtPayment_pkey" primary key ("debtorId", "payerId", "workspaceId"),
  constraint "DebtPayment_amount_check" check (amount >= 0)
);

create index "DebtPayment_payerId_workspaceId_idx" on "DebtPayment" ("payerId", "workspaceId");

alter table "DebtPayment" add constraint "DebtPayment_debtorId_workspaceId_fkey"
  foreign key ("debtorId", "workspaceId") references "CreditGrant" (id, "workspaceId") on delete restrict on update cascade;
alter table "DebtPayment" add constraint "DebtPayment_payerId_workspaceId_fkey"
  foreign key ("payerId", "workspaceId") references "CreditGrant" (id, "workspaceId") on delete restrict on update cascade;
alter table "DebtPayment" add constraint "DebtPayment_workspaceId_fkey"
  foreign key ("workspaceId") references "Workspace" (id) on delete restrict on update cascade;

alter table "Payment"
  add column refunded decimal(20, 6) not null default 0,
  add column disputed decimal(20, 6) not null default 0,
  add column "readingsBegun" integer not null default 0,
  add column "readingApplied" integer not null default 0,
  add constraint "Payment_reversed_check" check (refunded >= 0 and disputed >= 0),
  add constraint "Payment_readings_check" check ("readingApplied" between 0 and "readingsBegun");

create table "Reversal" (
  id text not null,
  "paymentId" text not null,
  "workspaceId" text,
  kind "ReversalKind" not null,
  amount decimal(20, 6) not null,
  currency text not null,
  status "ReversalStatus" not null,
  "createdAt" timestamptz(3) not null default current_timestamp,
  "updatedAt" timestamptz(3) not null default current_timestamp,
  constraint "Reversal_pkey" primary key (id),
  constraint "Reversal_amount_check" check (amount >= 0),
  constraint "Reversal_status_check" check (
    status in ('PENDING', 'SUCCEEDED', 'FAILED') and kind = 'REFUND'
    or status in ('INQUIRY', 'OPEN', 'WON', 'LOST') and kind = 'DISPUTE'
  )
);

create table "RefundRequest" (
  id text not null,
  "paymentId" text not null,
  amount decimal(20, 6) not null,
  asked decimal(20, 6),
  "requestKey" text,
  "createdAt" timestamptz(3) not null default current_timestamp,
  constraint "RefundRequest_pkey" primary key (id),
  constraint "RefundRequest_amount_check" check (amount > 0 and asked > 0)
);

create index "Reversal_paymentId_idx" on "Reversal" ("paymentId");
create index "Reversal_workspaceId_createdAt_idx" on "Reversal" ("workspaceId", "createdAt");
create index "Reversal_createdAt_id_idx" on "Reversal" ("createdAt", id);
create index "RefundRequest_paymentId_idx" on "RefundRequest" ("paymentId");
create unique index "RefundRequest_requestKey_key" on "RefundRequest" ("requestKey");

alter table "Reversal" add constraint "Reversal_paymentId_fkey"
  foreign key ("paymentId") references "Payment" (id) on delete restrict on update cascade;
alter table "Reversal" add constraint "Reversal_workspaceId_fkey"
  foreign key ("workspaceId") references "Workspace" (id) on delete restrict on update cascade;
alter table "RefundRequest" add constraint "RefundRequest_paymentId_fkey"
  foreign key ("paymentId") references "Payment" (id) on delete restrict on update cascade;
