import { invalid } from './errors.ts';

/** What a form says: text, or a group of values by name. Lists are groups named 0, 1, 2, … */
export type FormValue = string | Form;
export type Form = Map<string, FormValue>;

const PAIRS_MAX = 1000; // more than any request of a person; keeps a hostile body cheap
const DEPTH_MAX = 6; // Stripe's deepest parameters have five levels

/** Decodes `a[b][0][c]=d`, in bodies and in queries alike. `a[]=x` appends. */
export function decodeForm(text: string): Form {
  const form: Form = new Map();
  const pairs = [...new URLSearchParams(text)];
  if (pairs.length > PAIRS_MAX) throw invalid(`Too many parameters: at most ${PAIRS_MAX} are read.`);
  for (const [name, value] of pairs) put(form, pathOf(name), value, name);
  return form;
}

/** The same for any order of the same parameters; what idempotency compares. */
export function canonicalForm(text: string): string {
  return JSON.stringify([...new URLSearchParams(text)].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

function pathOf(name: string): string[] {
  const match = /^([^[\]]+)((?:\[[^[\]]*\])*)$/.exec(name);
  if (match === null) throw invalid(`Invalid parameter name: ${name}`, { param: name });
  const inner = match[2] === '' ? [] : match[2]!.slice(1, -1).split('][');
  if (inner.length >= DEPTH_MAX) throw invalid(`Invalid parameter name: ${name}`, { param: name });
  return [match[1]!, ...inner];
}

function put(form: Form, path: string[], value: string, name: string): void {
  const [head, ...rest] = path;
  if (rest.length === 0) {
    form.set(head === '' ? String(form.size) : head!, value);
    return;
  }
  const key = head === '' ? appendKey(form, rest[0]!) : head!;
  const inner = form.get(key) ?? new Map<string, FormValue>();
  if (typeof inner === 'string')
    throw invalid(`Invalid request: ${name} is text and a group.`, { param: name });
  form.set(key, inner);
  put(inner, rest, value, name);
}

/** `items[][a]=1&items[][b]=2&items[][a]=3` is two items: a repeated name begins the next. */
function appendKey(form: Form, nextName: string): string {
  const last = form.get(String(form.size - 1));
  return last instanceof Map && !last.has(nextName) ? String(form.size - 1) : String(form.size);
}
