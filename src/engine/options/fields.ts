import { Problem } from '../../lib/problem.ts';

/**
 * One value of docker's `key=value,key=value` flags. As in Go's csv reader, a field may be quoted (`"a=b,c"`), and a quote
 * in it is doubled. A field without `=` is given back with an empty key.
 * @throws Problem `invalid`
 */
export function parseFields(text: string, flag: string): [key: string, value: string][] {
  return splitCsv(text, flag).map((field) => {
    const equals = field.indexOf('=');
    return equals < 0 ? ['', field] : [field.slice(0, equals).trim().toLowerCase(), field.slice(equals + 1)];
  });
}

function splitCsv(text: string, flag: string): string[] {
  const fields: string[] = [];
  let at = 0;
  while (at <= text.length) {
    if (text[at] !== '"') {
      const comma = text.indexOf(',', at);
      const end = comma < 0 ? text.length : comma;
      fields.push(text.slice(at, end));
      at = end + 1;
      continue;
    }
    let field = '';
    for (at++; ; at++) {
      const quote = text.indexOf('"', at);
      if (quote < 0) throw new Problem('invalid', `${flag} ${text}: a quote is never closed`);
      field += text.slice(at, quote);
      at = quote + 1;
      if (text[at] !== '"') break;
      field += '"';
    }
    if (at < text.length && text[at] !== ',')
      throw new Problem('invalid', `${flag} ${text}: after a closing quote a comma is expected`);
    fields.push(field);
    at++;
  }
  return fields;
}

/**
 * The fields as an object; each key once.
 * @param known every key that means something
 * @throws Problem `invalid` for a key that is unknown, given twice or missing
 */
export function fieldsOf(text: string, flag: string, known: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const [key, value] of parseFields(text, flag)) {
    if (key === '')
      throw new Problem('invalid', `${flag} ${text}: ${JSON.stringify(value)} is no key=value`, {
        hint: `Keys: ${known.join(', ')}.`,
      });
    if (!known.includes(key))
      throw new Problem('invalid', `${flag} ${text}: unknown key ${JSON.stringify(key)}`, {
        hint: `Keys: ${known.join(', ')}.`,
      });
    if (found.has(key)) throw new Problem('invalid', `${flag} ${text}: ${key} is given twice`);
    found.set(key, value);
  }
  return found;
}
