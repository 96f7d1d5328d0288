/** The project of names and caches when none is said: what `slipway env` gave, else the demo's. */
export function projectOf(option: string | undefined): string {
  return option ?? process.env['CLOUDSDK_CORE_PROJECT'] ?? 'demo';
}
