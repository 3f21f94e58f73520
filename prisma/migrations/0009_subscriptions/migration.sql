-- Plans that are bought: what a subscription is billed for and when it ends, which periods were paid, and the credits that
-- come with a plan.

alter type "GrantType" add value 'PLAN' before 'OPENING';

alter table "PaymentUser"
  add column "readingsBegun" integer not null default 0,
  add column "readingApplied" integer not null default 0,
  add constraint "PaymentUser_readings_check" check ("readingApplied" between 0 and "readingsBegun");

alter table "Subscription"
  add column "allowanceAnchor" timestamptz(3),
  add column "trialEnd" timestamptz(3),
  add column "graceUntil" timestamptz(3),
  add column "cancelAt" timestamptz(3),
  add column "endReason" text,
  add column interval text,
  add column currency text,
  add column "paymentUserId" text,
  add column "pendingPlan" "PlanType",
  add column "pendingInterval" text,
  add column "pendingAt" timestamptz(3),
  add constraint "Subscription_interval_check" check (interval in ('month', 'year')),
  add constraint "Subscription_pending_check" check (
    ("pendingPlan" is null) = ("pendingAt" is null) and ("pendingInterval" is null) = ("pendingAt" is null)
    and "pendingInterval" in ('month', 'year')
  );

create index "Subscription_paymentUserId_idx" on "Subscription" ("paymentUserId");
create index "Subscription_endDate_idx" on "Subscription" ("endDate");

alter table "Subscription" add constraint "Subscription_paymentUserId_fkey"
  foreign key ("paymentUserId") references "PaymentUser" (id) on delete restrict on update cascade;

alter table "Payment" add column "invoiceId" text;
create unique index "Payment_invoiceId_key" on "Payment" ("invoiceId");

alter table "Checkout"
  alter column credits drop not null,
  add column plan "PlanType",
  add column interval text,
  add column "trialDays" integer,
  add constraint "Checkout_wanted_check" check (
    (credits is null) = (plan is not null) and (interval is null) = (plan is null) and interval in ('month', 'year')
    and ("trialDays" is null or plan is not null)
  );

create table "PaidPeriod" (
  id text not null,
  "workspaceId" text not null,
  "subscriptionId" text not null,
  "invoiceId" text not null,
  "paymentId" text,
  plan "PlanType" not null,
  "startDate" timestamptz(3) not null,
  "endDate" timestamptz(3) not null,
  "createdAt" timestamptz(3) not null default current_timestamp,
  constraint "PaidPeriod_pkey" primary key (id, "workspaceId"),
  constraint "PaidPeriod_dates_check" check ("startDate" < "endDate")
);

create index "PaidPeriod_workspaceId_subscriptionId_idx" on "PaidPeriod" ("workspaceId", "subscriptionId");
create index "PaidPeriod_endDate_idx" on "PaidPeriod" ("endDate");
create index "PaidPeriod_paymentId_idx" on "PaidPeriod" ("paymentId");

create table "PlanCredit" (
  "workspaceId" text not null,
  "subscriptionId" text not null,
  month timestamptz(3) not null,
  plan "PlanType" not null,
  amount decimal(20, 6) not null,
  "grantId" text not null,
  "paymentId" text,
  "createdAt" timestamptz(3) not null default current_timestamp,
  constraint "PlanCredit_pkey" primary key ("workspaceId", "subscriptionId", month, plan),
  constraint "PlanCredit_amount_check" check (amount > 0)
);

create index "PlanCredit_paymentId_idx" on "PlanCredit" ("paymentId");

alter table "PaidPeriod" add constraint "PaidPeriod_workspaceId_fkey"
  foreign key ("workspaceId") references "Workspace" (id) on delete restrict on update cascade;
alter table "PaidPeriod" add constraint "PaidPeriod_paymentId_fkey"
  foreign key ("paymentId") references "Payment" (id) on delete restrict on update cascade;
alter table "PlanCredit" add constraint "PlanCredit_workspaceId_fkey"
  foreign key ("workspaceId") references "Workspace" (id) on delete restrict on update cascade;
alter table "PlanCredit" add constraint "PlanCredit_paymentId_fkey"
  foreign key ("paymentId") references "Payment" (id) on delete restrict on update cascade;
