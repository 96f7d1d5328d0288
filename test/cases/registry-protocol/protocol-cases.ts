import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DigestAlgorithm, digestOf } from '../../../src/images/digest.ts';
import { fallbackTag } from '../../../src/images/fallback-tag.ts';

/** What README.md of this folder describes, as types. */
export interface ProtocolCase {
  title: string;
  contents?: Record<string, { text?: string; repeat?: string; times?: number; json?: unknown }>;
  steps: ProtocolStep[];
}

export interface ProtocolStep {
  /** Uploads this content to `to` (default: `{repo}`) in one request. */
  push?: string;
  to?: string | number;
  /** `METHOD PATH`. */
  do?: string;
  as?: 'writer' | 'reader' | 'stranger' | 'wrong' | 'nobody';
  headers?: Record<string, string>;
  /** The content to send; `from` and `to` cut it, unless `bytes` says what they cut. */
  body?: string;
  /** Sent without a length. */
  streamed?: boolean;
  status?: number;
  answer?: Record<string, string | null>;
  /** A part of the JSON that is answered. */
  json?: unknown;
  /** The content that is answered; the empty name is "no bytes". */
  bytes?: string;
  from?: number;
  /** Repositories that the catalogue has, or has not. */
  contains?: string[];
  lacks?: string[];
  /** Remembers the Location under this name; `{id:NAME}` is its last segment. */
  keep?: string;
}

export function readProtocolCases(): { subject: string; cases: ProtocolCase[] }[] {
  return readdirSync(import.meta.dirname)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => ({
      subject: file.replace('.json', ''),
      cases: JSON.parse(readFileSync(join(import.meta.dirname, file), 'utf8')) as ProtocolCase[],
    }));
}

/** The names of one case: contents, repositories, locations. */
export class CaseNames {
  readonly #contents: NonNullable<ProtocolCase['contents']>;
  readonly #bytes = new Map<string, Buffer>([['empty', Buffer.from('{}')]]);
  readonly #texts = new Map<string, string>();

  constructor(contents: ProtocolCase['contents'], number: string) {
    this.#contents = contents ?? {};
    this.#texts.set('repo', `p/images/case-${number}`);
    this.#texts.set('other', `p/elsewhere/case-${number}`);
  }

  remember(name: string, location: string): void {
    this.#texts.set(name, location);
  }

  bytes(name: string): Buffer {
    const known = this.#bytes.get(name);
    if (known !== undefined) return known;
    const content = this.#contents[name];
    if (content === undefined) throw new Error(`the case has no content ${name}`);
    const text =
      content.json !== undefined
        ? this.fill(JSON.stringify(content.json))
        : content.repeat !== undefined
          ? content.repeat.repeat(content.times ?? 1)
          : this.fill(content.text ?? '');
    const bytes = Buffer.from(text);
    this.#bytes.set(name, bytes);
    return bytes;
  }

  /** Replaces every `{...}` that names something; other braces stay. */
  fill(text: string): string {
    return text
      .replace(/\{repeat:(.):(\d+)\}/g, (_, unit: string, times: string) => unit.repeat(Number(times)))
      .replace(/\{(sha256|sha512):(\w+)\}/g, (_, algorithm: DigestAlgorithm, name: string) =>
        digestOf(this.bytes(name), algorithm),
      )
      .replace(/\{fallback:(\w+)\}/g, (_, name: string) => fallbackTag(digestOf(this.bytes(name))))
      .replace(/\{size:(\w+)\}/g, (_, name: string) => String(this.bytes(name).length))
      .replace(/\{id:(\w+)\}/g, (_, name: string) => this.#texts.get(name)?.split('/').at(-1) ?? '')
      .replace(/\{(\w+)\}/g, (whole, name: string) => this.#texts.get(name) ?? whole);
  }

  fillJson(value: unknown): unknown {
    return JSON.parse(this.fill(JSON.stringify(value)));
  }
}
