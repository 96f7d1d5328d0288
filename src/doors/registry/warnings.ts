import type { OutgoingHttpHeaders } from 'node:http';

/** distribution-spec, "Warnings": all of one answer together. */
const LIMIT_BYTES = 4096;

/**
 * What a client should tell its person although the request succeeded, as containerd and regclient do. Texts that find no
 * room are left out whole.
 */
export function warningHeaders(texts: readonly string[]): OutgoingHttpHeaders {
  const lines: string[] = [];
  let room = LIMIT_BYTES;
  for (const text of texts) {
    const line = `299 - "${quoted(text)}"`;
    if (line.length > room) break;
    room -= line.length;
    lines.push(line);
  }
  return lines.length === 0 ? {} : { Warning: lines };
}

/** A header carries printable ASCII; the quotes around a text and backslashes are escaped (RFC 9110, section 5.6.4). */
function quoted(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, ' ').replace(/["\\]/g, '\\$&');
}
