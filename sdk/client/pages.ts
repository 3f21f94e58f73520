/** One page of a list, newest first. */
export type Page<Row> = { data: Row[]; hasMore: boolean; nextCursor: string | null };

/** The rows of a list. Nothing is asked before they are read: each page when the one before has been used up. */
export class Rows<Row> implements AsyncIterable<Row> {
  readonly #ask: (cursor: string | undefined) => Promise<Page<Row>>;
  readonly #cursor: string | undefined;

  constructor(ask: (cursor: string | undefined) => Promise<Page<Row>>, cursor: string | undefined) {
    this.#ask = ask;
    this.#cursor = cursor;
  }

  /** The first page alone. Its `nextCursor`, sent as `cursor`, goes on from there. */
  page(): Promise<Page<Row>> {
    return this.#ask(this.#cursor);
  }

  async *pages(): AsyncGenerator<Page<Row>, void, undefined> {
    let page = await this.page();
    yield page;
    while (page.nextCursor !== null) {
      page = await this.#ask(page.nextCursor);
      yield page;
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Row, void, undefined> {
    for await (const { data } of this.pages()) yield* data;
  }
}
