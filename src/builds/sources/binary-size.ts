const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** A size as gsutil prints it: `300.0 B`, `5.1 KiB`. */
export function gsutilSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(1)} ${UNITS[unit]}`;
}
