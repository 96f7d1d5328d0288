import { randomBytes } from 'node:crypto';
import type { LogPageState } from './log-page-state.ts';

/** One page without any other file; only its own script and style run (the nonce), and text is never markup. */
export function logPageHtml(id: string, state: LogPageState, key: string): { html: string; policy: string } {
  const nonce = randomBytes(16).toString('base64');
  const policy = `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
  const data = JSON.stringify({ id, key, state }).replace(/[<>&\u2028\u2029]/g, escapeForScript);
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(state.status)} ${escapeHtml(id)}</title>
<style nonce="${nonce}">${STYLE}</style>
</head>
<body>
<header><h1 id="status" data-status="${escapeHtml(state.status)}">${escapeHtml(state.status)}</h1><code>${escapeHtml(id)}</code><p id="detail">${escapeHtml(state.detail)}</p></header>
<table><thead><tr><th>step</th><th>builder</th><th>status</th><th>took</th></tr></thead><tbody id="steps"></tbody></table>
<ul id="images"></ul>
<pre id="log" aria-label="build log"></pre>
<p id="note">Waiting for the log.</p>
<noscript>This page needs JavaScript to follow the log. In a terminal: slipway builds log ${escapeHtml(id)}</noscript>
<script nonce="${nonce}">const page = ${data};
${SCRIPT}</script>
</body>
</html>
`;
  return { html, policy };
}

/** In a script, as a JSON string may hold it without ending the script. */
function escapeForScript(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char);
}

const STYLE = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { margin: 1.5rem auto; padding: 0 1rem; max-width: 72rem; }
h1 { display: inline-block; margin: 0 .75rem 0 0; font-size: 1.25rem; }
[data-status=SUCCESS] { color: #187a2f; }
[data-status=FAILURE], [data-status=INTERNAL_ERROR], [data-status=TIMEOUT], [data-status=EXPIRED] { color: #b3261e; }
[data-status=WORKING] { color: #1a5fb4; }
@media (prefers-color-scheme: dark) {
  [data-status=SUCCESS] { color: #6bd68a; }
  [data-status=FAILURE], [data-status=INTERNAL_ERROR], [data-status=TIMEOUT], [data-status=EXPIRED] { color: #ff8a80; }
  [data-status=WORKING] { color: #8ab4f8; }
}
table { border-collapse: collapse; margin: 1rem 0; }
th, td { text-align: left; padding: .1rem 1.25rem .1rem 0; font-variant-numeric: tabular-nums; }
th { font-weight: normal; opacity: .7; }
pre { font: 13px/1.45 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; padding: .75rem; border: 1px solid #8886; border-radius: 4px; min-height: 4rem; }
`;

/** Text goes in by textContent only. The view follows the log as long as its end is on the screen. */
const SCRIPT = `
const by = (id) => document.getElementById(id);
function show(state) {
  by('status').textContent = state.status;
  by('status').dataset.status = state.status;
  by('detail').textContent = state.detail;
  document.title = state.status + ' ' + page.id;
  by('steps').replaceChildren(...state.steps.map((step) => {
    const row = document.createElement('tr');
    const took = step.seconds === null ? '' : step.seconds.toFixed(1) + ' s';
    for (const text of [step.label, step.name, step.status, took]) row.insertCell().textContent = text;
    row.cells[2].dataset.status = step.status;
    return row;
  }));
  by('images').replaceChildren(...state.images.map((image) => {
    const item = document.createElement('li');
    item.textContent = image.name + '@' + image.digest;
    return item;
  }));
}
show(page.state);
const query = page.key === '' ? '' : '&key=' + encodeURIComponent(page.key);
const source = new EventSource('/builds/' + page.id + '/log?from=0' + query);
source.addEventListener('log', (event) => {
  const end = window.innerHeight + window.scrollY >= document.body.scrollHeight - 40;
  by('log').append(JSON.parse(event.data).replace(/\\u001b\\[[0-9;]*[A-Za-z]/g, ''));
  by('note').textContent = '';
  if (end) window.scrollTo(0, document.body.scrollHeight);
});
source.addEventListener('status', (event) => show(JSON.parse(event.data)));
source.addEventListener('end', () => { source.close(); by('note').textContent = by('log').textContent === '' ? 'This build has no log.' : ''; });
source.addEventListener('error', () => { by('note').textContent = 'The connection was lost; trying again.'; });
source.addEventListener('open', () => { if (by('log').textContent !== '') by('note').textContent = ''; });
`;
