/** The id of what may be an id or the object itself. Rows keep ids; only answers are expanded. */
export function idOf(reference: string | { id: string } | null): string | null {
  return reference === null || typeof reference === 'string' ? reference : reference.id;
}
