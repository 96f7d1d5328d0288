/**
 * What differs from one run of a command to the next, replaced by its name, in a recording and in what we see alike: ids,
 * times, digests, addresses, sizes of what was packed, widths of columns.
 */
const MASKS: readonly [RegExp, string][] = [
  // Python's own warnings about files of the SDK, which depend on whether it may write its caches
  [/^\S+: SyntaxWarning: invalid escape sequence.*\n(?: {2}.*\n)?/gm, ''],
  [/^WARNING: All log messages before absl::InitializeLog\(\).*\n/gm, ''],
  [/^[IEW]0000 00:00:.*\n/gm, ''],
  [/\r\n?/g, '\n'],
  [/https?:\/\/[^\s\]'>]*\/console\/builds[^\s\]'>]*/g, '<LOG PAGE>'],
  [/https?:\/\/[^\s\]'>]*\/builds\/[0-9a-f-]{36}\?key=[^\s\]'>]*/g, '<LOG PAGE>'],
  [/<LOG PAGE>\.?\]\./g, '<LOG PAGE>].'],
  [/https?:\/\/(?:127\.0\.0\.1|localhost):\d+/g, '<SERVER>'],
  [/https:\/\/cloudbuild\.googleapis\.com/g, '<SERVER>'],
  [/\b(?:localhost|127\.0\.0\.1):\d+/g, '<HOST>'],
  [/gs:\/\/\d{12}\.cloudbuild-logs\.googleusercontent\.com/g, 'gs://<LOGS>'],
  [/\/\d{12}\.cloudbuild-logs\.googleusercontent\.com/g, '/<LOGS>'],
  [/gs:\/\/slipway-logs-[a-z0-9-]+/g, 'gs://<LOGS>'],
  [/\/slipway-logs-[a-z0-9-]+/g, '/<LOGS>'],
  [/operations\/build\/(\w+)\/[\w=-]+/g, 'operations/build/$1/<BASE64>'],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, '<ID>'],
  [/\boperations\/[A-Za-z0-9_-]+\b/g, `operations/<OPERATION>`],
  [/sha256:[0-9a-f]{32,64}/g, '<DIGEST>'],
  [/\b\d{10}\.\d{1,6}-[0-9a-f]{32}/g, '<STAMP>'],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?/g, '<TIME>'],
  [/projects\/\d{12}/g, 'projects/<NUMBER>'],
  [/\b\d{12}@/g, '<NUMBER>@'],
  [/\[[^\]\s]*\/logs\/\d{4}\.\d\d\.\d\d\/[\d.]+\.log\]/g, '[<GCLOUD LOG>]'],
  [/archive of \d+ file\(s\) totalling [\d.]+ (?:bytes|[KMG]iB)/g, 'archive of <N> file(s) totalling <SIZE>'],
  [/Average throughput: .*/g, 'Average throughput: <RATE>'],
  // how long a build took; nothing when it was less than a second
  [/(<TIME>)[ \t]+(?:\d+[A-Z])+(?=\s)/g, '$1'],
  [/object at 0x[0-9a-f]+/g, 'object at <ADDRESS>'],
  [/\.{2,}/g, '..'],
  [/^[|/\\-]? ?\[[\d/]+ (?:files|objects)\].*\n/gm, ''],
  [/^[-\\|/]$\n/gm, ''],
  [/-{4,}/g, '----'],
  [/^\.+\n?/gm, ''],
  [/(<TIME>[ \t]+)[\d.]+$/gm, '$1<SIZE>'],
  [/Repository Size: .*/g, 'Repository Size: <SIZE>'],
  [/objects\/[\d.]+ [KMG]?i?B\./g, 'objects/<SIZE>.'],
  [/[ \t]{2,}/g, '  '],
  [/[ \t]+$/gm, ''],
  [/\n{2,}/g, '\n'],
];

export function masked(text: string): string {
  const one = MASKS.reduce((masking, [pattern, name]) => masking.replace(pattern, name), text);
  // several at a time are told of in any order
  return one.replace(/(?:^Copying .*\n){2,}/gm, (lines) => `${lines.trimEnd().split('\n').sort().join('\n')}\n`).trim();
}
