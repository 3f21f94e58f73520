/**
 * What texts are in tokens where no provider has counted them: a token for every four bytes of UTF-8. That is near what
 * today's tokenizers make of English, and of Chinese, whose characters have three bytes and are most of a token each.
 */
const BYTES_PER_TOKEN = 4;

/** Of an image in a prompt: what the dearest of the usual providers count for a large one. */
const IMAGE_TOKENS = 1_600;

/** Sounds and pages take about a token for so many bytes: 32 a second of sound, 2,000 a page of 50 kB. */
const FILE_BYTES_PER_TOKEN = 25;

/** Of a file that is only named, by an address or an id: a few pages. */
const NAMED_FILE_TOKENS = 4_000;

/** Bytes of UTF-8. A text in parts has the bytes of its parts. */
export function bytesOf(text: string): number {
  let bytes = 0;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    // Half of a pair that is one character of four bytes.
    const isHalf = unit >= 0xd800 && unit <= 0xdfff;
    bytes += unit < 0x80 ? 1 : unit < 0x800 || isHalf ? 2 : 3;
  }
  return bytes;
}

export function tokensOfBytes(bytes: number): number {
  return Math.ceil(bytes / BYTES_PER_TOKEN);
}

/** What a prompt comes to: all of its texts and the names of its fields, and its files by kind and size. */
export function tokensOfPrompt(prompt: unknown): number {
  return Math.ceil(tokensIn(prompt));
}

/** What is held for an estimated prompt: a third more, which covers code and numbers, too. */
export function reserved(tokens: number): number {
  return Math.ceil((tokens * 4) / 3);
}

function tokensIn(value: unknown): number {
  if (typeof value === 'string') return bytesOf(value) / BYTES_PER_TOKEN;
  if (typeof value === 'number' || typeof value === 'boolean') return 1;
  if (typeof value !== 'object' || value === null) return 0;
  if (value instanceof Uint8Array) return value.byteLength / FILE_BYTES_PER_TOKEN;
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + tokensIn(item), 0);
  if (isFile(value)) return tokensOfFile(value);
  return Object.entries(value)
    .filter(([name, field]) => field !== undefined && name !== 'providerOptions')
    .reduce((sum, [name, field]) => sum + bytesOf(name) / BYTES_PER_TOKEN + tokensIn(field), 0);
}

/** A part of a prompt that is no text, as the AI SDK or OpenAI's client writes it. */
type FilePart = { mediaType?: unknown; type?: unknown };

const IMAGE_PARTS: readonly unknown[] = ['image_url', 'input_image'];
const FILE_PARTS: readonly unknown[] = ['input_audio', 'input_file', 'file'];

function isFile(value: FilePart): boolean {
  return typeof value.mediaType === 'string' || [...IMAGE_PARTS, ...FILE_PARTS].includes(value.type);
}

function tokensOfFile(part: FilePart): number {
  if (IMAGE_PARTS.includes(part.type) || String(part.mediaType).startsWith('image')) return IMAGE_TOKENS;
  const { data } = part as { data?: { type?: unknown; text?: unknown } };
  if (data?.type === 'text') return tokensIn(data.text);
  const bytes = contentBytesOf(part);
  return bytes === 0 ? NAMED_FILE_TOKENS : bytes / FILE_BYTES_PER_TOKEN;
}

/** Longer than a name or an address: then it is the content, in base64. */
const NAME_LENGTH_MAX = 2_000;

function contentBytesOf(value: unknown): number {
  if (value instanceof Uint8Array) return value.byteLength;
  if (typeof value === 'string') return value.length > NAME_LENGTH_MAX ? (value.length * 3) / 4 : 0;
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce((sum: number, field) => sum + contentBytesOf(field), 0);
}
