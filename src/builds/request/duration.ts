/** Protobuf's JSON form of a duration: seconds with up to nine decimals and an `s`. */
const DURATION = /^(\d{1,12})(?:\.(\d{1,9}))?s$/;

/** Milliseconds, or undefined when the text is no such duration (`10m` is none). */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * 1000 + Number(`0.${match[2] ?? '0'}`) * 1000;
}
