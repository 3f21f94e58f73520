-- What the model of a hold has done by now, and the price that is kept for it.

alter table "Hold" add column work jsonb;
