/**
 * Output of docker without what is different every time. Ids are numbered by their first appearance in a conversation, so
 * that it still counts where one comes back: the id of a build's step in `docker history`.
 */
export class MaskedOutput {
  readonly #ids = new Map<string, number>();

  lines(text: string): string[] {
    const plain = text.replaceAll(/\u001b\[[\d;?]*[A-Za-z]/g, '').replaceAll('\r\n', '\n');
    return transfers(classicSteps(plain.split('\n').map((line) => line.split('\r').at(-1) ?? '')))
      .map((line) => this.#line(line))
      .filter((line) => line !== '' && !/level=error msg="error waiting for container: /.test(line));
  }

  #line(line: string): string {
    return line
      .replaceAll(/\b(file|dir|multi):[0-9a-f]{12,}/g, '$1:HASH')
      .replaceAll(/\b[0-9a-f]{64}\b|\b[0-9a-f]{12}\b/g, (id) => this.#named(id))
      .replaceAll(/\b[0-9a-f]{32}\b/g, 'KEY')
      .replaceAll(
        /\b(?:About |Less than )?(?:an?|\d+) (?:second|minute|hour|day|week|month|year)s?(?: ago)?\b/g,
        'TIME',
      )
      .replaceAll(/\b(?!0B)\d+(?:\.\d+)?(?:e\+\d+)?[kMG]?B\b/g, 'SIZE')
      .replaceAll(/\b[A-Z][a-z]{2} [ \d]\d (?:\d\d:\d\d| \d{4})\b/g, 'DATE')
      .replaceAll(/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?/g, 'MOMENT')
      .replace(/(digest: sha256:\S+ size:) \d+/, '$1 N')
      .replaceAll(/\/\S*\/config\.json/g, 'CONFIG')
      .replace(/^total \d+$/, 'total N')
      .replaceAll(/pip-ephem-wheel-cache-\S+/g, 'pip-ephem-wheel-cache')
      .replaceAll(/iris_scoring-1.0.0-py3-none-any.whl size=\d+/g, 'WHEEL')
      .replaceAll(/ {2,}/g, '  ')
      .trimEnd();
  }

  /** A whole id and its first twelve digits are the same one. */
  #named(id: string): string {
    const short = id.slice(0, 12);
    const number = this.#ids.get(short) ?? this.#ids.size + 1;
    this.#ids.set(short, number);
    return `ID${number}`;
  }
}

/**
 * The classic builder starts a container for every instruction and says so; of instructions that run nothing, neither that
 * nor whether it had them already is compared.
 */
function classicSteps(lines: readonly string[]): string[] {
  let runs = true;
  return lines.filter((line) => {
    const step = /^Step \d+\/\d+ : (\w+)/.exec(line)?.[1];
    if (step !== undefined) runs = step === 'RUN';
    return runs || !/^ ---> (?:Running in|Using cache)|^Removing intermediate/.test(line);
  });
}

/** What is the same for whoever pushes or pulls: it depends on what a store has already. */
const ENDS: readonly (readonly [RegExp, string])[] = [
  [/^(?:Pushed|Layer already exists|Mounted from .*)$/, 'are there'],
  [/^(?:Pull complete|Already exists|Download complete)$/, 'are here'],
];

/**
 * The lines of layers on their way come in any order, and how often is chance: only how each of them ended is kept, in one
 * line. A push to a registry may find a layer there, whole or in another repository.
 */
function transfers(lines: readonly string[]): string[] {
  const kept: string[] = [];
  const layers = new Map<string, string>();
  const end = () => {
    const counts = new Map<string, number>();
    for (const state of layers.values()) counts.set(state, (counts.get(state) ?? 0) + 1);
    for (const [state, count] of [...counts].sort()) kept.push(`${count} layers: ${state}`);
    layers.clear();
  };
  for (const line of lines) {
    const [, layer, state] = /^([0-9a-f]{12}): (.*)$/.exec(line) ?? [];
    if (layer !== undefined && state !== undefined) {
      layers.set(layer, ENDS.find(([pattern]) => pattern.test(state))?.[1] ?? state);
      continue;
    }
    end();
    kept.push(line);
  }
  end();
  return kept;
}
