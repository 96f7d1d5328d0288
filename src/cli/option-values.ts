import { InvalidArgumentError } from 'commander';
import { parsePlatform } from '../images/platform.ts';
import { parseBytes } from '../lib/bytes.ts';
import { parseContentUrl } from '../lib/content-url.ts';
import { messageOf, Problem } from '../lib/problem.ts';
import { durationMs } from './duration.ts';
import { parseSubstitutions } from './substitutions.ts';

/** Readers of option values. What they refuse, the command refuses before anything is done (exit code 2). */
export function countValue(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1) throw new InvalidArgumentError('It is a number from 1.');
  return count;
}

export function durationValue(text: string): number {
  return reading(() => durationMs(text));
}

export function bytesValue(text: string): number {
  const bytes = parseBytes(text);
  if (bytes === undefined) throw new InvalidArgumentError('It is a size, for example 500MB or 10GB.');
  return bytes;
}

export function platformValue(text: string): string {
  reading(() => parsePlatform(text));
  return text;
}

/** Of an option that may be given several times. */
export function platformValues(text: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), platformValue(text)];
}

export function substitutionsValue(text: string): Record<string, string> {
  return reading(() => parseSubstitutions(text));
}

export function addressValue(text: string): string {
  if (!/^(?:\[[^\]]+\]|[^:]+):\d{1,5}$/.test(text))
    throw new InvalidArgumentError('It is HOST:PORT, for example 127.0.0.1:7070; port 0 takes a free one.');
  return text;
}

/** Where blobs are kept, as `content` of slipway.yaml names it. */
export function contentValue(text: string): string {
  if (parseContentUrl(text) === undefined)
    throw new InvalidArgumentError('It is disk, s3://BUCKET/PREFIX or gs://BUCKET/PREFIX.');
  return text;
}

/** Of an option that may be given several times. */
export function collected(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value];
}

function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    throw new InvalidArgumentError([messageOf(error), error.hint ?? ''].join(' ').trim());
  }
}
