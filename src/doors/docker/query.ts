import { DockerError } from './errors.ts';

/** As dockerd reads a switch: everything but these few is yes. */
export function booleanOf(query: URLSearchParams, name: string, otherwise = false): boolean {
  const value = query.get(name);
  if (value === null) return otherwise;
  return !['', '0', 'no', 'false', 'none'].includes(value.trim().toLowerCase());
}

/** A whole number; undefined when it is absent or empty. @throws DockerError 400 */
export function integerOf(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null || value === '') return undefined;
  if (!/^-?\d{1,15}$/.test(value))
    throw new DockerError(400, `invalid value for ${name}: ${JSON.stringify(value.slice(0, 100))} is not a number`);
  return Number(value);
}

/**
 * A moment as docker writes it: seconds since 1970 with an optional fraction, or RFC 3339.
 * @returns milliseconds since 1970; undefined when it is absent, empty or 0
 * @throws DockerError 400
 */
export function momentOf(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null || value === '' || value === '0') return undefined;
  const ms = /^\d{1,12}(\.\d+)?$/.test(value) ? Number(value) * 1000 : Date.parse(value);
  if (Number.isNaN(ms))
    throw new DockerError(400, `invalid value for ${name}: ${JSON.stringify(value.slice(0, 100))} is not a time`);
  return ms;
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/**
 * A moment as filters write it: as `momentOf`, or a duration before now (`10m`, `1h30m`).
 * @returns milliseconds since 1970
 * @throws DockerError 400
 */
export function agoOf(text: string, now: number): number {
  if (/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) {
    const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
    return now - parts.reduce((sum, [, count, unit = '']) => sum + Number(count) * (UNITS[unit] ?? 0), 0);
  }
  return momentOf(new URLSearchParams({ until: text }), 'until') ?? 0;
}
