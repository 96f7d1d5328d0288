/** A shorter line would be found everywhere: masked, it would make the log unreadable, and hide nothing. */
export const SHORTEST_MASKED = 4;

/** Where tools break base64: base64(1) and MIME, then PEM. */
const WRAPS = [76, 64];

/**
 * The texts by which a secret shows itself in a log, none of them longer than one line: its lines, and its JSON, URL and
 * base64 forms (decision 0028). Base64 is found inside of a longer value as well, where its letters depend on how many bytes
 * stand before it: so at each of the three offsets, as far as its own bits decide them.
 */
export function secretShapes(value: string): string[] {
  const whole = value.replace(/[\r\n]+$/, '');
  const json = JSON.stringify(whole).slice(1, -1);
  const url = encodeURIComponent(whole);
  const encoded = base64Shapes(Buffer.from(whole));
  const shapes = [
    ...whole.split(/\r?\n/).map((line) => line.trim()),
    json,
    json.replace(/[<>&]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`),
    url,
    url.replaceAll('%20', '+'),
    ...encoded,
    ...encoded.map((shape) => shape.replaceAll('+', '-').replaceAll('/', '_')),
  ];
  return [...new Set(shapes)].filter((shape) => shape.length >= SHORTEST_MASKED && !shape.includes('\n'));
}

function base64Shapes(bytes: Buffer): string[] {
  const shapes = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
  });
  const [plain = ''] = shapes;
  for (const width of WRAPS)
    for (let at = 0; plain.length > width && at < plain.length; at += width) shapes.push(plain.slice(at, at + width));
  return shapes;
}
