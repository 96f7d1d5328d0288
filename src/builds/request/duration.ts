/** Protobuf's JSON form of a duration: seconds with up to nine decimals and an `s`. */
const DURATION = /^(\d{1,12})(?:\.(\d{1,9}))?s$/;

/** Milliseconds, or undefined when the text is no such duration (`10m` is none). */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * 1000 + Number(`0.${match[2] ?? '0'}`) * 1000;
}

/** As Go prints a duration in the API's texts: `20s`, `1h0m0s`, `1.5s`. */
export function goDuration(ms: number): string {
  const seconds = (ms / 1000) % 60;
  const minutes = Math.floor(ms / 60_000);
  if (ms < 60_000) return `${seconds}s`;
  return minutes < 60 ? `${minutes}m${seconds}s` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}s`;
}
