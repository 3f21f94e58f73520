import { z } from 'zod';
import { textSchema } from '../lib/schemas.ts';

const EMAIL_LENGTH_MAX = 254; // RFC 5321 leaves no room for more
const EMAIL_MESSAGE = 'must be an e-mail address';

/** Spaces around it and capitals make no other person: kept trimmed and in lower case. */
const emailSchema = z
  .string(EMAIL_MESSAGE)
  .trim()
  .toLowerCase()
  .max(EMAIL_LENGTH_MAX, `must be at most ${EMAIL_LENGTH_MAX} characters`)
  .regex(z.regexes.email, EMAIL_MESSAGE)
  .meta({ format: 'email' });

const URL_LENGTH_MAX = 2048; // what browsers and Stripe take
const URL_MESSAGE = 'must be an absolute address that starts with https:// or http://';

export const urlSchema = textSchema(URL_LENGTH_MAX)
  .regex(/^https?:\/\/[^\s\p{Cc}]+$/iu, URL_MESSAGE)
  .refine((url) => URL.canParse(url), URL_MESSAGE)
  .meta({ format: 'uri' });

const USER_ID_LENGTH_MAX = 255;

/** Who pays. */
export const userSchema = z.strictObject({ userId: textSchema(USER_ID_LENGTH_MAX), email: emailSchema });
