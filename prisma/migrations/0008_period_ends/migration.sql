-- What was used counts against the allowance of another plan until the period ends that it was counted in.

alter table "FeatureUsage"
  add column "periodEnd" timestamptz(3),
  add constraint "FeatureUsage_periodEnd_check" check ("periodEnd" > "periodStart");
