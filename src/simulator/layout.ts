export type PageAnswer = { status: number; html: string; location?: string };

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}

const STYLE = `
:root { color-scheme: light dark; --ink: light-dark(#1a1f36, #e8eaf2); --soft: light-dark(#5b6178, #a3a9bf);
  --line: light-dark(#d9dce6, #3a3f55); --page: light-dark(#f5f6fa, #12141d); --card: light-dark(#fff, #1b1e2b);
  --accent: light-dark(#4f46e5, #8b85ff); --on-accent: light-dark(#fff, #12141d); --bad: light-dark(#b3261e, #ff9d94); }
* { box-sizing: border-box; margin: 0; }
body { background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; padding: 1rem; }
main { background: var(--card); border: 1px solid var(--line); border-radius: 14px; margin: 4vh auto 0; max-width: 27rem;
  padding: 1.5rem; display: grid; gap: 1.25rem; }
.badge { background: light-dark(#fff3d6, #4a3a12); border-radius: 99px; color: light-dark(#6b4a00, #ffdf94);
  font-size: .8125rem; justify-self: start; padding: .125rem .75rem; }
h1 { font-size: 2rem; line-height: 1.2; } h1 small { color: var(--soft); display: block; font-size: .9375rem; font-weight: 400; }
.lines { border-top: 1px solid var(--line); list-style: none; margin-top: 1rem; padding: 0; }
.lines li { border-bottom: 1px solid var(--line); display: flex; gap: 1rem; justify-content: space-between; padding: .625rem 0; }
.lines span { overflow-wrap: anywhere; } .lines span + span { white-space: nowrap; }
form { display: grid; gap: 1rem; } fieldset { border: 0; padding: 0; min-width: 0; }
legend, .field { font-weight: 600; } legend { margin-bottom: .25rem; padding: 0; }
select, input:is([type=email], [type=text]) { background: transparent; border: 1px solid var(--line); border-radius: 8px; color: inherit; display: block;
  font: inherit; font-weight: 400; margin-top: .25rem; min-height: 2.75rem; padding: 0 .75rem; width: 100%; }
.option { align-items: center; border: 1px solid var(--line); cursor: pointer; display: flex; gap: .75rem; margin-top: -1px;
  min-height: 2.75rem; padding: 0 .75rem; }
.option:first-of-type { border-radius: 8px 8px 0 0; } .option:last-of-type { border-radius: 0 0 8px 8px; }
.option small { color: var(--soft); margin-left: auto; text-align: right; }
input[type=radio] { accent-color: var(--accent); height: 1.125rem; width: 1.125rem; }
button { background: var(--accent); border: 1px solid var(--accent); border-radius: 8px; color: var(--on-accent); cursor: pointer;
  font: inherit; font-weight: 600; min-height: 2.875rem; width: 100%; }
button.quiet { background: transparent; color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.problem { border: 1px solid var(--bad); border-radius: 8px; color: var(--bad); padding: .625rem .75rem; }
.back { text-align: center; } a { color: var(--accent); }`;

/** A page of the simulator: plain HTML, without a script. */
export function layout(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Stripe simulator</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<p class="badge">Stripe simulator · no real money</p>
${body}
</main>
</body>
</html>
`;
}

export function renderMissing(): string {
  return layout('Not found', '<h1>Nothing here</h1><p>There is no page at this address.</p>');
}
