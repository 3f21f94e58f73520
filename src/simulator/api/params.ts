import { invalid } from './errors.ts';
import type { Form, FormValue } from './form.ts';

/** Reads one parameter: undefined when it was not sent. Throws what Stripe answers when it cannot be used. */
export type Field<T> = (value: FormValue | undefined, param: string) => T;
export type Shape = Record<string, Field<unknown>>;
export type Params<S extends Shape> = { [K in RequiredKey<S>]: Value<S[K]> } & {
  [K in Exclude<keyof S, RequiredKey<S>>]?: Value<S[K]>;
};
type Value<F> = F extends Field<infer T> ? T : never;
type RequiredKey<S> = { [K in keyof S]: undefined extends Value<S[K]> ? never : K }[keyof S];

/** Reads a form by its shape. A parameter that the shape does not name is refused, never ignored. */
export function readParams<S extends Shape>(shape: S, form: Form, parent = ''): Params<S> {
  const nameOf = (key: string) => (parent === '' ? key : `${parent}[${key}]`);
  const unknown = [...form.keys()].filter((key) => !Object.hasOwn(shape, key)).map(nameOf);
  if (unknown.length > 0) {
    throw invalid(`Received unknown parameter${unknown.length > 1 ? 's' : ''}: ${unknown.join(', ')}`, {
      code: 'parameter_unknown',
      param: unknown[0]!,
    });
  }
  const entries = Object.entries(shape).map(([key, field]) => [key, field(form.get(key), nameOf(key))]);
  // The shape's own keys and fields made these entries, which Object.fromEntries cannot tell the compiler.
  return Object.fromEntries(entries) as Params<S>;
}

export function required<T>(field: Field<T | undefined>): Field<T> {
  return (value, param) => {
    const read = field(value, param);
    if (read === undefined) {
      throw invalid(`Missing required param: ${param}.`, { code: 'parameter_missing', param });
    }
    return read;
  };
}

/** Also takes an empty value, which unsets what is there: null. */
export function clearable<T>(field: Field<T>): Field<T | null> {
  return (value, param) => (value === '' ? null : field(value, param));
}

const TEXT_MAX = 5000; // Stripe's general limit for text

export function text(max = TEXT_MAX): Field<string | undefined> {
  return (value, param) => {
    if (value === undefined) return undefined;
    if (typeof value !== 'string') throw invalid(`Invalid string: ${describe(value)}`, { param });
    if (value === '') {
      throw invalid(
        `You passed an empty string for '${param}'. We assume empty values are an attempt to unset a parameter; however '${param}' cannot be unset. You should remove '${param}' from your request or supply a non-empty value.`,
        { code: 'parameter_invalid_empty', param },
      );
    }
    if (value.length > max) {
      throw invalid(
        `Invalid string: ${value.slice(0, 20)}…; must be at most ${max} characters, but was ${value.length}.`,
        { param },
      );
    }
    return value;
  };
}

export function email(): Field<string | undefined> {
  const read = text(512);
  return (value, param) => {
    const address = read(value, param);
    if (address !== undefined && !/^[^\s@]+@[^\s@]+$/.test(address)) {
      throw invalid(`Invalid email address: ${address}`, { code: 'email_invalid', param });
    }
    return address;
  };
}

export function webAddress(): Field<string | undefined> {
  const read = text();
  return (value, param) => {
    const url = read(value, param);
    if (url !== undefined && !/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : '')) {
      throw invalid('Not a valid URL', { code: 'url_invalid', param });
    }
    return url;
  };
}

export function integer({
  min = 0,
  max = Number.MAX_SAFE_INTEGER,
}: {
  min?: number;
  max?: number;
} = {}): Field<number | undefined> {
  return (value, param) => {
    if (value === undefined) return undefined;
    const number = typeof value === 'string' && /^-?\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
    const bad = (message: string) => invalid(message, { code: 'parameter_invalid_integer', param });
    if (!Number.isSafeInteger(number)) throw bad(`Invalid integer: ${describe(value)}`);
    if (number < min)
      throw bad(`This value must be greater than or equal to ${min} (it currently is '${number}').`);
    if (number > max)
      throw bad(`This value must be less than or equal to ${max} (it currently is '${number}').`);
    return number;
  };
}

export function boolean(): Field<boolean | undefined> {
  return (value, param) => {
    if (value === undefined) return undefined;
    if (value !== 'true' && value !== 'false')
      throw invalid(`Invalid boolean: ${describe(value)}`, { param });
    return value === 'true';
  };
}

export function oneOf<const T extends string>(...values: T[]): Field<T | undefined> {
  return (value, param) => {
    if (value === undefined) return undefined;
    const found = values.find((one) => one === value);
    if (found === undefined)
      throw invalid(`Invalid ${param}: must be one of ${values.join(', ')}`, { param });
    return found;
  };
}

export function listOf<T>(field: Field<T>, max = 100): Field<Exclude<T, undefined>[] | undefined> {
  return (value, param) => {
    if (value === undefined) return undefined;
    if (typeof value === 'string' || [...value.keys()].some((key) => !/^\d+$/.test(key))) {
      throw invalid('Invalid array', { param });
    }
    if (value.size > max)
      throw invalid(`Array ${param} exceeded maximum ${max} allowed elements.`, { param });
    return [...value].map(
      ([key, inner]) => required(field)(inner, `${param}[${key}]`) as Exclude<T, undefined>,
    );
  };
}

export function group<S extends Shape>(shape: S): Field<Params<S> | undefined> {
  return (value, param) => {
    if (value === undefined) return undefined;
    if (typeof value === 'string') throw invalid('Invalid object', { param });
    return readParams(shape, value, param);
  };
}

/** A moment, or a range of moments, in seconds; what `created` filters by. */
export function created(): Field<((at: number) => boolean) | undefined> {
  const exact = integer();
  const range = group({ gt: integer(), gte: integer(), lt: integer(), lte: integer() });
  return (value, param) => {
    if (value === undefined) return undefined;
    if (typeof value === 'string') {
      const moment = exact(value, param);
      return (at) => at === moment;
    }
    const { gt = -1, gte = 0, lt = Infinity, lte = Infinity } = range(value, param) ?? {};
    return (at) => at > gt && at >= gte && at < lt && at <= lte;
  };
}

export function describe(value: FormValue): string {
  return typeof value === 'string' ? value : '{…}';
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Only what was sent: an update leaves the rest as it is. */
export function definedOf<T extends object>(params: T): Defined<T> {
  const defined: Defined<T> = {};
  for (const key of Object.keys(params) as (keyof T)[]) {
    const value = params[key];
    if (value !== undefined) defined[key] = value as Exclude<T[keyof T], undefined>;
  }
  return defined;
}
