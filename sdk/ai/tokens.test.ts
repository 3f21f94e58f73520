import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf, reserved, tokensOfBytes, tokensOfPrompt } from './tokens.ts';

for (const text of ['', 'Hello', 'Grüße', 'Привет', '你好,世界', '🎈 up', '\ud83c', 'a\u0800z']) {
  test(`${JSON.stringify(text)} has the bytes of its UTF-8`, () => {
    // A half of a pair cannot be encoded alone: it counts as half of the character that it will be.
    const expected = text === '\ud83c' ? 2 : new TextEncoder().encode(text).length;
    assert.equal(bytesOf(text), expected);
  });
}

test('a text in pieces has the bytes of its pieces, wherever it is cut', () => {
  const text = 'Ein 🎈 für 你';
  for (let cut = 0; cut <= text.length; cut++) {
    assert.equal(bytesOf(text.slice(0, cut)) + bytesOf(text.slice(cut)), bytesOf(text));
  }
});

for (const [bytes, tokens] of [
  [0, 0],
  [1, 1],
  [4, 1],
  [5, 2],
  [4000, 1000],
] as const) {
  test(`${bytes} bytes are ${tokens} tokens`, () => assert.equal(tokensOfBytes(bytes), tokens));
}

test('a third more is held than was estimated', () => {
  assert.deepEqual([0, 1, 3, 300].map(reserved), [0, 2, 4, 400]);
});

const user = (content: unknown) => [{ role: 'user', content }];

test('a prompt is all of its texts, and the names of its fields', () => {
  // role, user, content, type, text, text and 400 letters
  assert.equal(tokensOfPrompt(user([{ type: 'text', text: 'x'.repeat(400) }])), Math.ceil((27 + 400) / 4));
  assert.equal(
    tokensOfPrompt({ limit: 5, isLong: true, none: null, left: undefined }),
    Math.ceil((5 + 6 + 4) / 4 + 2),
  );
  const options = { providerOptions: { openai: { user: 'x'.repeat(4000) } } };
  assert.equal(tokensOfPrompt([{ role: 'user', content: 'Hi', ...options }]), tokensOfPrompt(user('Hi')));
});

const base64 = 'A'.repeat(40_000); // 30,000 bytes
for (const [what, part, tokens] of [
  ['an image of the AI SDK', { type: 'file', mediaType: 'image/png', data: new Uint8Array(9_000_000) }, 1600],
  ['an image by its address', { type: 'image_url', image_url: { url: 'https://example.com/a.png' } }, 1600],
  ['an image of a response', { type: 'input_image', image_url: `data:image/png;base64,${base64}` }, 1600],
  [
    'a page',
    { type: 'file', mediaType: 'application/pdf', data: { type: 'data', data: new Uint8Array(50_000) } },
    2000,
  ],
  ['a page in base64', { type: 'file', file: { file_data: base64, filename: 'a.pdf' } }, 1200],
  ['a sound', { type: 'input_audio', input_audio: { data: base64, format: 'mp3' } }, 1200],
  ['a file that is only named', { type: 'input_file', file_id: 'file-1' }, 4000],
  [
    'a text in a file',
    { type: 'file', mediaType: 'text/plain', data: { type: 'text', text: 'x'.repeat(400) } },
    100,
  ],
] as const) {
  test(`${what} is ${tokens} tokens`, () => assert.equal(tokensOfPrompt(part), tokens));
}
