const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A time span in docker's words, as in `Up 3 minutes`. */
export function humanDuration(ms: number): string {
  if (ms < SECOND) return 'Less than a second';
  if (ms < 2 * SECOND) return '1 second';
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} seconds`;
  if (ms < 2 * MINUTE) return 'About a minute';
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} minutes`;
  // from half an hour on it counts as the next one
  const hours = Math.floor(ms / HOUR + 0.5);
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  if (ms < 14 * DAY) return `${Math.floor(hours / 24)} days`;
  if (ms < 60 * DAY) return `${Math.floor(hours / 24 / 7)} weeks`;
  if (ms < 730 * DAY) return `${Math.floor(hours / 24 / 30)} months`;
  return `${Math.floor(hours / 24 / 365)} years`;
}
