const WIDTH = 50;

/** What `docker pull` draws, for clients that don't draw it themselves. */
export function progressBar(current: number, total: number | undefined): string {
  const shown = humanSize(current).padStart(8);
  if (total === undefined || total <= 0) return shown;
  const done = Math.min(WIDTH, Math.floor((current / total) * WIDTH));
  const bar = `[${'='.repeat(done)}>${' '.repeat(WIDTH - done)}]`;
  return current > total ? `${bar} ${shown}` : `${bar} ${shown}/${humanSize(total)}`;
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** Four digits and a decimal unit, as docker writes sizes: `33.79kB`. */
function humanSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${Number(value.toPrecision(4))}${UNITS[unit]}`;
}
