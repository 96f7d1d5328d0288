const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** Bytes as BuildKit's lines have them: decimal units, two digits behind the point (`38B`, `3.40MB`). */
export function amount(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(2)}${UNITS[unit]}`;
}

/** ` 3.40MB / 28.57MB`, ` 3.40MB` where nobody knows the whole, nothing where there are no bytes. */
export function amountOf(current: number, total: number | undefined): string {
  if (total !== undefined && total > 0) return ` ${amount(current)} / ${amount(total)}`;
  return current > 0 ? ` ${amount(current)}` : '';
}
