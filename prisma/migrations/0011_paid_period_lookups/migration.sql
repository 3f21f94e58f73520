-- Whose a subscription is, is asked by its name alone; which invoices are kept, by theirs.

create index "PaidPeriod_subscriptionId_idx" on "PaidPeriod" ("subscriptionId");
create index "PaidPeriod_invoiceId_idx" on "PaidPeriod" ("invoiceId");
