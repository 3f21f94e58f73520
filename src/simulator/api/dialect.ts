import type { Form } from './form.ts';

/** What parameters were called before this version of the API. */
const RENAMED = { payment_method_types: 'allowed_payment_method_types' };

/** Reads a request that names no version, as Stripe's own command line sends them: by older names, too. */
export function asOfToday(form: Form): Form {
  for (const [before, now] of Object.entries(RENAMED)) {
    const sent = form.get(before);
    if (sent === undefined || form.has(now)) continue;
    form.delete(before);
    form.set(now, sent);
  }
  return form;
}
