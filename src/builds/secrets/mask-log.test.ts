import { describe, expect, it } from 'vitest';
import { LogMask } from './mask-log.ts';

const TOKEN = 'ghp_Zx81kQ0vN3bTfWq7';
const LINE = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj';
const KEY = `-----BEGIN KEY-----\n${LINE}\nVJTUt9Us8cKjMzEfYyjiWA4R4==\n-----END KEY-----\n`;

function maskOf(...values: string[]): LogMask {
  const mask = new LogMask();
  for (const value of values) mask.add(value);
  return mask;
}

/** The text that comes out when it comes in pieces of a length. */
function inPieces(mask: LogMask, text: string, length: number): string {
  const stream = mask.stream();
  let out = '';
  for (let at = 0; at < text.length; at += length) out += stream.push(text.slice(at, at + length));
  return out + stream.end();
}

describe('what is hidden', () => {
  const hidden: [what: string, secret: string, text: string, shown: string][] = [
    ['the value', TOKEN, `token=${TOKEN}.`, 'token=***.'],
    ['each time', TOKEN, `${TOKEN} and ${TOKEN}`, '*** and ***'],
    ['one beside the other', TOKEN, `${TOKEN}${TOKEN}`, '***'],
    ['a short one', 'pass', 'it is pass, bypassed', 'it is ***, by***ed'],
    ['one that came with a newline', `${TOKEN}\n`, `${TOKEN}\n`, '***\n'],
    ['each line of several', KEY, KEY, '***\n***\n***\n***\n'],
    ['a line alone', KEY, `> ${LINE}`, '> ***'],
    ['several on one line, as JSON', KEY, JSON.stringify({ key: KEY.trimEnd() }), '{"key":"***"}'],
    ['JSON with quotes', 'say "hush" now', '{"a":"say \\"hush\\" now"}', '{"a":"***"}'],
    ['in a URL', 'p@ss/w rd', 'https://u:p%40ss%2Fw%20rd@host/', 'https://u:***@host/'],
    ['in a form', 'p@ss/w rd', 'a=p%40ss%2Fw+rd', 'a=***'],
  ];
  it.each(hidden)('%s', (_what, secret, text, shown) => {
    expect(maskOf(secret).text(text)).toBe(shown);
  });

  it.each([0, 1, 2, 3])('in base64 behind %i other bytes', (before) => {
    const text = Buffer.from(`${'u'.repeat(before)}${TOKEN}:rest`).toString('base64');
    const shown = maskOf(TOKEN).text(text);
    expect(shown).toContain('***');
    const letters = Buffer.from(TOKEN).toString('base64').slice(0, 12);
    expect(shown).not.toContain(letters);
    expect(text.length - shown.length).toBeGreaterThan(20);
  });

  it('in base64 as base64(1) and PEM break it', () => {
    const long = 'correct horse battery staple '.repeat(20);
    for (const width of [76, 64]) {
      const text = Buffer.from(long)
        .toString('base64')
        .replace(new RegExp(`.{${width}}`, 'g'), '$&\n');
      const shown = maskOf(long).text(text);
      expect(shown.replace(/[*\n]/g, '').length).toBeLessThanOrEqual(4);
    }
  });

  it('in the alphabet of URLs', () => {
    const secret = '\u00ff\u00fe?>\u00ff\u00fe?>key';
    expect(maskOf(secret).text(Buffer.from(secret).toString('base64url'))).toMatch(/^\*\*\*.{0,2}$/);
  });
});

describe('what stays', () => {
  it('is everything else, whatever it looks like', () => {
    expect(maskOf(TOKEN).text('ghp_ and others: ghp_Zx81')).toBe('ghp_ and others: ghp_Zx81');
    expect(maskOf().text(TOKEN)).toBe(TOKEN);
  });

  it('is what three letters would hide', () => {
    expect(maskOf('abc', '\n', '').text('abc abcd\n')).toBe('abc abcd\n');
  });
});

describe('text in pieces', () => {
  const text = `a ${TOKEN} b\n${KEY}pass ${TOKEN.slice(0, 15)}\nthe end ${TOKEN}`;

  it.each([1, 2, 3, 7, 15, 16, 17, 64, 1000])('of %i characters comes out as in one', (length) => {
    const mask = maskOf(TOKEN, KEY, 'pass');
    expect(inPieces(mask, text, length)).toBe(mask.text(text));
    expect(mask.text(text)).not.toContain('kQ0vN3bTfWq7');
  });

  it('is held back by 15 characters at most, and at a newline by none', () => {
    const stream = maskOf(KEY.repeat(20)).stream();
    expect(stream.push('0123456789 0123456789 0123456789').length).toBe(32 - 15);
    expect(stream.push('\n')).toMatch(/\n$/);
  });

  it('takes the time of its length, also where a secret begins everywhere', () => {
    const mask = maskOf('a'.repeat(65_536), `${'a'.repeat(200)}b`);
    const time = (length: number) => {
      const begun = performance.now();
      mask.text('a'.repeat(length));
      return performance.now() - begun;
    };
    time(50_000);
    const [short, long] = [time(50_000), time(400_000)];
    expect(long).toBeLessThan(Math.max(short, 2) * 40);
  });
});
