-- Wallets that are kept topped up: below which balance, by which pack and who pays it, and how the last payment went.

create type "CheckoutKind" as enum ('PURCHASE', 'TOP_UP');

create type "AutoTopUpStatus" as enum ('READY', 'PENDING', 'ACTION_REQUIRED', 'BACKING_OFF', 'STOPPED', 'DISABLED');

alter table "Credit"
  add column "topUpBelow" decimal(20, 6),
  add constraint "Credit_topUpBelow_check" check ("topUpBelow" > 0);

alter table "Checkout" add column kind "CheckoutKind" not null default 'PURCHASE';

create table "AutoTopUp" (
  "workspaceId" text not null,
  "paymentUserId" text not null,
  threshold decimal(20, 6) not null,
  pack text not null,
  currency text not null,
  "monthlyMax" decimal(20, 6) not null,
  status "AutoTopUpStatus" not null,
  why text,
  "nextTryAt" timestamptz(3),
  declines integer not null default 0,
  "checkoutId" text,
  "cardId" text,
  "createdAt" timestamptz(3) not null default current_timestamp,
  "updatedAt" timestamptz(3) not null default current_timestamp,
  constraint "AutoTopUp_pkey" primary key ("workspaceId"),
  constraint "AutoTopUp_amounts_check" check (threshold > 0 and "monthlyMax" > 0),
  constraint "AutoTopUp_declines_check" check (declines >= 0),
  constraint "AutoTopUp_status_check" check (
    ("nextTryAt" is not null) = (status = 'BACKING_OFF')
    and (why is not null) = (status in ('ACTION_REQUIRED', 'BACKING_OFF', 'STOPPED'))
  )
);

create unique index "AutoTopUp_checkoutId_key" on "AutoTopUp" ("checkoutId");
create index "AutoTopUp_paymentUserId_idx" on "AutoTopUp" ("paymentUserId");
create index "AutoTopUp_status_nextTryAt_idx" on "AutoTopUp" (status, "nextTryAt");

alter table "AutoTopUp" add constraint "AutoTopUp_workspaceId_fkey"
  foreign key ("workspaceId") references "Workspace" (id) on delete restrict on update cascade;
alter table "AutoTopUp" add constraint "AutoTopUp_paymentUserId_fkey"
  foreign key ("paymentUserId") references "PaymentUser" (id) on delete restrict on update cascade;
alter table "AutoTopUp" add constraint "AutoTopUp_checkoutId_fkey"
  foreign key ("checkoutId") references "Checkout" (id) on delete restrict on update cascade;
