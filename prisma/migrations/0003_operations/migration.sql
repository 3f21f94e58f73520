-- The engine's tables and those beside it, as Prisma makes them from the schema. Their foreign keys come with the others,
-- after the rows of the first shape have been carried over.

create type "GrantType" as enum ('PURCHASE', 'PROMOTION', 'ADJUSTMENT', 'OPENING');

create type "OperationType" as enum ('OPENING', 'USE', 'GRANT', 'REFUND', 'EXPIRE');

create type "CheckoutStatus" as enum ('OPEN', 'COMPLETE', 'EXPIRED', 'FAILED');

create type "StripeEventStatus" as enum ('RECEIVED', 'APPLIED', 'IGNORED', 'FAILED');

create table "CreditGrant" (
  id text not null,
  "workspaceId" text not null,
  type "GrantType" not null,
  amount decimal(20, 6) not null,
  remaining decimal(20, 6) not null,
  expired decimal(20, 6) not null default 0,
  "clawedBack" decimal(20, 6) not null default 0,
  priority integer not null default 50,
  "expiresAt" timestamptz(3),
  description text not null,
  "creditRecordId" text,
  "createdAt" timestamptz(3) not null default current_timestamp,
  "updatedAt" timestamptz(3) not null default current_timestamp,
  constraint "CreditGrant_pkey" primary key (id, "workspaceId")
);

create table "Decision" (
  id text not null,
  "workspaceId" text not null,
  operation "OperationType" not null,
  "featureCode" text,
  amount decimal(20, 6) not null,
  code text,
  "fromAllowance" decimal(20, 6) not null default 0,
  "fromCredits" decimal(20, 6) not null default 0,
  "creditCost" decimal(20, 6) not null default 0,
  "periodStart" timestamptz(3),
  "refundOf" text,
  plan "PlanType" not null,
  "catalogVersion" text not null,
  "idempotencyKey" text,
  fingerprint text,
  reasons jsonb not null,
  "createdAt" timestamptz(3) not null default current_timestamp,
  constraint "Decision_pkey" primary key (id, "workspaceId")
);

create table "Checkout" (
  id text not null,
  "workspaceId" text not null,
  "paymentUserId" text not null,
  status "CheckoutStatus" not null,
  pack text,
  amount decimal(20, 6) not null,
  currency text not null,
  credits decimal(20, 6) not null,
  "sessionId" text,
  url text,
  "expiresAt" timestamptz(3),
  "rereadAt" timestamptz(3),
  "createdAt" timestamptz(3) not null default current_timestamp,
  "updatedAt" timestamptz(3) not null default current_timestamp,
  constraint "Checkout_pkey" primary key (id)
);

create table "CatalogVersion" (
  version text not null,
  content jsonb not null,
  "servedFrom" timestamptz(3) not null default current_timestamp,
  constraint "CatalogVersion_pkey" primary key (version)
);

create table "ApiKey" (
  id text not null,
  hash text not null,
  "createdAt" timestamptz(3) not null default current_timestamp,
  "revokedAt" timestamptz(3),
  constraint "ApiKey_pkey" primary key (id)
);

create table "StripeEvent" (
  id text not null,
  type text not null,
  "objectId" text,
  livemode boolean not null,
  payload jsonb not null,
  status "StripeEventStatus" not null default 'RECEIVED',
  attempts integer not null default 0,
  error text,
  "receivedAt" timestamptz(3) not null default current_timestamp,
  "appliedAt" timestamptz(3),
  constraint "StripeEvent_pkey" primary key (id)
);

create table "IdempotentRequest" (
  key text not null,
  fingerprint text not null,
  status integer,
  body jsonb,
  "createdAt" timestamptz(3) not null default current_timestamp,
  constraint "IdempotentRequest_pkey" primary key (key)
);

create table "Simulator" (
  id integer not null default 1,
  journal text not null,
  url text,
  constraint "Simulator_pkey" primary key (id)
);

create table "TestClock" (
  id integer not null default 1,
  "offsetMs" bigint not null default 0,
  constraint "TestClock_pkey" primary key (id)
);
