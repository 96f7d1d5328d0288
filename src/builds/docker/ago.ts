const STEPS: [limit: number, unit: number, name: string][] = [
  [2 * 60_000, 60_000, 'minute'],
  [2 * 3_600_000, 60_000, 'minutes'],
  [48 * 3_600_000, 3_600_000, 'hours'],
  [14 * 86_400_000, 86_400_000, 'days'],
  [60 * 86_400_000, 7 * 86_400_000, 'weeks'],
  [730 * 86_400_000, 30 * 86_400_000, 'months'],
];

/** An RFC 3339 time as docker's lists show it: `2 hours ago`. */
export function ago(time: string | undefined, now = Date.now()): string {
  const ms = time === undefined ? Number.NaN : now - Date.parse(time);
  if (Number.isNaN(ms)) return 'N/A';
  if (ms < 1000) return 'Less than a second ago';
  if (ms < 60_000) return `${Math.floor(ms / 1000)} seconds ago`;
  if (ms < 2 * 60_000) return 'About a minute ago';
  if (ms >= 3_600_000 && ms < 2 * 3_600_000) return 'About an hour ago';
  const step = STEPS.find(([limit]) => ms < limit);
  if (step === undefined) return `${Math.floor(ms / (365 * 86_400_000))} years ago`;
  return `${Math.floor(ms / step[1])} ${step[2]} ago`;
}
