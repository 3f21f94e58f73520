import { clearable, type Field, group, integer, listOf, oneOf, required, text } from '../api/params.ts';

/** Parameters that more than one verb of subscriptions takes. */
export const prorationBehavior = oneOf('always_invoice', 'create_prorations', 'none');
export const trialSettings = group({
  end_behavior: required(
    group({ missing_payment_method: required(oneOf('cancel', 'create_invoice', 'pause')) }),
  ),
});
export const paymentSettings = group({
  payment_method_types: clearable(listOf(text())),
  save_default_payment_method: oneOf('off', 'on_subscription'),
});
export const paymentBehavior = oneOf(
  'allow_incomplete',
  'default_incomplete',
  'error_if_incomplete',
  'pending_if_incomplete',
);
/** A moment in seconds, or a word for one. */
export function moment<const T extends string>(...words: T[]): Field<number | T | undefined> {
  const [read, word] = [integer(), oneOf(...words)];
  return (value, param) =>
    typeof value === 'string' && (words as string[]).includes(value)
      ? word(value, param)
      : read(value, param);
}

export const cancellationDetails = group({
  comment: clearable(text()),
  feedback: clearable(
    oneOf(
      'customer_service',
      'low_quality',
      'missing_features',
      'other',
      'switched_service',
      'too_complex',
      'too_expensive',
      'unused',
    ),
  ),
});
