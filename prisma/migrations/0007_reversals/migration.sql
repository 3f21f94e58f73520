-- Purchases that are reversed: what was taken back of them, what is owed, and which later purchase has paid it.

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
