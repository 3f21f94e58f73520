// The page's side: sends what was said, as useChat of the AI SDK would, and shows the answer and the points as they come.

/** Whoever stops is charged once the server has heard of it, which is soon. */
const SETTLED = { askEveryMs: 250, asksMax: 20 };

const [form, prompt, send, stop, log, points, status] = [
  'form',
  '#prompt',
  '#send',
  '#stop',
  '#log',
  '#points',
  '#status',
].map((selector) => document.querySelector(selector));

/** What was said so far, as the AI SDK keeps it. */
const messages = [];
let left = 0;
/** Ends the answer that is being written. */
let running;

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const text = prompt.value.trim();
  if (text !== '' && running === undefined) ask(text);
});
prompt.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') running?.abort();
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});
stop.addEventListener('click', () => running?.abort());
showPoints((await balance()).left);

async function ask(text) {
  const before = left;
  setRunning(new AbortController());
  prompt.value = '';
  add('question', text);
  say('user', text);
  const answer = add('answer');
  answer.ariaBusy = 'true';
  let refusal;
  try {
    refusal = await write(answer, running.signal);
  } catch {
    refusal = running.signal.aborted ? undefined : 'The answer broke off. Only what came is charged.';
  }
  answer.ariaBusy = 'false';
  await settled();
  finish(answer, before - left, refusal);
}

/** Writes the answer as it comes. Returns why there is none, or no more of it. */
async function write(answer, signal) {
  const response = await fetch('/chat', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ messages }),
    signal,
  });
  if (!response.ok) return `The server answers ${response.status}.`;
  let refusal;
  for await (const part of partsOf(response)) {
    if (part.type === 'text-delta') follow(() => answer.append(part.delta));
    if (part.type === 'data-points') showPoints(part.data);
    if (part.type === 'error') refusal = part.errorText;
  }
  return refusal;
}

/** The parts of a UI message stream: server-sent events of JSON. */
async function* partsOf(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = (rest + value).split('\n\n');
    rest = events.pop();
    for (const event of events)
      if (event.startsWith('data: {')) yield JSON.parse(event.slice('data: '.length));
  }
}

function finish(answer, charged, refusal) {
  const text = answer.textContent;
  if (text === '') answer.remove();
  else say('assistant', text);
  if (refusal !== undefined) add('refusal', refusal).role = 'alert';
  // What nothing answers is not said again.
  if (text === '' && refusal !== undefined) messages.pop();
  const sum = `${charged} ${charged === 1 ? 'point' : 'points'}`;
  const charge = running.signal.aborted ? `Stopped · ${sum} for what was written` : sum;
  if (text !== '' || charged > 0) add('charge', charge);
  if (refusal === undefined) status.textContent = `${charge}. ${points.textContent}.`;
  setRunning(undefined);
}

async function settled() {
  for (let asks = 0; asks < SETTLED.asksMax; asks++) {
    const now = await balance();
    showPoints(now.left);
    if (now.isSettled) return;
    await new Promise((resolve) => setTimeout(resolve, SETTLED.askEveryMs));
  }
}

async function balance() {
  try {
    return await (await fetch('/points')).json();
  } catch {
    return { left, isSettled: true };
  }
}

function showPoints(now) {
  left = now;
  points.firstElementChild.textContent = now.toLocaleString('en');
  points.classList.toggle('empty', now === 0);
}

function setRunning(controller) {
  const hadFocus = [send, stop].includes(document.activeElement);
  running = controller;
  send.hidden = running !== undefined;
  stop.hidden = running === undefined;
  // One takes the place of the other, also for whoever uses the keyboard.
  if (hadFocus) (send.hidden ? stop : send).focus();
}

function say(role, text) {
  messages.push({ id: crypto.randomUUID(), role, parts: [{ type: 'text', text }] });
}

function add(kind, text = '') {
  document.querySelector('#welcome')?.remove();
  const paragraph = document.createElement('p');
  paragraph.className = kind;
  paragraph.textContent = text;
  follow(() => log.append(paragraph));
  return paragraph;
}

/** Changes the page, and stays at its end where its reader is there. */
function follow(change) {
  const { scrollHeight, scrollTop, clientHeight } = document.documentElement;
  const isAtEnd = scrollHeight - scrollTop - clientHeight < 40;
  change();
  if (isAtEnd) document.documentElement.scrollTop = document.documentElement.scrollHeight;
}
