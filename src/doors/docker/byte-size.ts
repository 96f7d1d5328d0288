/** `10m`, in powers of 1024 as docker counts memory and logs. */
export function sizeOf(text: string): number | undefined {
  const match = /^(\d{1,12})\s*([kmgt]?)i?b?$/i.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * 1024 ** ['', 'k', 'm', 'g', 't'].indexOf((match[2] ?? '').toLowerCase());
}
